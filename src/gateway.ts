import { parse, type GraphQLSchema } from 'graphql';
import type { RequestListener } from 'node:http';
import type { Bulk } from './bulk/bulk.js';
import { createDeclaredCalls } from './bulk/declared-calls.js';
import type { Clock } from './clock.js';
import { readGatewayConfig, type GatewayConfig } from './config.js';
import { createAuthentication, type Authentication } from './context/authenticate.js';
import type { Caller } from './context/caller.js';
import { readRoles, scopesOf } from './context/role-settings.js';
import type { Roles } from './context/roles.js';
import { findDeclaredProblems, type DeclaredSettings } from './declared-settings.js';
import { createReadKey } from './customer/resolvers.js';
import type { Purpose } from './customer/schema.generated.js';
import type { GatewayParts } from './doctor/gateway-parts.js';
import {
  createGatewayEvents,
  readEventSettings,
  type EventSettings,
  type GatewayEvents,
} from './gateway-events.js';
import { createGatewayHttp, type GatewayHttp } from './gateway-http.js';
import { createGatewaySchema } from './gateway-schema.js';
import { ConnectedSources } from './gateway-sources.js';
import type { CustomerIds } from './identity/customer-id.js';
import type { Namespace } from './identity/declaration.js';
import { readIdentifier } from './identity/identifiers.js';
import type { IdentityRules } from './identity/identity-graph.js';
import { createIdentityRules } from './identity/rules.js';
import { OperationRunner, type Answer, type OperationRequest } from './operation/answer.js';
import { createAuditor, type Auditor } from './operation/audit.js';
import { createBudgets } from './operation/budgets.js';
import { createCostLimits } from './operation/cost-limits.js';
import { createCostPlanner } from './operation/cost.js';
import { createPreparer } from './operation/prepare.js';
import { createPrincipals, type Principal } from './operation/principal.js';
import { TriggerRunner } from './operation/triggers.js';
import { auditDestination, type AuditStream } from './privacy/audit-log.js';
import { shareAudit, type SharedAudit } from './privacy/shared-audit.js';
import { createForget, type Forget } from './privacy/forget.js';
import type { Privacy } from './privacy/privacy.js';
import { createSuppression, type Digests, type Suppression } from './privacy/suppression.js';
import { divideAmongWorkers, type Worker } from './process/share.js';
import type { PrimaryLink } from './process/worker.js';
import { SettingsReader, type Environment } from './settings.js';
import { absentSources, pluggedIn, type SourceDefinition } from './source.js';
import { tuned, type TunedSource } from './source-settings.js';
import { readCosts } from './stitching/costs.js';
import { createLogger, type Logger } from './telemetry/logger.js';
import { createMetrics, type Metrics } from './telemetry/metrics.js';
import { createSourceFailures, type SourceFailures } from './telemetry/source-failures.js';
import { findUnknownSettings } from './unknown-settings.js';

export interface GatewayOptions {
  /** All available sources. A source is plugged in if its settings are set. */
  sources: readonly SourceDefinition[];
  /** Sources that the project leaves out by name. Roles may still name their scopes. Default: none. */
  leftOut?: readonly SourceDefinition[];
  /** The environment variables. Default: `process.env`. */
  environment?: Environment;
  /** By source, SDL that is not in schema/sources. */
  sdl?: Readonly<Record<string, string>>;
  /** The settings of `environment` that come from a file, for the places in messages. Default: none. */
  declared?: DeclaredSettings;
  /** Problems that were found before, reported together with those of the settings. Default: none. */
  problems?: readonly string[];
  /** Mistakes that were found before and do not stop the start. They are logged. Default: none. */
  warnings?: readonly string[];
  /** The clock for ages and timeouts. Default: `performance`. */
  clock?: Clock;
  logger?: Logger;
  /** The folder of the persisted operations. Default: OPERATIONS_FOLDER. */
  operations?: URL;
  /** The folder of the triggers. Default: TRIGGERS_FOLDER. */
  triggers?: URL;
  /** The folder of the named audiences. Default: AUDIENCES_FOLDER. */
  audiences?: URL;
  /** A suffix of the audit file's name, because only one process may write a file. Default: none. */
  auditSuffix?: string;
  /** Where audit lines go without AUDIT_FILE. Default: standard output. */
  auditStream?: AuditStream;
  /**
   * Whether the gateway only reads. It then opens no store of events and no audit log, reads no outbox and sends nothing. For
   * checks of an installation, whose gateways may be running. Default: false.
   */
  readsOnly?: boolean;
  /** The gateway that this one replaces. It hands over its audit log, which only one gateway can write. */
  predecessor?: Gateway;
  /** This process as one of several workers of a gateway. Default: it is the only process. */
  worker?: (Worker & Partial<Pick<PrimaryLink, 'metricsOfAll'>>) | undefined;
}

