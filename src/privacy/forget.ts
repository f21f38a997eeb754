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
 * What is to be forgotten: a customer by one identifier, an object of the schema, or what a source or loader gave. A
 * customer that is also suppressed is shown to nobody any more.
 */
export type ForgetRequest = { identifier: Identifier; suppress?: boolean | undefined } | Forgettable;

/** What forgetting came to. */
export interface Forgotten {
  /** Whether every instance has been told. When it is false, tell them again later. */
  isEverywhere: boolean;
  /** Systems that could not say which records are the customer's: all of their answers were dropped. */
  unavailableSources: readonly string[];
  /** Asks anew for what was read often, so that whoever asks next need not wait for it. */
  renew: () => void;
  /** Of a customer: who that was. It stays here, and is in no answer. */
  customer?: ForgottenCustomer;
}

export interface ForgottenCustomer {
  /** All that the systems know the customer by. */
  identifiers: readonly Identifier[];
  /** Of these, the ones that are this customer's and nobody else's. Empty when the systems know several, or nobody. */
  exclusive: readonly Identifier[];
  /** The systems' own records, which are still there: the gateway holds none that it could erase. */
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
  /** Looks a customer up by calling the systems themselves. `end` ends the lookup. */
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
        logger.error({ reason: error instanceof Error ? error.name : 'unknown' }, 'forgotten here only');
      });
    return {
      isEverywhere: renew !== undefined,
      unavailableSources,
      renew: renew ?? (() => undefined),
      ...(customer === undefined ? {} : { customer }),
    };
  };

  /** Everything that the systems know the customer by is forgotten, not the one identifier alone. */
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
      // Before it is forgotten: what is asked for after that must not be kept again.
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

  /** A name that is mistyped would forget nothing, and nobody would know. */
  function refuseUnknown(what: Forgettable): void {
    if ('type' in what && schema.getType(what.type) === undefined)
      throw new InvalidInputError('There is no such type in the schema.');
    if (!('source' in what)) return;
    if (!sources.has(what.source)) throw new InvalidInputError('There is no such source.');
    if (what.loader !== undefined && !registry.has(what.source, what.loader))
      throw new InvalidInputError('The source has no such loader.');
  }
}
