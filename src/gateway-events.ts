import type { GraphQLSchema } from 'graphql';
import type { Forgettable } from './cache/invalidation.js';
import type { GatewayConfig } from './config.js';
import { ROLES } from './context/roles.js';
import type { Purpose } from './customer/schema.generated.js';
import { isPersonal } from './identity/choose-identity.js';
import { normalise, type Identifier } from './identity/identifiers.js';
import type { IdentityRules } from './identity/identity-graph.js';
import { textOf } from './identity/matching.js';
import type { LoaderRegistry } from './loaders/registry.js';
import type { Audience } from './privacy/access.js';
import type { Privacy } from './privacy/privacy.js';
import type { Asker } from './operation/caller.js';
import type { EventRunner } from './operation/event-runner.js';
import type { Forget } from './privacy/forget.js';
import { requestIdOfEvent } from './operation/request-id.js';
import { shown } from './operation/subscriptions.js';
import type { SettingsReader } from './settings.js';
import type { SourceDefinition } from './source.js';
import { readConditions } from './stitching/conditions.js';
import { directiveNamed } from './stitching/policies.js';
import type { Sdl } from './stitching/sdl.js';
import type { Logger } from './telemetry/logger.js';
import type { Metrics } from './telemetry/metrics.js';
import { createEventBus, type EventBus } from './webhooks/bus.js';
import type { CustomerConditions } from './webhooks/condition.js';
import { createDeliverer } from './webhooks/deliver.js';
import { readEndpoints, type Endpoint } from './webhooks/endpoints.js';
import type { SourceEvent } from './webhooks/event.js';
import { createFollowUp, type Told } from './webhooks/follow-up.js';
import type { KnownEvent } from './webhooks/interest.js';
import { createOutboxReader, pluggedInOutboxes, type PluggedInOutbox } from './webhooks/outbox.js';
import { createReceiver, pluggedInWebhooks, type Receiver, type Webhook } from './webhooks/receive.js';
import { readStoreSettings, WEBHOOK_SETTINGS } from './webhooks/settings.js';
import { createWebhookStore, type WebhookStoreOptions } from './webhooks/store.js';
import { createStoreHealth } from './webhooks/store-health.js';
import { readTriggers, type Trigger } from './webhooks/triggers.js';

/** Systems tell of one thing by several events: what is asked anew between them would be forgotten again. */
const RENEW_AFTER_MS = 250;

/** What is set about events; read before anything is opened. */
export interface EventSettings {
  store: WebhookStoreOptions | undefined;
  endpoints: readonly Endpoint[];
  timeoutMs: number;
  webhooks: ReadonlyMap<string, Webhook>;
  outboxes: readonly PluggedInOutbox[];
}

export function readEventSettings(
  sources: readonly SourceDefinition[],
  settings: SettingsReader,
  workers = 1,
): EventSettings {
  const endpoints = settings.read(WEBHOOK_SETTINGS.endpoints);
  return {
    store: readStoreSettings(settings),
    endpoints: endpoints === undefined ? [] : readEndpoints(endpoints, settings.problems, workers),
    timeoutMs: settings.read(WEBHOOK_SETTINGS.timeoutMs) ?? 0,
    webhooks: pluggedInWebhooks(sources, settings),
    outboxes: pluggedInOutboxes(sources, settings),
  };
}

export interface GatewayEventsOptions {
  set: EventSettings;
  config: GatewayConfig;
  sdl: Sdl;
  schema: GraphQLSchema;
  rules: IdentityRules;
  registry: LoaderRegistry;
  privacy: Privacy;
  forget: Forget;
  run: EventRunner;
  metrics: Metrics;
  logger: Logger;
  /** The folder of the triggers. Default: schema/triggers. */
  triggers?: URL | undefined;
}

export interface GatewayEvents {
  /** The conditions that plugged-in sources declare. */
  conditions: CustomerConditions;
  bus: EventBus;
  receiver: Receiver;
  /** Resolves when events can be kept; fails when the store cannot be opened. */
  opened: Promise<void>;
  /** Whether events can be kept, for the health of the gateway. Empty when there are no webhooks. */
  health: Readonly<Record<string, () => Promise<'up' | 'down'>>>;
  close(): Promise<void>;
}

