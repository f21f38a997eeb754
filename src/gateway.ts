import type { GraphQLSchema } from 'graphql';
import type { RequestListener } from 'node:http';
import { createCache, type Clock } from './cache/cache.js';
import { createTags, type Forgettable } from './cache/invalidation.js';
import { createKeys } from './cache/keys.js';
import { createSharedCache } from './cache/shared-cache.js';
import { readGatewayConfig, SettingsReader, type Environment, type GatewayConfig } from './config.js';
import type { Client, Connection } from './connectors/connector.js';
import type { GraphqlClient } from './connectors/graphql/client.js';
import { createContext } from './context/context.js';
import { priorityOf } from './context/directives.js';
import { customerResolvers } from './customer/resolvers.js';
import { survivorshipRules } from './customer/survivorship.js';
import { milliseconds } from './duration.js';
import { InvalidInputError } from './errors.js';
import { createCustomerIds } from './identity/customer-id.js';
import { normalise } from './identity/identifiers.js';
import { knownIdentifiers } from './identity/known-identifiers.js';
import { addIdentityLoaders, askable, createIdentityRules } from './identity/rules.js';
import type { Loader } from './loaders/loader.js';
import { createLoaderRegistry, type LoadedSource, type LoaderRegistry } from './loaders/registry.js';
import type { Protection } from './resilience/protection.js';
import { createProtection } from './resilience/wrap.js';
import type { ForgetRequest, Forgotten } from './server/admin.js';
import { createOverloadGuard } from './server/overload.js';
import { createServerApp } from './server/yoga.js';
import { DEFAULT_MAX_ANSWER_BYTES, DEFAULT_TIMEOUT, type SourceDefinition } from './source.js';
import { composeSdl, readSdlFiles, type Sdl, type SdlFile } from './stitching/sdl.js';
import { stitch } from './stitching/stitch.js';
import { createSubschema } from './stitching/subschema.js';
import { createLogger, type Logger } from './telemetry/logger.js';
import { createMetrics } from './telemetry/metrics.js';
import { startRequest } from './telemetry/tracing.js';

export interface GatewayOptions {
  /** All sources that could be plugged in; those whose settings are there are. */
  sources: readonly SourceDefinition[];
  /** Where settings are read from. Default: `process.env`. */
  environment?: Environment;
  /** SDL of sources that do not lie in schema/sources, by source. */
  sdl?: Readonly<Record<string, string>>;
  /** The clock that ages are told by. Default: `performance`. */
  clock?: Clock;
  logger?: Logger;
}

export interface Gateway {
  config: GatewayConfig;
  schema: GraphQLSchema;
  /** The names of the plugged-in sources. */
  sources: readonly string[];
  /** The front door, without a port. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** The same as a handler for node:http. */
  handler: RequestListener;
  logger: Logger;
  /** Drops what is kept of a customer, an object, a source or a loader, on every instance. */
  forget(what: ForgetRequest): Promise<Forgotten>;
  /** Says to load balancers that no more requests are wanted. */
  drain(): void;
  /** Closes the connections to all systems. */
  close(): Promise<void>;
}

/**
 * Wires the rooms in the order of a request. Throws a ConfigError with all that is wrong with the settings or the
 * sources; no system is asked before the first request.
 */
