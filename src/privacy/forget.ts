import type { GraphQLSchema } from 'graphql';
import type { Forgettable } from '../cache/invalidation.js';
import { AmbiguousIdentityError, InvalidInputError } from '../errors.js';
import { identifierIn, type Identifier } from '../identity/identifiers.js';
import type { Identity, IdentityRules } from '../identity/identity-graph.js';
import { knownIdentifiers } from '../identity/known-identifiers.js';
import type { LoaderRegistry } from '../loaders/registry.js';
import type { Suppression } from './suppression.js';
import type { Logger } from '../telemetry/logger.js';

/**
 * What to forget: a customer by one identifier, an object of the schema, or the cached answers of a source or loader.
 * With `suppress` the customer is no longer shown.
 */
export type ForgetRequest = { identifier: Identifier; suppress?: boolean | undefined } | Forgettable;

/** The result of forgetting. */
export interface Forgotten {
  /** Whether every instance has been notified. If false, repeat it later. */
  isEverywhere: boolean;
  /** Systems that were unavailable, so that the customer's records are unknown: all their cached answers were dropped. */
  unavailableSources: readonly string[];
  /** Reloads frequently read data, so that the next request does not wait for it. */
  renew: () => void;
  /** The forgotten customer. It is never part of a response. */
  customer?: ForgottenCustomer;
}

export interface ForgottenCustomer {
  /** All identifiers of the customer. */
  identifiers: readonly Identifier[];
  /** The identifiers that belong to this customer only. Empty if the systems know several customers, or none. */
  exclusive: readonly Identifier[];
  /** The records in the systems. They still exist: the gateway stores no records that it could erase. */
  records: readonly { source: string; id: string }[];
  isSuppressed: boolean;
}

export type Forget = (request: ForgetRequest) => Promise<Forgotten>;

export interface ForgetOptions {
  schema: GraphQLSchema;
  /** The names of the plugged-in sources. */
  sources: ReadonlySet<string>;
  registry: Pick<LoaderRegistry, 'forget' | 'has'>;
  rules: IdentityRules;
  /** Identifies a customer without the cache, by calling the systems. `end` releases the lookup. */
  lookUp: (identifier: Identifier) => { identity: Identity; end: () => void };
  suppression: Suppression;
  logger: Logger;
}

export function createForget({
  schema,
  sources,
  registry,
  rules,
  lookUp,
  suppression,
  logger,
}: ForgetOptions): Forget {
  return async (what) => {
    const { subjects, unavailableSources, customer } = await toForget(what);
    const renew = await registry
      .forget([...subjects, ...unavailableSources.map((source) => ({ source }))])
      .catch((error: unknown) => {
        logger.error(
          { reason: error instanceof Error ? error.name : 'unknown' },
          'other instances could not be notified: cached data was dropped on this instance only',
        );
      });
    return {
      isEverywhere: renew !== undefined,
      unavailableSources,
      renew: renew ?? (() => undefined),
      ...(customer === undefined ? {} : { customer }),
    };
  };

  /** Collects what to drop: the data of all identifiers of the customer, not only of the requested one. */
  async function toForget(what: ForgetRequest) {
    if (!('identifier' in what)) {
      refuseUnknown(what);
      return { subjects: [what], unavailableSources: [] };
    }
    const { namespace: name, value } = what.identifier;
    const identifier = identifierIn(rules, name, value);
    const { identity, end } = lookUp(identifier);
    try {
      const known = await knownIdentifiers(rules, identity);
      const { identifiers, exclusive, records, candidates, failed } = known;
      const isSuppressed = what.suppress === true;
      if (isSuppressed && candidates > 1) throw new AmbiguousIdentityError(undefined, candidates);
      // The suppression comes first, so that no later request caches the data again.
      if (isSuppressed) await suppression.add(exclusive);
      return {
        subjects: [...identifiers],
        unavailableSources: failed,
        customer: {
          identifiers,
          exclusive: candidates > 1 || records.length === 0 ? [] : exclusive,
          records,
          isSuppressed,
        },
      };
    } finally {
      end();
    }
  }

  /** Throws for unknown names: a misspelt name would drop nothing, without an error. */
  function refuseUnknown(what: Forgettable): void {
    if ('type' in what && schema.getType(what.type) === undefined)
      throw new InvalidInputError('The schema has no such type.');
    if (!('source' in what)) return;
    if (!sources.has(what.source)) throw new InvalidInputError('No source with this name is plugged in.');
    if (what.loader !== undefined && !registry.has(what.source, what.loader))
      throw new InvalidInputError('The source has no such loader.');
  }
}
