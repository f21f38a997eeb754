import type { MakeCounter } from './counters.js';

/**
 * The outcome of a message of a source. `stored`: it had new events. `duplicate`: all its events were stored before.
 * `ignored`: it had no events of a known type. `handshake`: the system verified the URL. `refused`: not signed, too
 * large, or no POST. `stale`: signed too long ago, or in the future. `malformed`: signed, but not in the format of
 * the system. `failed`: not stored, so the system must send it again.
 */
export const WEBHOOK_OUTCOMES = [
  'stored',
  'duplicate',
  'ignored',
  'handshake',
  'refused',
  'stale',
  'malformed',
  'failed',
] as const;
export type WebhookOutcome = (typeof WEBHOOK_OUTCOMES)[number];

/** Counts the webhooks that are received and sent. */
export interface WebhookMetrics {
  /** A message of a source was received. */
  webhookReceived: (source: string, outcome: WebhookOutcome) => void;
  /**
   * An event was processed: its cached records are dropped, its triggers are planned. `dead`: it is not tried again.
   */
  eventProcessed: (source: string, outcome: 'ok' | 'failed' | 'dead') => void;
  /** A delivery attempt ended. `waiting`: it failed and is retried. `dead`: it is not retried. */
  deliveryAttempted: (endpoint: string, outcome: 'delivered' | 'skipped' | 'waiting' | 'dead') => void;
}

export function createWebhookMetrics(counter: MakeCounter): WebhookMetrics {
  const counted = (name: string, help: string, label: string) => {
    const cells = counter(name, help, [label, 'outcome']);
    const known = new Map<string, { count: number }>();
    return (value: string, outcome: string): void => {
      const key = `${value} ${outcome}`;
      let cell = known.get(key);
      if (cell === undefined) known.set(key, (cell = cells({ [label]: value, outcome })));
      cell.count++;
    };
  };
  return {
    webhookReceived: counted(
      'stekkerdoos_webhooks_total',
      'How many messages were received from a source system, by outcome.',
      'source',
    ),
    eventProcessed: counted(
      'stekkerdoos_webhook_events_total',
      'How many times events of a source system were processed, by outcome: ok, failed (is retried) or dead (is not retried).',
      'source',
    ),
    deliveryAttempted: counted(
      'stekkerdoos_webhook_deliveries_total',
      'How many deliveries to an endpoint were attempted, by outcome: delivered, skipped, waiting (is retried) or dead.',
      'endpoint',
    ),
  };
}