/** Wires what follows from events: what was kept is forgotten, subscribers are told, triggers send. */
export function createGatewayEvents(options: GatewayEventsOptions): GatewayEvents {
  const { set, config, sdl, schema, rules, registry, forget, metrics, logger } = options;
  const conditions = readConditions(sdl, schema);
  const bus = createEventBus({
    redisUrl: set.store === undefined ? undefined : config.redisUrl,
    secret: set.store?.secret ?? '',
    logger,
  });
  if (set.store === undefined) {
    if (set.webhooks.size + set.outboxes.length > 0)
      logger.warn(
        { sources: [...set.webhooks.keys(), ...set.outboxes.map(({ source }) => source)] },
        'what systems tell is not taken: set WEBHOOK_FILE, or WEBHOOK_POSTGRES_URL, and WEBHOOK_SECRET',
      );
    const close = () => {
      bus.close();
      return Promise.resolve();
    };
    return {
      conditions,
      bus,
      receiver: () => Promise.resolve(undefined),
      opened: Promise.resolve(),
      health: {},
      close,
    };
  }

  const triggers = triggersOf(options, conditions);
  const identifierOf = (name: string, value: string): Identifier | null => {
    const namespace = rules.namespaces.get(name);
    return namespace === undefined ? null : normalise(namespace, value);
  };
  /** Ids of records come first, by how much their source is believed, and identifiers that people share come last. */
  const rank = new Map(rules.sources.map(({ identity }, place) => [identity.recordKey, place]));
  const rankOf = (identifier: Identifier) =>
    isPersonal(rules, identifier) ? (rank.get(identifier.namespace) ?? rank.size) : rank.size + 1;
  const strongestFirst = (all: readonly Identifier[]): Identifier[] =>
    [...new Map(all.map((one) => [textOf(one), one])).values()].sort(
      (one, other) => rankOf(one) - rankOf(other) || (textOf(one) < textOf(other) ? -1 : 1),
    );
  const namedBy = ({ identifiers }: SourceEvent): Identifier[] =>
    strongestFirst(
      Object.entries(identifiers).flatMap(([name, values]) =>
        values.flatMap((value) => identifierOf(name, value) ?? []),
      ),
    );

  const aboutOf = (event: SourceEvent): Identifier[] =>
    namedBy(event).filter((identifier) => isPersonal(rules, identifier));

  /** A system that names nobody may have told of anything that is kept of it, unless it says of what. */
  const changedBy = ({ source, type }: SourceEvent): Forgettable[] =>
    set.webhooks.get(source)?.declaration.changes?.[type]?.map(({ name }) => ({ source, loader: name })) ?? [
      { source },
    ];
  for (const [source, { declaration }] of set.webhooks)
    for (const { name } of Object.values(declaration.changes ?? {}).flat())
      if (!registry.has(source, name))
        throw new Error(`"${name}" is changed by events of ${source}, and is none of its loaders.`);

  const { process, render } = createFollowUp({
    triggers,
    bus,
    aboutOf,
    forget: async (event) => {
      const named = namedBy(event);
      if (named.length === 0) {
        await registry.forget(changedBy(event));
        return [];
      }
      const objects = set.webhooks.get(event.source)?.declaration.objects?.(event) ?? [];
      const renewals = [await registry.forget([...named, ...objects])];
      let found: { identifier: Identifier; own: readonly Identifier[] } | undefined;
      let hasFailed = false;
      for (const identifier of named) {
        const { everywhere, droppedWhole, customer, renew } = await forget({ identifier });
        if (!everywhere) throw new Error('Not every instance has forgotten.');
        renewals.push(renew);
        // A system may send an event of a customer before it can be asked for that customer: then the next identifier counts.
        if (customer === undefined || customer.records.length === 0) {
          hasFailed ||= droppedWhole.length > 0;
          continue;
        }
        // While a failed system may know an earlier identifier, this one may be another person's.
        if (!hasFailed && isPersonal(rules, identifier)) found = { identifier, own: customer.own };
        break;
      }
      setTimeout(() => {
        for (const renew of renewals) renew();
      }, RENEW_AFTER_MS).unref();
      // People share a phone or a device: it says nothing about whose event this is.
      const about = aboutOf(event);
      if (found === undefined || found.own.length === 0) return about;
      return strongestFirst([...about.slice(0, 1), found.identifier, ...found.own]);
    },
    tell: (trigger, known) => tell(trigger, known, options),
    logger,
  });

  const opening = createWebhookStore(set.store).then((store) => ({
    store,
    deliverer: createDeliverer({
      store,
      endpoints: set.endpoints,
      process,
      render,
      logger,
      metrics,
      timeoutMs: set.timeoutMs,
    }),
  }));
  // Whoever waits for `opened` is told; until then, systems are told to come again.
  opening.catch(() => undefined);
  const storeHealth = createStoreHealth(opening);
  metrics.readAtScrape({
    webhookStore: { figures: storeHealth, endpoints: set.endpoints.map(({ name }) => name) },
  });
  const keep = async (events: readonly SourceEvent[]) => {
    const { store, deliverer } = await opening;
    const kept = await store.keep(events);
    deliverer.wake();
    return kept;
  };
  const identify = (name: string, value: string) => identifierOf(name, value)?.value ?? null;
  const onReceived = metrics.webhookReceived;
  const readers = set.outboxes.map((outbox) =>
    createOutboxReader({ ...outbox, keep, identify, onReceived, logger }),
  );
  return {
    conditions,
    bus,
    receiver: createReceiver({
      webhooks: set.webhooks,
      keep,
      identify,
      onReceived,
      logger,
      publicUrl: config.publicUrl,
    }),
    opened: opening.then(() => undefined),
    health: { webhookStore: async () => ((await storeHealth()) === undefined ? 'down' : 'up') },
    close: async () => {
      await Promise.all(readers.map((reader) => reader.close()));
      bus.close();
      const running = await opening.catch(() => undefined);
      await running?.deliverer.close();
      await running?.store.close();
    },
  };
}

