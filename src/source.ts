import type { FreshnessOptions } from './cache/freshness.js';
import type { Client, Connector } from './connectors/connector.js';
import type { GraphqlMapping } from './connectors/graphql/mapping.js';
import type { CompanyDeclaration } from './customer/company.js';
import type { ConsentDeclaration } from './customer/consent-declaration.js';
import type { TimelineDeclaration } from './customer/timeline-declaration.js';
import type { Duration } from './duration.js';
import type { IdentityDeclaration, Namespace } from './identity/declaration.js';
import type { Loader } from './loaders/loader.js';
import type { LimitsOptions } from './resilience/limits.js';
import type { SettingsReader } from './settings.js';
import type { AbsentSource } from './unknown-settings.js';
import type { WebhookDeclaration } from './webhooks/declaration.js';
import type { OutboxDeclaration } from './webhooks/outbox.js';

/** A source system that speaks GraphQL: its part of the schema is asked as GraphQL, not by loaders and resolvers. */
export interface StitchedDeclaration {
  mapping: GraphqlMapping;
  /** By our type: the private entry point of the source's SDL that finds its objects by their keys. */
  entities: Readonly<Record<string, { entry: string }>>;
}

/** What protects a system, and us from it. */
export interface SourceLimits extends LimitsOptions {
  /** The most keys in one call. A loader may take fewer. Default: no bound. */
  maxBatch?: number;
  /**
   * How long a batch waits for keys of other requests. Default `'0 ms'`: it takes those that come in at the same
   * moment, and nobody waits.
   */
  batchWindow?: Duration;
  /** A larger answer is refused as SOURCE_CONTRACT while it is still coming in. Default 8 MiB. */
  maxAnswerBytes?: number;
  /** The most memory that its kept answers take. Default: half of `CACHE_MAX_MB`. */
  maxCacheBytes?: number;
  /**
   * The limits protect each process from itself, as of files that it reads, and no system: workers then do not share
   * them. Default false.
   */
  ofProcess?: boolean;
}

/** A source system, declared: what it is reached by, what it may be asked, and how carefully. */
export interface SourceDefinition<C extends Client = Client> {
  /** Kebab-case; also names the source's folder and `schema/sources/<name>.graphql`. */
  name: string;
  connector: Connector<C>;
  /**
   * How long its answers may be cached. Default: `DEFAULT_FRESHNESS`, and `DEFAULT_IDENTITY_FRESHNESS` for the loaders of
   * `identity`. If it is declared, it also holds for those, and what it leaves out is `'0 s'`: with `{}` no answer is
   * cached. The setting `<SOURCE>_FRESHNESS` changes it.
   */
  freshness?: FreshnessOptions;
  /** What the system may be asked at most, so that it is not harmed by us. The setting `<SOURCE>_LIMITS` changes it. */
  limits?: SourceLimits;
  /** Kinds of identifier that only this system has. */
  namespaces?: readonly Namespace[];
  /** Left out by a source that knows no customers. */
  identity?: IdentityDeclaration<C>;
  /**
   * Kinds of identifier that the resolvers read by `customer.held()`, since no system keeps its records by them. A `@key` on
   * `Customer` may then name one of these.
   */
  heldIdentifiers?: readonly string[];
  /** What happened between the customer and us, as far as this system knows. */
  timeline?: TimelineDeclaration;
  /** What customers allow and forbid, as far as this system knows. */
  consents?: ConsentDeclaration<C>;
  /** Which companies this system knows, and by what it can be asked about one. */
  companies?: CompanyDeclaration<C>;
  /** How it tells of changes, by `POST /webhooks/<name>`. */
  webhook?: WebhookDeclaration;
  /** How it tells of changes by a table of its own database. */
  outbox?: OutboxDeclaration;
  /** Every loader that the resolvers ask. Those of `identity` need not be repeated. */
  loaders?: readonly Loader<C, never, unknown>[];
  /** Answers the source's SDL, typed by codegen as `Resolvers`. Fields that only read a property need none. */
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
      const own = connector.settings(settings).map(({ variable }) => variable);
      const beside = [webhook?.secrets, webhook?.handshakeToken, outbox?.url];
      return {
        name,
        variables: [...own, ...beside.flatMap((one) => (one === undefined ? [] : [one.variable]))],
        pluggedInBy: own[0],
      };
    });
}

/** The sources of which a setting is there. Reading the others of their settings tells what is missing. */
export function pluggedIn(all: readonly SourceDefinition[], settings: SettingsReader): SourceDefinition[] {
  const sources = all.filter(({ connector }) =>
    connector.settings(settings).some((one) => settings.isPresent(one)),
  );
  for (const { connector } of sources) for (const one of connector.settings(settings)) settings.read(one);
  if (sources.length === 0) {
    const variables = all.map(
      ({ name, connector }) => `${name} by ${connector.settings(settings)[0]?.variable ?? 'its settings'}`,
    );
    settings.problems.push(`No source is plugged in. Set at least one: ${variables.join(', ')}.`);
  }
  return sources;
}