export function createGateway({
  sources: all,
  environment = process.env,
  sdl: given = {},
  clock = performance,
  logger: givenLogger,
}: GatewayOptions): Gateway {
  const settings = new SettingsReader(environment);
  const config = readGatewayConfig(settings);
  const sources = pluggedIn(all, settings);
  settings.throwIfWrong();
  const logger = givenLogger ?? createLogger(config.logLevel);

  const metrics = createMetrics();
  const cache = createCache({ maxBytes: config.cacheMaxBytes, clock });
  const keys = createKeys(config.idSecret);
  const shared =
    config.redisUrl === undefined
      ? undefined
      : createSharedCache({
          url: config.redisUrl,
          ...(config.cacheSecret === undefined ? {} : { secret: config.cacheSecret }),
          logger,
          onForget: (tags) => {
            registry.forgetTags(tags);
          },
          onGap: () => {
            registry.clear();
          },
        });
  const registry: LoaderRegistry = createLoaderRegistry(
    {
      cache,
      tags: createTags(keys, clock),
      clock,
      shared,
      observer: metrics,
      refreshMs: config.deadlineMs,
    },
    keys,
  );
  const loaded = new Map<string, LoadedSource<Client>>();
  for (const source of sources) loaded.set(source.name, connect(source));

  function connect(source: SourceDefinition): LoadedSource<Client> {
    const { name, limits = {} } = source;
    const timeoutMs = milliseconds(limits.timeout ?? DEFAULT_TIMEOUT);
    const maxAnswerBytes = limits.maxAnswerBytes ?? DEFAULT_MAX_ANSWER_BYTES;
    const connection = source.connector.connect(settings, {
      source: name,
      timeoutMs,
      maxAnswerBytes,
      logger,
    });
    const protection = createProtection({
      source: name,
      limits,
      clock,
      ...(shared === undefined
        ? {}
        : { quota: { count: (of, window, ttlMs) => shared.count(`${of} ${window}`, ttlMs) } }),
      observe: {
        called: (durationMs, outcome) => {
          metrics.sourceCalled(name, durationMs, outcome);
        },
        waited: (durationMs, priority) => {
          metrics.waitedForTurn(name, priority, durationMs);
        },
        retried: () => {
          metrics.retried(name);
        },
        breakerChanged: (state) => {
          logger.warn({ source: name, breaker: state }, 'breaker');
          metrics.breakerChanged(name, state);
        },
      },
    });
    if (limits.maxCacheBytes !== undefined) cache.bound(name, limits.maxCacheBytes);
    const { maxBatch, batchWindow = '0 ms' } = limits;
    const windowMs = milliseconds(batchWindow);
    return { name, connection, protection, freshness: source.freshness, maxBatch, windowMs };
  }

  const identityLimits = {
    maxHops: config.identityMaxHops,
    maxValuesPerNamespace: config.identityMaxValues,
    maxIdentifiers: config.identityMaxIdentifiers,
    patienceMs: config.identityPatienceMs,
  };
  const rules = createIdentityRules(sources, config.defaultRegion, identityLimits, metrics.identityLimited);
  for (const { name, identity, loaders = [] } of sources) {
    const source = loaded.get(name);
    if (source === undefined) continue;
    const ofIdentity = identity === undefined ? [] : addIdentityLoaders(source, identity, registry, rules);
    for (const loader of new Set<unknown>(loaders))
      if (!ofIdentity.includes(loader)) registry.add(source, loader as Loader<Client, never, unknown>);
  }
  const sdl = readSdl(sources, given, askable(rules));
  const stitched = sources.flatMap(({ name, stitched: declaration }) => {
    // A stitched source has the graphql connector, so its client is that connector's.
    const own = loaded.get(name) as LoadedSource<GraphqlClient> | undefined;
    return declaration === undefined || own === undefined
      ? []
      : [createSubschema(own, sdl, declaration, registry)];
  });
  const spine = customerResolvers({
    rules,
    sourceOf: new Map(rules.sources.map(({ name, identity }) => [identity.recordKey, name])),
    survivorship: survivorshipRules(sdl.spine, rules.sources),
    timelines: sources.flatMap(({ name, timeline }) => (timeline === undefined ? [] : [{ name, timeline }])),
    companies: sources.flatMap(({ name, companies }) =>
      companies === undefined ? [] : [{ name, companies }],
    ),
    sourceOfField: fieldsOf('Customer', sdl),
    sourceOfCompanyField: fieldsOf('Company', sdl),
    ids: createCustomerIds(config.idSecret),
    maxCustomers: config.maxCustomers,
  });
  const resolvers = new Map<string, object>([['', spine]]);
  for (const source of sources)
    if (source.resolvers !== undefined) resolvers.set(source.name, source.resolvers);
  const schema = stitch({ sdl, resolvers, stitched });

  const contextOptions = { registry, rules, clock, deadlineMs: config.deadlineMs };
  const forget = async (what: ForgetRequest): Promise<Forgotten> => {
    const { subjects, droppedWhole } = await toForget(what);
    const everywhere = await registry
      .forget([...subjects, ...droppedWhole.map((source) => ({ source }))])
      .then(
        () => true,
        (error: unknown) => {
          logger.error({ reason: error instanceof Error ? error.name : 'unknown' }, 'forgotten here only');
          return false;
        },
      );
    return { everywhere, droppedWhole };
  };

  /** Everything that the systems know the customer by is forgotten, not the one identifier alone. */
  async function toForget(what: ForgetRequest) {
    if (!('identifier' in what)) {
      refuseUnknown(what);
      return { subjects: [what], droppedWhole: [] };
    }
    const { namespace: name, value } = what.identifier;
    const namespace = rules.namespaces.get(name);
    const identifier = namespace === undefined ? null : normalise(namespace, value);
    if (identifier === null)
      throw new InvalidInputError(`The ${name} given is not one that can identify a customer.`);
    const { context, end } = createContext(
      contextOptions,
      { wanted: { maxAgeMs: 0 }, priority: 'automation', wantsSources: false },
      startRequest(new Headers()),
      'forget',
    );
    try {
      const { identifiers, failed } = await knownIdentifiers(rules, context.identify(identifier));
      return { subjects: [...identifiers], droppedWhole: failed };
    } finally {
      end();
    }
  }

  /** A name that is mistyped would forget nothing, and nobody would know. */
  function refuseUnknown(what: Forgettable): void {
    if ('type' in what && schema.getType(what.type) === undefined)
      throw new InvalidInputError('There is no such type in the schema.');
    if (!('source' in what)) return;
    if (!loaded.has(what.source)) throw new InvalidInputError('There is no such source.');
    if (what.loader !== undefined && !registry.has(what.source, what.loader))
      throw new InvalidInputError('The source has no such loader.');
  }

  let stopping = false;
  const breakers = () =>
    new Map([...loaded].map(([name, { protection }]) => [name, protection.breaker] as const));
  const clients = new Map([...loaded].map(([name, source]) => [name, pinger(source)] as const));
  const app = createServerApp({
    schema,
    config,
    clients,
    breakers,
    isStopping: () => stopping,
    forget,
    metrics,
    logger,
    contextOptions,
  });
  const overload = createOverloadGuard({
    maxInFlight: config.maxInFlight,
    maxDelayMs: config.maxDelayMs,
    priorityOf: ({ headers }) => priorityOf(headers.get('x-priority'), config.priority),
    onShed: (priority) => {
      metrics.shed(priority);
    },
  });
  metrics.readAtScrape({
    requestsInFlight: () => overload.inFlight(),
    eventLoopDelayMs: () => overload.delayMs(),
    cache: () => [...cache.usage()].map(([source, held]) => ({ source, ...held })),
    ...(shared === undefined ? {} : { sharedCacheUp: () => shared.state === 'up' }),
  });
  const guarded = overload.guardFetch((request) => app.fetch(request));
  return {
    config,
    schema,
    sources: sources.map(({ name }) => name),
    fetch: async (path, init = {}) => guarded(new Request(new URL(path, 'http://gateway'), init)),
    handler: overload.guardHandler((request, response) => {
      void app(request, response);
    }),
    logger,
    forget,
    drain: () => {
      stopping = true;
    },
    close: async () => {
      await Promise.all([...loaded.values()].map(({ connection }) => connection.close()));
      await shared?.close();
      overload.close();
      cache.clear();
      cache.close();
    },
  };
}