export interface Gateway {
  config: GatewayConfig;
  schema: GraphQLSchema;
  /** Resolves the callers of requests. */
  authentication: Authentication;
  /** All scopes: those of the gateway and those of its sources. */
  scopes: readonly string[];
  /** The permissions of each role. */
  roles: Roles;
  /** The kinds of identifier, by name. */
  namespaces: ReadonlyMap<string, Namespace>;
  /** The settings in effect, by variable. Secrets are `***`. */
  settings: Readonly<Record<string, string>>;
  /** The files that hold values of settings (`<VARIABLE>_FILE`). */
  settingFiles: readonly string[];
  /** The audit log, which a successor can take over. */
  audit: SharedAudit | undefined;
  /** The names of the plugged-in sources. */
  sources: readonly string[];
  /** The source of each field of Customer. A field that combines several sources has none. */
  sourceOfField: ReadonlyMap<string, string>;
  /** Resolves when the store of webhook events is open; rejects if it cannot be opened. */
  opened: Promise<void>;
  /** Prepares a trusted operation without limits on its size. The result executes it for a caller, without HTTP. */
  prepare(
    document: string,
  ): (caller: Caller, request: Omit<OperationRequest, 'principal'>) => Promise<Answer>;
  /** Runs persisted operations for many customers, without HTTP. */
  bulk: Bulk;
  /** Derives the principal of a caller and a purpose. */
  principalOf(caller: Caller, purpose: Purpose | undefined): Principal;
  /** Answers an HTTP request without a port. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** A request listener for node:http. */
  handler: RequestListener;
  logger: Logger;
  metrics: Pick<Metrics, 'values'>;
  /** The last failure of each source. */
  failures: Pick<SourceFailures, 'recent'>;
  /** The parts that `stekkerdoos doctor` checks. */
  parts: GatewayParts;
  /** Drops the cached records of a customer, an object, a source or a loader, on every instance. */
  forget: Forget;
  /** Makes the digests of identifiers in the suppression list and in receipts. */
  digests: Digests;
  /** Reports "not ready" to load balancers from now on. */
  drain(): void;
  /** Closes the connections to all systems. */
  close(): Promise<void>;
}

/** All settings after their checks. */
interface ReadSettings {
  settings: SettingsReader;
  config: GatewayConfig;
  sources: readonly TunedSource[];
  eventSettings: EventSettings;
  scopes: readonly string[];
  roles: Roles;
  authentication: Authentication;
  logger: Logger;
}

/** Values that exist only after all settings were read. */
interface Late {
  rules?: IdentityRules;
}

/**
 * Wires the rooms in the order of a request. Throws a ConfigError that lists all problems of the settings and the sources. No
 * system is called before the first request.
 */
export function createGateway(options: GatewayOptions): Gateway {
  const opened: (() => unknown)[] = [];
  try {
    return wireGateway(options, (close) => opened.push(close));
  } catch (error) {
    // The process may continue with the gateway that this one would have replaced.
    for (const close of opened.reverse()) void close();
    throw error;
  }
}

