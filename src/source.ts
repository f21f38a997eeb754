import type { FreshnessOptions } from './cache/freshness.js';
import type { Client, Connector } from './connectors/connector.js';
import type { GraphqlMapping } from './connectors/graphql/mapping.js';
import type { CompanyDeclaration } from './customer/company.js';
import type { AnyCondition } from './customer/condition-declaration.js';
import type { ConsentDeclaration } from './customer/consent-declaration.js';
import type { DealsDeclaration } from './customer/deal.js';
import type { OrganisationsDeclaration } from './customer/organisation.js';
import type { TicketsDeclaration } from './customer/ticket.js';
import type { TimelineDeclaration } from './customer/timeline-declaration.js';
import type { Duration } from './duration.js';
import type { IdentityDeclaration, Namespace } from './identity/declaration.js';
import type { Loader } from './loaders/loader.js';
import type { LimitsOptions } from './resilience/limits.js';
import type { SettingsReader } from './settings.js';
import type { AbsentSource } from './unknown-settings.js';
import type { WebhookDeclaration } from './webhooks/declaration.js';
import type { OutboxDeclaration } from './webhooks/outbox.js';

/** A source system that speaks GraphQL. Its part of the schema is delegated to it, without loaders and resolvers. */
export interface StitchedDeclaration {
  mapping: GraphqlMapping;
  /** For each type of ours, the private entry point in the source's SDL that returns objects by their keys. */
  entities: Readonly<Record<string, { entry: string }>>;
}

/** Limits that protect the system from the gateway, and the gateway from the system. */
export interface SourceLimits extends LimitsOptions {
  /** Keys in one call at most. A loader may declare fewer. Default: no limit. */
  maxBatch?: number;
  /**
   * How long a batch waits for keys of other requests. Default: `'0 ms'`, which batches the keys of one moment without a wait.
   */
  batchWindow?: Duration;
  /** A larger answer is cut off and fails with SOURCE_CONTRACT. Default: 8 MiB. */
  maxAnswerBytes?: number;
  /** Memory for the cached records of this source at most. Default: half of `CACHE_MAX_MB`. */
  maxCacheBytes?: number;
  /**
   * Whether the limits protect each process, for example from the files that it reads, and not a system. Workers do not share
   * such limits. Default: false.
   */
  ofProcess?: boolean;
}

/** The declaration of a source system: its connection, its data, and its limits. */
export interface SourceDefinition<C extends Client = Client> {
  /** Kebab-case. It is also the name of the source's folder and of `schema/sources/<name>.graphql`. */
  name: string;
  connector: Connector<C>;
  /**
   * How long its records may be cached. Default: `DEFAULT_FRESHNESS`, and `DEFAULT_IDENTITY_FRESHNESS` for the loaders of
   * `identity`. A declared value applies to all loaders, and a part that it omits is `'0 s'`: with `{}` nothing is cached. The
   * setting `<SOURCE>_FRESHNESS` changes it.
   */
  freshness?: FreshnessOptions;
  /** Limits on calls to the system. The setting `<SOURCE>_LIMITS` changes them. */
  limits?: SourceLimits;
  /** Scopes of its own, which its SDL may require, such as `warranty:read`. A role must have each of them. */
  scopes?: readonly string[];
  /** Kinds of identifier that only this system has. */
  namespaces?: readonly Namespace[];
  /** How the source finds customers. A source without customers omits it. */
  identity?: IdentityDeclaration<C>;
  /**
   * Kinds of identifier that the resolvers read by `customer.heldValues()`, because no system finds records by them. The directive
   * that names the source's identifier on `Customer` may name one of these.
   */
  heldIdentifiers?: readonly string[];
  /** The customer's history in this system. */
  timeline?: TimelineDeclaration;
  /** Its part of `Customer.tickets`. */
  tickets?: TicketsDeclaration;
  /** Its part of `Customer.deals`. */
  deals?: DealsDeclaration;
  /** Its part of `Customer.organisations`. */
  organisations?: OrganisationsDeclaration;
  /** Properties by which audiences select customers. */
  conditions?: readonly AnyCondition<C>[];
  /** The consents that this system holds. */
  consents?: ConsentDeclaration<C>;
  /** How the source finds companies. */
  companies?: CompanyDeclaration<C>;
  /** How the system reports changes to `POST /webhooks/<name>`. */
  webhook?: WebhookDeclaration;
  /** How the system reports changes in a table of its database. */
  outbox?: OutboxDeclaration;
  /** Every loader that the resolvers call, except the loaders of `identity`. */
  loaders?: readonly Loader<C, never, unknown>[];
  /** Resolvers of the source's SDL, typed by codegen as `Resolvers`. A field that reads a property needs none. */
  resolvers?: object;
  /** Only with the `graphql` connector. */
  stitched?: StitchedDeclaration;
}

export const DEFAULT_TIMEOUT: Duration = '1 s';
export const DEFAULT_MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** Declares a source. */
export function defineSource<C extends Client>(definition: SourceDefinition<C>): SourceDefinition<C> {
  return definition;
}

/** The sources that are not plugged in, with all their settings. */
export function absentSources(
  all: readonly SourceDefinition[],
  present: readonly SourceDefinition[],
  settings: SettingsReader,
): AbsentSource[] {
  const names = new Set(present.map(({ name }) => name));
  return all
    .filter(({ name }) => !names.has(name))
    .map(({ name, connector, webhook, outbox }) => {
      const ofConnector = connector.settings(settings).map(({ variable }) => variable);
      const ofEvents = [webhook?.secrets, webhook?.handshakeToken, outbox?.url];
      return {
        name,
        variables: [...ofConnector, ...ofEvents.flatMap((setting) => setting?.variable ?? [])],
        pluggedInBy: ofConnector[0],
      };
    });
}

/** The sources with at least one setting. Reading their other settings reports each one that is missing. */
export function pluggedIn(all: readonly SourceDefinition[], settings: SettingsReader): SourceDefinition[] {
  const sources = all.filter(({ connector }) =>
    connector.settings(settings).some((setting) => settings.isPresent(setting)),
  );
  for (const { connector } of sources)
    for (const setting of connector.settings(settings)) settings.read(setting);
  if (sources.length === 0) {
    const variables = all.map(
      ({ name, connector }) => `${name} by ${connector.settings(settings)[0]?.variable ?? 'its settings'}`,
    );
    settings.problems.push(`No source is plugged in. Set at least one: ${variables.join(', ')}.`);
  }
  return sources;
}