function triggersOf(
  { set, sdl, schema, privacy, logger, triggers: folder }: GatewayEventsOptions,
  conditions: CustomerConditions,
): Trigger[] {
  const { triggers, problems } = readTriggers({
    ...(folder === undefined ? {} : { folder }),
    schema,
    conditions,
    deliver: directiveNamed('deliver', sdl),
    endpoints: new Set(set.endpoints.map(({ name }) => name)),
    forbidden: (document, purpose) => privacy.disclosures.forbidden({ document }, audienceFor(purpose)),
    maySee: (place, purpose) => privacy.maySee(audienceFor(purpose), place),
  });
  for (const problem of problems) logger.error({ problem }, 'trigger not started: correct its file');
  return triggers;
}

/** A trigger is the gateway's own: whoever may write its file may have it send what its purpose allows. */
function audienceFor(purpose: Purpose): Audience {
  const scopes = new Set([...ROLES.operator.scopes].filter((scope) => scope !== 'admin:forget'));
  return { scopes, sees: 'clear', purpose };
}

function askerOf(name: string, purpose: Purpose, { maySee }: Pick<Privacy, 'maySee'>): Asker {
  const { operator } = ROLES;
  const audience = audienceFor(purpose);
  return {
    caller: {
      ...operator,
      name: `trigger:${name}`,
      roles: [],
      scopes: audience.scopes,
      purposes: [purpose],
      defaultPurpose: purpose,
      priority: 'automation',
      origins: [],
    },
    audience,
    rights: { findsBy: 'all', maySee: (place) => maySee(audience, place), seesErased: false },
  };
}

async function tell(
  trigger: Trigger,
  known: KnownEvent,
  { run, privacy }: Pick<GatewayEventsOptions, 'run' | 'privacy'>,
): Promise<Told> {
  const { name, document, interest, purpose } = trigger;
  const told = await run({
    document,
    field: interest.field,
    event: shown(known),
    asker: askerOf(name, purpose, privacy),
    requestId: requestIdOfEvent(known.event),
    conditions: interest.conditions,
    only: 'whole',
  });
  return 'result' in told ? { data: told.result.data } : told;
}
