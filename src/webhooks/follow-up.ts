import type { Identifier } from '../identity/identifiers.js';
import type { Logger } from '../telemetry/logger.js';
import type { EventBus } from './bus.js';
import type { Rendered, WebhookBody } from './deliver.js';
import { GATEWAY_SOURCE, type SourceEvent } from './event.js';
import type { KnownEvent } from './interest.js';
import type { LeasedDelivery, PlannedDelivery, Processed } from './store.js';
import type { Trigger } from './triggers.js';

/** The result of a trigger's subscription: its data, or the reason why nothing is sent. */
export type TriggerResult = { data: unknown } | { withheld: string; isTemporary: boolean };

export interface FollowUpOptions {
  triggers: readonly Trigger[];
  bus: Pick<EventBus, 'publish'>;
  /**
   * Drops the cached records of the event's customer on every instance. Resolves to the customer's personal identifiers, the
   * strongest first.
   */
  forget: (event: SourceEvent) => Promise<readonly Identifier[]>;
  /** The personal identifiers in an event, the strongest first. */
  aboutOf: (event: SourceEvent) => readonly Identifier[];
  /** Executes a trigger's subscription for an event with current data. */
  execute: (trigger: Trigger, known: KnownEvent) => Promise<TriggerResult>;
  logger: Pick<Logger, 'info'>;
}

export interface FollowUp {
  process: (event: SourceEvent) => Promise<Processed>;
  render: (delivery: LeasedDelivery) => Promise<Rendered>;
}

/** Pause between attempts to render a delivery while a system is unavailable. */
const RETRY_DELAY_MS = 60_000;
/** After this time, a delivery that could not be rendered is skipped. */
const MAX_RETRY_MS = 24 * 3_600_000;

/** Processes events: drops cached records, then notifies subscribers, then plans the deliveries of triggers. */
export function createFollowUp({
  triggers,
  bus,
  forget,
  aboutOf,
  execute,
  logger,
}: FollowUpOptions): FollowUp {
  const now = (): number => Date.now();
  const byName = new Map(triggers.map((trigger) => [trigger.name, trigger]));

  return {
    process: async (event) => {
      if (event.source === GATEWAY_SOURCE) return { deliveries: [planOwn(event)] };
      const known: KnownEvent = { event, about: await forget(event) };
      bus.publish(known);
      const cancel: string[] = [];
      const deliveries: PlannedDelivery[] = [];
      for (const trigger of triggers) {
        // The earlier event may have named the customer by another identifier, so all of them are cancelled.
        if (trigger.interest.cancels(known))
          cancel.push(...known.about.map((identifier) => `${trigger.name} ${textOf(identifier)}`));
        const onUnjudged = (reason: string) => {
          logger.info(
            { trigger: trigger.name, source: event.source, type: event.type, reason },
            'event not sent',
          );
        };
        if (trigger.interest.matches(known, onUnjudged)) deliveries.push(plan(trigger, known));
      }
      return { deliveries, cancel };
    },

    render: async ({ trigger: name, event, dueAt }) => {
      if (event.source === GATEWAY_SOURCE) return { body: ownBody(event) };
      const trigger = byName.get(name);
      if (trigger === undefined) return { skip: 'the trigger no longer exists' };
      const at = trigger.quietHours?.after(now()) ?? now();
      if (at > now()) return { retryAt: at };
      const result = await execute(trigger, { event, about: aboutOf(event) });
      if ('data' in result) return { body: { type: event.type, timestamp: event.time, data: result.data } };
      if (result.isTemporary && now() - dueAt < MAX_RETRY_MS) return { retryAt: now() + RETRY_DELAY_MS };
      return { skip: result.withheld };
    },
  };

  function plan(trigger: Trigger, known: KnownEvent): PlannedDelivery {
    const { event } = known;
    const { interest, endpoint, once, quietHours } = trigger;
    const delayMs = interest.isDelayed(event.type) ? interest.delayMs : 0;
    const due = delayMs === 0 ? now() : Math.max(now(), Date.parse(event.time) + delayMs);
    const dueAt = quietHours?.after(due) ?? due;
    const customer = customerKeyOf(known);
    const onceKey = once?.per === 'RECORD' ? `${event.source} ${event.subject ?? event.id}` : customer;
    return {
      trigger: trigger.name,
      endpoint,
      orderKey: customer,
      dueAt,
      ...(delayMs === 0 ? {} : { cancelKey: `${trigger.name} ${customer}` }),
      ...(once === undefined
        ? {}
        : { once: { key: `${trigger.name} ${onceKey}`, until: dueAt + once.withinMs } }),
    };
  }
}

/** Plans the delivery of an event of the gateway itself, to the endpoint that the event names. */
function planOwn({ id, type, subject = id, data }: SourceEvent): PlannedDelivery {
  return { trigger: type, endpoint: String(data['endpoint']), orderKey: subject, dueAt: Date.now() };
}

function ownBody({ type, time, data }: SourceEvent): WebhookBody {
  const members = Object.entries(data).filter(([name]) => name !== 'endpoint');
  return { type, timestamp: time, data: Object.fromEntries(members) };
}

/** Identifies the customer. An event without a customer has a key of its own, so it waits for no other. */
function customerKeyOf({ event, about }: KnownEvent): string {
  const [first] = about;
  return first === undefined ? `${event.source} ${event.id}` : textOf(first);
}

function textOf({ namespace, value }: Identifier): string {
  return `${namespace} ${value}`;
}
