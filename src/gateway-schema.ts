import type { GraphQLSchema } from 'graphql';
import { addConditionLoaders, collectConditions } from './audiences/conditions.js';
import { readNamedAudiences } from './audiences/named-audiences.js';
import { audienceResolvers, refusalsOf } from './audiences/resolvers.js';
import type { GatewayConfig } from './config.js';
import type { Client } from './connectors/connector.js';
import type { GraphqlClient } from './connectors/graphql/client.js';
import { addConsentLoader, createConsents, type ConsentSource } from './customer/consents.js';
import { customerListsOf } from './customer/customer-lists.js';
import { sourceResolvers } from './customer/record-fields.js';
import { customerResolvers } from './customer/resolvers.js';
import { survivorshipRules } from './customer/survivorship.js';
import { createCustomerIds, createSealedTexts, type CustomerIds } from './identity/customer-id.js';
import type { IdentityRules } from './identity/identity-graph.js';
import { addIdentityLoaders, lookupNamespaces, checkCustomerKeys } from './identity/rules.js';
import type { Loader } from './loaders/loader.js';
import type { LoadedSource, LoaderRegistry } from './loaders/registry.js';
import { createPrivacy, type Privacy } from './privacy/privacy.js';
import type { TunedSource } from './source-settings.js';
import { readPolicies } from './stitching/policies.js';
import { customerKeyOf, fieldsOf, readSdl, timelinesOf, type Sdl } from './stitching/sdl.js';
import { stitch } from './stitching/stitch.js';
import { readSubscriptionRules } from './stitching/subscription-rules.js';
import { createSubschema } from './stitching/subschema.js';
import type { Logger } from './telemetry/logger.js';
import type { SubscriptionRules } from './webhooks/interest.js';

export interface GatewaySchemaOptions {
  sources: readonly TunedSource[];
  /** By source, SDL that is not in schema/sources. */
  sdl: Readonly<Record<string, string>>;
  loaded: ReadonlyMap<string, LoadedSource<Client>>;
  registry: LoaderRegistry;
  rules: IdentityRules;
  /** All scopes that callers can have. */
  scopes: readonly string[];
  config: Pick<GatewayConfig, 'idSecret' | 'maxCustomers' | 'audiencesFolder' | 'sourceOrder'>;
  /** The folder of the named audiences. Default: AUDIENCES_FOLDER. */
  audiences: URL | undefined;
  logger: Pick<Logger, 'error'>;
}

export interface GatewaySchema {
  sdl: Sdl;
  schema: GraphQLSchema;
  privacy: Privacy;
  /** The conditions that subscriptions and triggers may set. */
  subscriptionRules: SubscriptionRules;
  ids: CustomerIds;
  /** The source of each field of Customer. A field that combines several sources has none. */
  sourceOfField: ReadonlyMap<string, string>;
}

/** Stitches one schema from all plugged-in sources, and registers their loaders. */
export function createGatewaySchema(options: GatewaySchemaOptions): GatewaySchema {
  const { sources, sdl: suppliedSdl, loaded, registry, rules, config } = options;
  const consentSources = addLoaders(options);
  const consents = createConsents(consentSources);
  const conditions = collectConditions(sources);
  const sdl = readSdl(
    sources.map(({ name }) => name),
    suppliedSdl,
    lookupNamespaces(rules),
    [...conditions.values()],
  );
  checkCustomerKeys(sources, (source) => customerKeyOf(sdl, source), rules);
  const policies = readPolicies(sdl, options.scopes);
  const stitched = sources.flatMap(({ name, stitched: declaration }) => {
    // A stitched source has the graphql connector, and therefore its client.
    const source = loaded.get(name) as LoadedSource<GraphqlClient> | undefined;
    return declaration === undefined || source === undefined
      ? []
      : [createSubschema(source, sdl, declaration, registry)];
  });
  const sourceOfField = fieldsOf('Customer', sdl);
  const ids = createCustomerIds(config.idSecret);
  const directory = {
    rules,
    sourceOf: new Map(rules.sources.map(({ name, identity }) => [identity.recordKey, name])),
    survivorship: survivorshipRules(sdl.coreSchema, rules.sources, config.sourceOrder),
  };
  const ofCustomers = customerResolvers({
    ...directory,
    timelines: timelinesOf(sources, sdl),
    lists: customerListsOf(sources),
    consents,
    companies: sources.flatMap(({ name, companies }) =>
      companies === undefined ? [] : [{ name, companies }],
    ),
    sourceOfField,
    sourceOfCompanyField: fieldsOf('Company', sdl),
    ids,
    maxCustomers: config.maxCustomers,
  });
  // The files can be read only after the schema is complete.
  const named = new Map<string, unknown>();
  const ofAudiences = audienceResolvers({
    ...{ directory, rules, loaded, conditions, named, consents, consentSources, ids },
    texts: createSealedTexts(config.idSecret, 'audience cursor'),
  });
  const coreSchema: object = {
    ...ofCustomers,
    ...ofAudiences,
    Query: { ...ofCustomers.Query, ...ofAudiences.Query },
  };
  const resolvers = new Map([['', coreSchema], ...sourceResolvers(sources, sdl.sources)]);
  const schema = stitch({ sdl, resolvers, stitched, policies });
  const { audiences, problems } = readNamedAudiences({
    folder: options.audiences ?? config.audiencesFolder,
    schema,
    refusalsOf: (where) => refusalsOf(where, { conditions, rules, loaded }),
  });
  for (const problem of problems)
    options.logger.error({ problem }, 'audience not available: correct its file');
  for (const [name, where] of audiences) named.set(name, where);
  const subscriptionRules = readSubscriptionRules(sdl, schema);
  const privacy = createPrivacy(schema, sdl, policies, consents);
  return { sdl, schema, privacy, subscriptionRules, ids, sourceOfField };
}

/** Registers all loaders. Returns the sources that hold consents. */
function addLoaders({ sources, loaded, registry, rules }: GatewaySchemaOptions): ConsentSource[] {
  const consentSources: ConsentSource[] = [];
  for (const { name, identity, conditions, consents, loaders = [] } of sources) {
    const source = loaded.get(name);
    if (source === undefined) continue;
    const ofIdentity = identity === undefined ? [] : addIdentityLoaders(source, identity, registry, rules);
    for (const loader of new Set<unknown>(loaders))
      if (!ofIdentity.includes(loader) && loader !== consents?.ofRecord)
        registry.add(source, loader as Loader<Client, never, unknown>);
    addConditionLoaders(source, conditions, registry);
    if (consents !== undefined)
      consentSources.push(addConsentLoader(source, consents, identity?.recordKey, registry));
  }
  return consentSources;
}