function wireGateway(options: GatewayOptions, atFailure: (close: () => unknown) => void): Gateway {
  const { sdl: sdlOfOptions = {}, audiences, clock = performance, worker, readsOnly = false } = options;
  const late: Late = {};
  const { settings, config, sources, eventSettings, scopes, roles, authentication, logger } = readSettings(
    options,
    late,
  );
  atFailure(() => authentication.close());
  const { idSecret: secret, suppressionFile: file, redisUrl } = config;
  const suppression = createSuppression({ secret, file, redisUrl, logger, clock });
  atFailure(() => {
    suppression.close();
  });
  const metrics = createMetrics(worker?.metricsOfAll);
  const failures = createSourceFailures({ logger, count: metrics.sourceFailed, clock });
  const errorLog = { logger, failures };

  const connected = new ConnectedSources({
    ...{ sources, settings, config, processes: worker?.count, logger, metrics, failures, clock },
  });
  atFailure(() => connected.disconnect());
  atFailure(() => connected.close());
  const { registry, loaded, shared } = connected;
  const rules = createIdentityRules(sources, config, metrics.identityLimited);
  late.rules = rules;
  const { sdl, schema, privacy, subscriptionRules, ids, sourceOfField } = createGatewaySchema({
    ...{ sources, sdl: sdlOfOptions, loaded, registry, rules, scopes, config, logger, audiences },
  });

  const { audit, auditor } = openAudit(config, options, { privacy, ids, logger });
  atFailure(() => audit?.release());
  const limits = createCostLimits({ budgets: createBudgets({ shared }) });
  const preparer = createPreparer({
    schema,
    limits: config,
    costs: createCostPlanner(schema, readCosts(sdl)),
    disclosures: privacy.disclosures,
  });
  const { deadlineMs, identityDeadlinePercent: identityPercent } = config;
  const runner = new OperationRunner({
    preparer,
    contextOptions: { registry, rules, erasures: suppression, clock, deadlineMs, identityPercent },
    privacy,
    limits,
    auditor,
    errorLog,
    sources: [...loaded.keys()],
    usesPlans: config.execution === 'planned',
  });
  const forget = createForget({
    schema,
    sources: new Set(loaded.keys()),
    registry,
    rules,
    lookUp: (identifier) => runner.lookUp(identifier),
    suppression,
    logger,
  });
  const events = createGatewayEvents({
    set: eventSettings,
    ...{ readsOnly, config, sdl, schema, rules, registry, subscriptionRules, forget, metrics, logger },
    triggerRunner: new TriggerRunner({ runner, preparer, privacy, scopes }),
    triggers: options.triggers ?? config.triggersFolder,
  });
  atFailure(() => events.close());
  const http = createGatewayHttp({
    ...{
      schema,
      config,
      authentication,
      privacy,
      preparer,
      runner,
      limits,
      auditor,
      connected,
      events,
      subscriptionRules,
    },
    ...{ suppression, forget, metrics, failures, errorLog, clock },
    declaredCalls: createDeclaredCalls(sources, sourceOfField),
    operations: options.operations,
    readKey: createReadKey({ rules, ids }),
  });
  readAtScrape({ metrics, http, events, connected, suppression });
  const principalOf = createPrincipals(privacy);
  return {
    ...{ config, schema, authentication, scopes, roles, sourceOfField },
    ...{ logger, metrics, failures, forget, audit, namespaces: rules.namespaces },
    parts: { sources, loaded, rules, ids, settings, events: eventSettings, suppression: suppression.health },
    ...{ settings: settings.shown, settingFiles: settings.files },
    sources: sources.map(({ name }) => name),
    prepare: (document) => {
      const prepared = preparer.prepareTrusted(parse(document));
      return (caller, request) =>
        runner.answer(prepared, { ...request, principal: principalOf(caller, caller.defaultPurpose) });
    },
    bulk: http.bulk,
    principalOf,
    fetch: async (path, init = {}) => http.fetch(new Request(new URL(path, 'http://gateway'), init)),
    handler: http.handler,
    digests: suppression.digests,
    drain: () => {
      http.drain();
      // Subscriptions would otherwise stay open until the process ends.
      events.bus.end();
    },
    opened: events.opened,
    close: async () => {
      await http.closeJobs();
      await events.close();
      await connected.disconnect();
      await authentication.close();
      await audit?.release();
      suppression.close();
      http.overload.close();
      await connected.close();
    },
  };
}

