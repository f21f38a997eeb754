import type { FreshnessOptions } from './cache/freshness.js';
import type { Client, Connector } from './connectors/connector.js';
import type { GraphqlMapping } from './connectors/graphql/mapping.js';
import type { CompanyDeclaration } from './customer/company.js';
import type { TimelineDeclaration } from './customer/timeline-declaration.js';
import type { Duration } from './duration.js';
import type { IdentityDeclaration, Namespace } from './identity/declaration.js';
import type { Loader } from './loaders/loader.js';
import type { LimitsOptions } from './resilience/limits.js';

/** A source system that speaks GraphQL: its part of the schema is asked as GraphQL, not by loaders and resolvers. */
export interface StitchedDeclaration {
  mapping: GraphqlMapping;
  /** By our type: the private entry point of the source's SDL that finds its objects, and the argument for the keys. */
  entities: Readonly<Record<string, { entry: string; keysArgument: string }>>;
}

/** What protects a system, and us from it. */
export interface SourceLimits extends LimitsOptions {
  /** The most keys in one call of loaders that do not say. Default: no bound. */
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
}

/** A source system, declared: what it is reached by, what it may be asked, and how carefully. */
export interface SourceDefinition<C extends Client = Client> {
  /** Kebab-case; also names the source's folder and `schema/sources/<name>.graphql`. */
  name: string;
  connector: Connector<C>;
  /** How long its answers may be kept. Default: not at all. */
  freshness?: FreshnessOptions;
  /** What the system may be asked at most, so that it is not harmed by us. */
  limits?: SourceLimits;
  /** Kinds of identifier that only this system has. */
  namespaces?: readonly Namespace[];
  /** Left out by a source that knows no customers. */
  identity?: IdentityDeclaration<C>;
  /** What happened between the customer and us, as far as this system knows. */
  timeline?: TimelineDeclaration;
  /** Which companies this system knows, and by what it can be asked about one. */
  companies?: CompanyDeclaration<C>;
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
