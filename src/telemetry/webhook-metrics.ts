import type { MakeCounter } from './counters.js';

/**
 * What became of a message of a source. `kept`: something in it was new. `known`: nothing was. `ignored`: it tells of
 * nothing that we know of. `handshake`: it only asked whether the address is ours. `refused`: not signed, too large,
 * or no POST. `stale`: signed at another time than now. `malformed`: signed, and not what the system sends. `failed`:
 * it is to be sent again.
 */
export const WEBHOOK_OUTCOMES = [
  'kept',
  'known',
  'ignored',
  'handshake',
  'refused',
  'stale',
  'malformed',
  'failed',
] as const;
export type WebhookOutcome = (typeof WEBHOOK_OUTCOMES)[number];

/** What is counted of webhooks, in and out. */
export interface WebhookMetrics {
  /** A message of a source came in. */
  webhookReceived: (source: string, outcome: WebhookOutcome) => void;
  /** An event was looked at: what was kept is forgotten, triggers have planned. `dead`: given up. */
  eventProcessed: (source: string, outcome: 'ok' | 'failed' | 'dead') => void;
  /** An attempt ended; `waiting` is one that is made again. */
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
      'How many messages came in from a source system, by what became of them.',
      'source',
    ),
    eventProcessed: counted(
      'stekkerdoos_webhook_events_total',
      'How often events of a source system were processed: ok, failed (it is tried again) or dead.',
      'source',
    ),
    deliveryAttempted: counted(
      'stekkerdoos_webhook_deliveries_total',
      'How many attempts were made to deliver to an endpoint: delivered, skipped, waiting (made again) or dead.',
      'endpoint',
    ),
  };
}
