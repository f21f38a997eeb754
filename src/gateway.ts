import type { GraphQLSchema } from 'graphql';
import type { RequestListener } from 'node:http';
import { createCache, type Clock } from './cache/cache.js';
import { readGatewayConfig, SettingsReader, type Environment, type GatewayConfig } from './config.js';
import type { Client } from './connectors/connector.js';
import type { GraphqlClient } from './connectors/graphql/client.js';
import { customerResolvers } from './customer/resolvers.js';
import { milliseconds } from './duration.js';
import { commonNamespaces } from './identity/identifiers.js';
import type { IdentityRules } from './identity/identity-graph.js';
import { createLoaderRegistry } from './loaders/registry.js';
import { wrap } from './resilience/wrap.js';
import { createServerApp } from './server/yoga.js';
import { DEFAULT_TIMEOUT, type Namespace, type SourceDefinition } from './source.js';
import { composeSdl, readSdlFiles, type Sdl, type SdlFile } from './stitching/sdl.js';
import { stitch } from './stitching/stitch.js';
import { createSubschema } from './stitching/subschema.js';
import { createLogger, type Logger } from './telemetry/logger.js';

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
  clock,
  logger: givenLogger,
}: GatewayOptions): Gateway {
  const settings = new SettingsReader(environment);
  const config = readGatewayConfig(settings);
  const sources = pluggedIn(all, settings);
  settings.throwIfWrong();
  const logger = givenLogger ?? createLogger(config.logLevel);

  const cache = createCache({ maxBytes: config.cacheMaxBytes, ...(clock === undefined ? {} : { clock }) });
  const registry = createLoaderRegistry(cache);
  const clients = new Map<string, Client>();
  for (const source of sources) {
    const timeoutMs = milliseconds(source.limits?.timeout ?? DEFAULT_TIMEOUT);
    const guard = wrap({ source: source.name, timeoutMs });
    const client = source.connector.connect(settings, { source: source.name, guard, timeoutMs, logger });
    clients.set(source.name, client);
    const loaders = [
      ...Object.values(source.identity?.askedBy ?? {}).map(({ loader }) => loader),
      ...(source.loaders ?? []),
    ];
    for (const loader of new Set(loaders))
      registry.add({ name: source.name, client, freshness: source.freshness }, loader);
  }

  const rules = identityRules(sources, config.defaultRegion);
  const sdl = readSdl(sources, given, askable(rules));
  const stitched = sources.flatMap(({ name, stitched: declaration }) => {
    // A stitched source has the graphql connector, so its client is that connector's.
    return declaration === undefined
      ? []
      : [createSubschema(name, sdl, declaration, clients.get(name) as GraphqlClient)];
  });
  const spine = customerResolvers({
    rules,
    sourceOf: new Map(rules.sources.map(({ name, identity }) => [identity.recordKey, name])),
    sourceOfField: fieldsOfCustomer(sdl),
    idSecret: config.idSecret,
    maxCustomers: config.maxCustomers,
  });
  const resolvers = new Map<string, object>([['', spine]]);
  for (const source of sources)
    if (source.resolvers !== undefined) resolvers.set(source.name, source.resolvers);
  const schema = stitch({ sdl, resolvers, stitched });

  const app = createServerApp({
    schema,
    config,
    clients,
    logger,
    contextOptions: { registry, rules, deadlineMs: config.deadlineMs },
  });
  return {
    config,
    schema,
    sources: sources.map(({ name }) => name),
    fetch: async (path, init = {}) => app.fetch(new Request(new URL(path, 'http://gateway'), init)),
    handler: (request, response) => {
      void app(request, response);
    },
    logger,
    close: async () => {
      await Promise.all([...clients.values()].map((client) => client.close()));
      cache.clear();
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

function identityRules(sources: readonly SourceDefinition[], defaultRegion: string): IdentityRules {
  const declared: Namespace[] = [
    ...commonNamespaces(defaultRegion),
    ...sources.flatMap(({ namespaces = [] }) => namespaces),
  ];
  return {
    namespaces: new Map(declared.map((namespace) => [namespace.name, namespace])),
    sources: sources.flatMap(({ name, identity }) => (identity === undefined ? [] : [{ name, identity }])),
  };
}

/** The namespaces that a customer can be asked by: those that some plugged-in source can be. */
function askable({ namespaces, sources }: IdentityRules): Namespace[] {
  return [...namespaces.values()].filter(({ name }) =>
    sources.some(({ identity }) => name in identity.askedBy),
  );
}

function readSdl(
  sources: readonly SourceDefinition[],
  given: Readonly<Record<string, string>>,
  namespaces: readonly Namespace[],
): Sdl {
  const own = sources.filter(({ name }) => given[name] === undefined).map(({ name }) => name);
  const brought = Object.entries(given).map(([source, text]): SdlFile => ({
    name: `SDL of ${source}`,
    text,
    source,
  }));
  return composeSdl([...readSdlFiles(own), ...brought], namespaces);
}

function fieldsOfCustomer({ owners }: Sdl): ReadonlyMap<string, string> {
  const fields = [...owners].filter(([path]) => path.startsWith('Customer.'));
  return new Map(fields.map(([path, source]) => [path.slice('Customer.'.length), source]));
}
