import type { GraphQLSchema } from 'graphql';
import type { RequestListener } from 'node:http';
import { createCache } from './cache/cache.js';
import type { Clock } from './clock.js';
import { createRecentlyForgotten } from './cache/recently-forgotten.js';
import { createTags } from './cache/invalidation.js';
import { createKeys } from './cache/keys.js';
import { createSharedCache } from './cache/shared-cache.js';
import { readGatewayConfig, type GatewayConfig } from './config.js';
import { createGatewayEvents, readEventSettings } from './gateway-events.js';
import { SettingsReader, type Environment } from './settings.js';
import type { Client } from './connectors/connector.js';
import type { GraphqlClient } from './connectors/graphql/client.js';
import { createAuthentication, type Authentication } from './context/authenticate.js';
import type { Caller } from './context/caller.js';
import { lookUpCustomer } from './context/context.js';
import { priorityOf } from './context/directives.js';
import { SCOPES } from './context/roles.js';
import { addConsentLoader, createConsents, type ConsentSource } from './customer/consents.js';
import { sourceResolvers } from './customer/record-fields.js';
import { createReadKey, customerResolvers } from './customer/resolvers.js';
import { survivorshipRules } from './customer/survivorship.js';
import { milliseconds } from './duration.js';
import { createCustomerIds } from './identity/customer-id.js';
import { readIdentifier } from './identity/identifiers.js';
import { addIdentityLoaders, askable, checkCustomerKeys, createIdentityRules } from './identity/rules.js';
import type { Loader } from './loaders/loader.js';
import { createLoaderRegistry, type LoadedSource, type LoaderRegistry } from './loaders/registry.js';
import { auditDestination, createAuditLog } from './privacy/audit-log.js';
import { createPrivacy } from './privacy/privacy.js';
import { createSuppression, type Digests } from './privacy/suppression.js';
import { createProtection } from './resilience/wrap.js';
import { createBudgets } from './operation/budgets.js';
import { createAuditor } from './operation/audit.js';
import { createEventRunner } from './operation/event-runner.js';
import { createForget, type Forget } from './privacy/forget.js';
import { pinger } from './http/health.js';
import { readPersistedOperations } from './operation/persisted-operations.js';
import { createOverloadGuard } from './http/overload.js';
import { fetchWebhooks, listenToWebhooks } from './http/webhooks.js';
import type { PrimaryLink } from './process/worker.js';
import { shareOut, type Worker } from './process/share.js';
import { createServerApp } from './http/yoga.js';
import {
  absentSources,
  DEFAULT_MAX_ANSWER_BYTES,
  DEFAULT_TIMEOUT,
  pluggedIn,
  type SourceDefinition,
} from './source.js';
import { tuned, type TunedSource } from './source-settings.js';
import { readPolicies } from './stitching/policies.js';
import { readCosts } from './stitching/costs.js';
import { customerKeyOf, fieldsOf, readSdl } from './stitching/sdl.js';
import { stitch } from './stitching/stitch.js';
import { createSubschema } from './stitching/subschema.js';
import { findUnknownSettings } from './unknown-settings.js';
import { createLogger, type Logger } from './telemetry/logger.js';
import { createMetrics, type Metrics } from './telemetry/metrics.js';
import { createSourceFailures } from './telemetry/source-failures.js';

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
  /** The folder of the persisted operations. Default: OPERATIONS_FOLDER. */
  operations?: URL;
  /** The folder of the triggers. Default: TRIGGERS_FOLDER. */
  triggers?: URL;
  /** Who sends all requests, whatever they say: whoever has the gateway to themselves, without a port. */
  caller?: Caller;
  /** This process is one of several that are one gateway together. Default: it is one by itself. */
  worker?: (Worker & Partial<Pick<PrimaryLink, 'metricsOfAll'>>) | undefined;
}

