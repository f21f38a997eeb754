import type { Identifier } from '../identity/identifiers.js';
import type { Logger } from '../telemetry/logger.js';
import type { EventBus } from './bus.js';
import type { Rendered } from './deliver.js';
import type { SourceEvent } from './event.js';
import type { KnownEvent } from './interest.js';
import type { LeasedDelivery, PlannedDelivery, Processed } from './store.js';
import type { Trigger } from './triggers.js';

/** What a trigger's subscription came to. */
export type TriggerResult = { data: unknown } | { not: string; isTemporary: boolean };

export interface FollowUpOptions {
  triggers: readonly Trigger[];
  bus: Pick<EventBus, 'publish'>;
  /**
   * Forgets, everywhere, what is kept of whom the event is about. Resolves with the customer's personal identifiers,
   * the strongest first.
   */
  forget: (event: SourceEvent) => Promise<readonly Identifier[]>;
  /** The personal identifiers that an event names, the strongest first. */
  aboutOf: (event: SourceEvent) => readonly Identifier[];
  /** Answers a trigger's subscription for an event, as it is now. */
  tell: (trigger: Trigger, known: KnownEvent) => Promise<TriggerResult>;
  logger: Pick<Logger, 'info'>;
}

export interface FollowUp {
  process: (event: SourceEvent) => Promise<Processed>;
  render: (delivery: LeasedDelivery) => Promise<Rendered>;
}

/** A system that could not be asked is asked again so often, and for so long: then the moment has passed. */
const AGAIN_AFTER_MS = 60_000;
const AGAIN_FOR_MS = 24 * 3_600_000;

/** What follows from events: first what was kept is forgotten, then subscribers are told, and triggers plan what to send. */
export function createFollowUp({ triggers, bus, forget, aboutOf, tell, logger }: FollowUpOptions): FollowUp {
  const now = (): number => Date.now();
  const byName = new Map(triggers.map((trigger) => [trigger.name, trigger]));

  return {
    process: async (event) => {
      const known: KnownEvent = { event, about: await forget(event) };
      bus.publish(known);
      const cancel: string[] = [];
      const deliveries: PlannedDelivery[] = [];
      for (const trigger of triggers) {
        // What was planned may have been so by another of them: systems differ in what they know somebody by.
        if (trigger.interest.needless(known))
          cancel.push(...known.about.map((one) => `${trigger.name} ${named(one)}`));
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
      const trigger = byName.get(name);
      if (trigger === undefined) return { skip: 'there is no such trigger any more' };
      const at = trigger.quietHours?.after(now()) ?? now();
      if (at > now()) return { retryAt: at };
      const told = await tell(trigger, { event, about: aboutOf(event) });
      if ('data' in told) return { body: { type: event.type, timestamp: event.time, data: told.data } };
      if (told.isTemporary && now() - dueAt < AGAIN_FOR_MS) return { retryAt: now() + AGAIN_AFTER_MS };
      return { skip: told.not };
    },
  };

  function plan(trigger: Trigger, known: KnownEvent): PlannedDelivery {
    const { event } = known;
    const { interest, endpoint, once, quietHours } = trigger;
    const delayMs = interest.isDelayed(event.type) ? interest.delayMs : 0;
    const due = delayMs === 0 ? now() : Math.max(now(), Date.parse(event.time) + delayMs);
    const dueAt = quietHours?.after(due) ?? due;
    const onceKey = once?.per === 'RECORD' ? `${event.source} ${event.subject ?? event.id}` : whose(known);
    return {
      trigger: trigger.name,
      endpoint,
      orderKey: whose(known),
      dueAt,
      ...(delayMs === 0 ? {} : { cancelKey: `${trigger.name} ${whose(known)}` }),
      ...(once === undefined
        ? {}
        : { once: { key: `${trigger.name} ${onceKey}`, until: dueAt + once.withinMs } }),
    };
  }
}

/** Of nobody whom the system names, an event is a line of its own. */
function whose({ event, about }: KnownEvent): string {
  const [first] = about;
  return first === undefined ? `${event.source} ${event.id}` : named(first);
}

function named({ namespace, value }: Identifier): string {
  return `${namespace} ${value}`;
}