/** Asks whether the system is there, under its limits as any other call. */
function pinger({
  connection,
  protection,
}: {
  connection: Connection<Client>;
  protection: Protection;
}): Client {
  return {
    ping: () => {
      const scope = protection.scope({ priority: 'interactive' });
      return connection
        .client({
          run: (call) => scope.run(call),
          slowDown: (news) => {
            scope.slowDown(news);
          },
          holds: () => undefined,
          headers: {},
        })
        .ping();
    },
  };
}

/** The sources of which a setting is there. Reading the others of their settings tells what is missing. */
function pluggedIn(all: readonly SourceDefinition[], settings: SettingsReader): SourceDefinition[] {
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

function readSdl(
  sources: readonly SourceDefinition[],
  given: Readonly<Record<string, string>>,
  namespaces: Parameters<typeof composeSdl>[1],
): Sdl {
  const own = sources.filter(({ name }) => given[name] === undefined).map(({ name }) => name);
  const brought = Object.entries(given).map(([source, text]): SdlFile => ({
    name: `SDL of ${source}`,
    text,
    source,
  }));
  return composeSdl([...readSdlFiles(own), ...brought], namespaces);
}

function fieldsOf(type: string, { owners }: Sdl): ReadonlyMap<string, string> {
  const fields = [...owners].filter(([path]) => path.startsWith(`${type}.`));
  return new Map(fields.map(([path, source]) => [path.slice(type.length + 1), source]));
}