export interface Gateway {
  config: GatewayConfig;
  schema: GraphQLSchema;
  /** Who may ask. */
  authentication: Authentication;
  /** What is set, by variable, to be shown: secrets are `***`. */
  settings: Readonly<Record<string, string>>;
  /** The names of the plugged-in sources. */
  sources: readonly string[];
  /** The source that answers a field of Customer; undefined for what is made of what several hold. */
  sourceOfField: ReadonlyMap<string, string>;
  /** Resolves when events of systems can be kept; fails when the store cannot be opened. */
  opened: Promise<void>;
  /** The front door, without a port. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** The same as a handler for node:http. */
  handler: RequestListener;
  logger: Logger;
  metrics: Pick<Metrics, 'values'>;
  /** Drops what is kept of a customer, an object, a source or a loader, on every instance. */
  forget: Forget;
  /** Makes what stands for an identifier in the list of erased customers, and in receipts. */
  digests: Digests;
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
  operations,
  triggers,
  caller,
  worker,
}: GatewayOptions): Gateway {
  const settings = new SettingsReader(environment);
  const whole = { config: readGatewayConfig(settings), sources: tuned(pluggedIn(all, settings), settings) };
  const { config, sources } = worker === undefined ? whole : shareOut(worker, whole, settings);
  const eventSettings = readEventSettings(sources, settings, worker?.count);
  const authentication: Authentication = {
    ...createAuthentication({
      settings,
      config,
      namespaces: new Set(sources.flatMap(({ identity }) => Object.keys(identity?.askedBy ?? {}))),
      identify: (name, value) => readIdentifier(rules.namespaces.get(name), value),
      onKeysOutOfReach: (error) => {
        const reason = error instanceof Error ? error.message : 'unknown';
        logger.warn({ reason }, 'the keys of the token issuer cannot be fetched: nobody gets in by a token');
      },
    }),
    ...(caller === undefined ? {} : { caller: () => caller }),
  };
  const unknown = findUnknownSettings(environment, settings.known, absentSources(all, sources, settings));
  settings.problems.push(...unknown.problems);
  settings.throwIfWrong();
  const logger = givenLogger ?? createLogger(config.logLevel, worker?.number);
  for (const problem of unknown.warnings) logger.warn({ problem }, 'a setting has no effect');

  const { idSecret: secret, suppressionFile: file, redisUrl } = config;
  const suppression = createSuppression({ secret, file, redisUrl, logger, clock });
  const metrics = createMetrics(worker?.metricsOfAll);
  const failures = createSourceFailures({ logger, count: metrics.sourceFailed, clock });
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
      recentlyForgotten: createRecentlyForgotten(),
      clock,
      shared,
      observer: {
        ...metrics,
        loadFailed: (loader, error) => {
          failures.report(error, loader);
        },
      },
      refreshMs: config.deadlineMs,
    },
    keys,
  );
  const loaded = new Map<string, LoadedSource<Client>>();
  for (const source of sources) loaded.set(source.name, connect(source));

  function connect(source: TunedSource): LoadedSource<Client> {
    const { name, limits = {}, freshness, loaderSettings, holdsConsent } = source;
    const timeoutMs = milliseconds(limits.timeout ?? DEFAULT_TIMEOUT);
    const maxAnswerBytes = limits.maxAnswerBytes ?? DEFAULT_MAX_ANSWER_BYTES;
    const connection = source.connector.connect(settings, {
      source: name,
      timeoutMs,
      concurrency: limits.concurrency,
      maxAnswerBytes,
      logger,
    });
    const protection = createProtection({
      source: name,
      limits,
      processes: worker?.count,
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
    return { name, connection, protection, freshness, loaderSettings, holdsConsent, maxBatch, windowMs };
  }

  const rules = createIdentityRules(sources, config, metrics.identityLimited);
  const consentSources: ConsentSource[] = [];
  for (const { name, identity, consents, loaders = [] } of sources) {
    const source = loaded.get(name);
    if (source === undefined) continue;
    const ofIdentity = identity === undefined ? [] : addIdentityLoaders(source, identity, registry, rules);
    for (const loader of new Set<unknown>(loaders))
      if (!ofIdentity.includes(loader) && loader !== consents?.ofRecord)
        registry.add(source, loader as Loader<Client, never, unknown>);
    if (consents !== undefined)
      consentSources.push(addConsentLoader(source, consents, identity?.recordKey, registry));
  }
  const sdl = readSdl(
    sources.map(({ name }) => name),
    given,
    askable(rules),
  );
  checkCustomerKeys(sources, (source) => customerKeyOf(sdl, source), rules);
  const policies = readPolicies(sdl, SCOPES);
  const stitched = sources.flatMap(({ name, stitched: declaration }) => {
    // A stitched source has the graphql connector, so its client is that connector's.
    const own = loaded.get(name) as LoadedSource<GraphqlClient> | undefined;
    return declaration === undefined || own === undefined
      ? []
      : [createSubschema(own, sdl, declaration, registry)];
  });
  const consents = createConsents(consentSources);
  const sourceOfField = fieldsOf('Customer', sdl);
  const ids = createCustomerIds(config.idSecret);
  const spine = customerResolvers({
    rules,
    sourceOf: new Map(rules.sources.map(({ name, identity }) => [identity.recordKey, name])),
    survivorship: survivorshipRules(sdl.spine, rules.sources),
    timelines: sources.flatMap(({ name, timeline }) => (timeline === undefined ? [] : [{ name, timeline }])),
    consents,
    companies: sources.flatMap(({ name, companies }) =>
      companies === undefined ? [] : [{ name, companies }],
    ),
    sourceOfField,
    sourceOfCompanyField: fieldsOf('Company', sdl),
    ids,
    maxCustomers: config.maxCustomers,
  });
  const resolvers = new Map([['', spine], ...sourceResolvers(sources, sdl.sources)]);
  const schema = stitch({ sdl, resolvers, stitched, policies });

  const { deadlineMs, identityDeadlinePercent: identityPercent } = config;
  const contextOptions = { registry, rules, erasures: suppression, clock, deadlineMs, identityPercent };
  const forget = createForget({
    schema,
    sources: new Set(loaded.keys()),
    registry,
    rules,
    lookUp: (identifier) => lookUpCustomer(contextOptions, identifier),
    suppression,
    logger,
  });

  const destination = auditDestination(config.auditFile, config.auth === 'on');
  const audit =
    destination === undefined ? undefined : createAuditLog({ to: destination, secret: config.auditSecret });
  const privacy = createPrivacy(schema, sdl, policies, consents);
  const auditor =
    audit === undefined
      ? undefined
      : createAuditor({
          log: audit,
          required: config.auditRequired,
          privacy,
          customersOf: ({ found }, about) => {
            const strongest = [...found].flatMap((identity) => identity.strongest() ?? []);
            // Of an event there may be more to tell than of its customer, who then was not looked for.
            const all = strongest.length === 0 && about !== undefined ? [about] : strongest;
            return all.map((one) => ids.seal(one));
          },
          logger,
        });
  const run = createEventRunner({ contextOptions, privacy, auditor, logger });
  const events = createGatewayEvents({
    set: eventSettings,
    config,
    sdl,
    schema,
    rules,
    registry,
    privacy,
    forget,
    run,
    metrics,
    logger,
    triggers: triggers ?? config.triggersFolder,
  });
  let stopping = false;
  const breakers = () =>
    new Map([...loaded].map(([name, { protection }]) => [name, protection.breaker] as const));
  const clients = new Map([...loaded].map(([name, source]) => [name, pinger(source)] as const));
  const app = createServerApp({
    schema,
    config,
    authentication,
    clients,
    breakers,
    isStopping: () => stopping,
    forget,
    operations: readPersistedOperations(operations ?? config.operationsFolder),
    costs: readCosts(sdl),
    budgets: createBudgets({ shared }),
    privacy,
    auditor,
    bus: events.bus,
    run,
    conditions: events.conditions,
    readKey: createReadKey({ rules, ids }),
    metrics,
    logger,
    failures,
    parts: { ...suppression.health, ...events.health },
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
  const { suppressionList: listState } = suppression.health;
  metrics.readAtScrape({
    requestsInFlight: () => overload.inFlight(),
    subscribers: () => events.bus.size,
    eventLoopDelayMs: () => overload.delayMs(),
    cache: () => [...cache.usage()].map(([source, held]) => ({ source, ...held })),
    ...(shared === undefined ? {} : { sharedCacheUp: () => shared.state === 'up' }),
    ...(listState === undefined ? {} : { suppressionListUp: async () => (await listState()) === 'up' }),
  });
  const { receiver } = events;
  const guarded = overload.guardFetch(fetchWebhooks(receiver, (request) => app.fetch(request)));
  return {
    config,
    settings: settings.shown,
    schema,
    authentication,
    sources: sources.map(({ name }) => name),
    sourceOfField,
    fetch: async (path, init = {}) => guarded(new Request(new URL(path, 'http://gateway'), init)),
    handler: overload.guardHandler(listenToWebhooks(receiver, app.listener)),
    logger,
    metrics,
    forget,
    digests: suppression.digests,
    drain: () => {
      stopping = true;
      // They would last until they are cut off.
      events.bus.end();
    },
    opened: events.opened,
    close: async () => {
      await events.close();
      await Promise.all([...loaded.values()].map(({ connection }) => connection.close()));
      await authentication.close();
      await audit?.close();
      await shared?.close();
      suppression.close();
      overload.close();
      cache.clear();
      cache.close();
    },
  };
}