/** Reads all settings. Throws a ConfigError that lists all problems. */
function readSettings(options: GatewayOptions, late: Late): ReadSettings {
  const { sources: all, leftOut = [], environment = process.env, auditSuffix = '', worker } = options;
  const settings = new SettingsReader(environment, options.declared);
  settings.problems.push(...(options.problems ?? []));
  const whole = { config: readGatewayConfig(settings), sources: tuned(pluggedIn(all, settings), settings) };
  const { config: shared, sources } =
    worker === undefined ? whole : divideAmongWorkers(worker, whole, settings);
  const { auditFile } = shared;
  const config = { ...shared, auditFile: auditFile === undefined ? undefined : `${auditFile}${auditSuffix}` };
  const eventSettings = readEventSettings(sources, settings, worker?.count);
  const scopes = scopesOf(sources);
  const roles = readRoles(config.roles, { all: [...all, ...leftOut], pluggedIn: sources }, settings);
  const authentication = createAuthentication({
    settings,
    config,
    roles,
    scopes,
    namespaces: new Set(sources.flatMap(({ identity }) => Object.keys(identity?.foundBy ?? {}))),
    identify: (name, value) => readIdentifier(late.rules?.namespaces.get(name), value),
    onKeysUnavailable: (error) => {
      const reason = error instanceof Error ? error.message : 'unknown';
      logger.warn(
        { reason },
        'tokens are refused: the keys of their issuer cannot be fetched. Check JWT_JWKS_URL',
      );
    },
  });
  const absent = absentSources(all, sources, settings);
  const undeclared = Object.fromEntries(
    Object.entries(environment).filter(([variable]) => !settings.declared.has(variable)),
  );
  const unknown = findUnknownSettings(undeclared, settings.known, absent);
  settings.problems.push(...findDeclaredProblems(settings, absent));
  settings.problems.push(...unknown.problems);
  // If the gateway does not start, its warnings are not logged, and one of them may be the cause.
  if (settings.problems.length > 0) settings.problems.push(...unknown.warnings);
  settings.throwIfWrong();
  const logger = options.logger ?? createLogger(config.logLevel, worker?.number);
  for (const problem of unknown.warnings) logger.warn({ problem }, 'a setting has no effect');
  for (const problem of options.warnings ?? []) logger.warn({ problem }, 'a part of a source is left out');
  return { settings, config, sources, eventSettings, scopes, roles, authentication, logger };
}

/** Opens the audit log, or takes over that of the predecessor. Both results are undefined if nothing is audited. */
function openAudit(
  config: GatewayConfig,
  { predecessor, auditStream, readsOnly = false }: GatewayOptions,
  { privacy, ids, logger }: { privacy: Privacy; ids: CustomerIds; logger: Logger },
): { audit: SharedAudit | undefined; auditor: Auditor | undefined } {
  const to = readsOnly ? undefined : auditDestination(config.auditFile, config.auth === 'on', auditStream);
  if (to === undefined) return { audit: undefined, auditor: undefined };
  const audit = shareAudit({ to, secret: config.auditSecret }, predecessor?.audit);
  const { log } = audit;
  const auditor = createAuditor({
    log,
    required: config.auditRequired,
    permissions: privacy.consentGuard,
    customersOf: ({ foundIdentities }, about) => {
      const strongest = [...foundIdentities].flatMap((identity) => identity.strongestIdentifier() ?? []);
      // An event without fields of its customer has no identity, but its audit line names the customer.
      const all = strongest.length === 0 && about !== undefined ? [about] : strongest;
      return all.map((identifier) => ids.seal(identifier));
    },
    logger,
  });
  return { audit, auditor };
}

function readAtScrape({
  metrics,
  http,
  events,
  connected: { cache, shared },
  suppression,
}: {
  metrics: Metrics;
  http: GatewayHttp;
  events: GatewayEvents;
  connected: ConnectedSources;
  suppression: Suppression;
}): void {
  const { suppressionList: listState } = suppression.health;
  metrics.readAtScrape({
    requestsInFlight: () => http.overload.inFlight(),
    subscribers: () => events.bus.size,
    eventLoopDelayMs: () => http.overload.delayMs(),
    cache: () => [...cache.usage()].map(([source, held]) => ({ source, ...held })),
    ...(shared === undefined ? {} : { sharedCacheUp: () => shared.state === 'up' }),
    ...(listState === undefined ? {} : { suppressionListUp: async () => (await listState()) === 'up' }),
  });
}
