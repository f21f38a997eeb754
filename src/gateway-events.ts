import type { GraphQLSchema } from 'graphql';
import type { GatewayConfig } from './config.js';
import type { IdentityRules } from './identity/identity-graph.js';
import type { LoaderRegistry } from './loaders/registry.js';
import type { TriggerRunner } from './operation/triggers.js';
import type { Forget } from './privacy/forget.js';
import { createForgetEvent } from './privacy/forget-event.js';
import type { SettingsReader } from './settings.js';
import type { SourceDefinition } from './source.js';
import { directiveNamed } from './stitching/policies.js';
import type { Sdl } from './stitching/sdl.js';
import type { Logger } from './telemetry/logger.js';
import type { Metrics } from './telemetry/metrics.js';
import { createEventBus, type EventBus } from './webhooks/bus.js';
import { createDeliverer } from './webhooks/deliver.js';
import { readEndpoints, type Endpoint } from './webhooks/endpoints.js';
import { eventTypesOf, type SourceEvent } from './webhooks/event.js';
import { EventSubjects } from './webhooks/event-subjects.js';
import { createFollowUp } from './webhooks/follow-up.js';
import type { SubscriptionRules } from './webhooks/interest.js';
import { createOutboxReader, pluggedInOutboxes, type PluggedInOutbox } from './webhooks/outbox.js';
import { createReceiver, pluggedInWebhooks, type Receiver, type Webhook } from './webhooks/receive.js';
import { readStoreSettings, WEBHOOK_SETTINGS } from './webhooks/settings.js';
import {
  createWebhookStore,
  openStoreDatabase,
  type WebhookStore,
  type WebhookStoreOptions,
} from './webhooks/store.js';
import type { Database } from './webhooks/store-database.js';
import { createStoreHealth } from './webhooks/store-health.js';
import { readTriggers, type Trigger } from './webhooks/triggers.js';

/** The settings of webhooks, outboxes and endpoints. */
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
  subscriptionRules: SubscriptionRules;
  forget: Forget;
  triggerRunner: TriggerRunner;
  metrics: Metrics;
  logger: Logger;
  /** Whether nothing is stored and sent. The triggers are checked. */
  readsOnly: boolean;
  /** The folder of the triggers. Default: schema/triggers. */
  triggers?: URL | undefined;
}

export interface GatewayEvents {
  bus: EventBus;
  receiver: Receiver;
  /** Resolves when the store is open; rejects if it cannot be opened. */
  opened: Promise<void>;
  /** What bulk jobs share with webhooks. Undefined without a store. */
  shared: SharedWithJobs | undefined;
  /** The state of the store, for the health of the gateway. Empty without a store. */
  health: Readonly<Record<string, () => Promise<'up' | 'down'>>>;
  close(): Promise<void>;
}

/** The store of webhooks and its endpoints, as bulk jobs use them. */
export interface SharedWithJobs {
  database: Promise<Database>;
  secret: string;
  endpoints: readonly Endpoint[];
  timeoutMs: number;
  store: () => Promise<WebhookStore>;
  /** Stores events, which are then delivered. */
  add: WebhookStore['add'];
}

/** Wires the handling of events: cached records are dropped, subscribers are notified, and triggers send. */
export function createGatewayEvents(options: GatewayEventsOptions): GatewayEvents {
  const { set, config, metrics, logger, readsOnly } = options;
  const bus = createEventBus({
    redisUrl: set.store === undefined || readsOnly ? undefined : config.redisUrl,
    secret: set.store?.secret ?? '',
    logger,
  });
  if (set.store === undefined || readsOnly) {
    if (set.store !== undefined) triggersOf(options);
    else if (set.webhooks.size + set.outboxes.length > 0)
      logger.warn(
        { sources: [...set.webhooks.keys(), ...set.outboxes.map(({ source }) => source)] },
        'events of these systems are not received: set WEBHOOK_FILE or WEBHOOK_POSTGRES_URL, and WEBHOOK_SECRET',
      );
    const close = () => {
      bus.close();
      return Promise.resolve();
    };
    return {
      bus,
      receiver: () => Promise.resolve(undefined),
      opened: Promise.resolve(),
      shared: undefined,
      health: {},
      close,
    };
  }

  const { secret } = set.store;
  const { database, opening, figures, receiver, readers, add } = startEvents(set.store, bus, options);
  // Callers of `opened` get the error. Until the store is open, systems get status 503.
  opening.catch(() => undefined);
  metrics.readAtScrape({
    webhookStore: { figures, endpoints: set.endpoints.map(({ name }) => name) },
  });
  return {
    bus,
    receiver,
    opened: opening.then(() => undefined),
    shared: {
      ...{ database, secret, add, endpoints: set.endpoints, timeoutMs: set.timeoutMs },
      store: async () => (await opening).store,
    },
    health: { webhookStore: async () => ((await figures()) === undefined ? 'down' : 'up') },
    close: async () => {
      await Promise.all(readers.map((reader) => reader.close()));
      bus.close();
      const running = await opening.catch(() => undefined);
      await running?.deliverer.close();
      await running?.store.close();
    },
  };
}

/** Creates the store, and what receives, processes and delivers events. */
function startEvents(storeOptions: WebhookStoreOptions, bus: EventBus, options: GatewayEventsOptions) {
  const { set, config, rules, registry, forget, triggerRunner, metrics, logger } = options;
  const subjects = new EventSubjects(rules);
  const { process, render } = createFollowUp({
    triggers: triggersOf(options),
    bus,
    aboutOf: (event) => subjects.about(event),
    forget: createForgetEvent({ registry, forget, subjects, webhooks: set.webhooks }),
    execute: (trigger, known) => triggerRunner.answer(trigger, known),
    logger,
  });
  const database = openStoreDatabase(storeOptions);
  const opening = createWebhookStore(storeOptions, database).then((store) => ({
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
  const add = async (events: readonly SourceEvent[]) => {
    const { store, deliverer } = await opening;
    const added = await store.add(events);
    deliverer.wake();
    return added;
  };
  const types = eventTypesOf(options.schema);
  const identify = (name: string, value: string) => subjects.identifier(name, value)?.value ?? null;
  const onReceived = metrics.webhookReceived;
  return {
    database,
    opening,
    add,
    figures: createStoreHealth(opening),
    receiver: createReceiver({
      webhooks: set.webhooks,
      add,
      types,
      identify,
      onReceived,
      logger,
      publicUrl: config.publicUrl,
    }),
    readers: set.outboxes.map((outbox) =>
      createOutboxReader({ ...outbox, add, types, identify, onReceived, logger }),
    ),
  };
}

function triggersOf({
  set,
  sdl,
  schema,
  subscriptionRules,
  triggerRunner,
  logger,
  triggers: folder,
}: GatewayEventsOptions): Trigger[] {
  const { triggers, problems } = readTriggers({
    ...(folder === undefined ? {} : { folder }),
    schema,
    subscriptionRules,
    deliver: directiveNamed('deliver', sdl),
    endpoints: new Set(set.endpoints.map(({ name }) => name)),
    forbidden: (document, purpose) => triggerRunner.forbidden(document, purpose),
    maySee: (place, purpose) => triggerRunner.maySee(place, purpose),
  });
  for (const problem of problems) logger.error({ problem }, 'trigger not started: correct its file');
  return triggers;
}
