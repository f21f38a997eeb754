import { Gauge, type Registry } from 'prom-client';

/** What is read at the moment that somebody asks for the metrics. */
export interface ScrapeReaders {
  requestsInFlight: () => number;
  subscribers: () => number;
  eventLoopDelayMs: () => number;
  cache: () => Iterable<{ source: string; bytes: number; entries: number }>;
  /** Whether the cache that instances share can be reached. To be left out when there is none. */
  sharedCacheUp: () => boolean;
  /** Whether the list of erased customers can be used. To be left out when there is none. */
  suppressionListUp: () => Promise<boolean>;
  /** What the webhook store holds, undefined while it is down, and the endpoints of the settings. */
  webhookStore: { figures: () => Promise<WebhookStoreFigures | undefined>; endpoints: readonly string[] };
}

interface WebhookStoreFigures {
  eventsWaiting: number;
  oldestEventS: number;
  eventsDead: number;
  deliveries: readonly { endpoint: string; state: string; count: number }[];
  disabled: readonly string[];
}

/** Adds those whose readers are given. */
export function addGauges(registry: Registry, readers: Partial<ScrapeReaders>): void {
  const { requestsInFlight, subscribers, eventLoopDelayMs, cache, sharedCacheUp } = readers;
  const { suppressionListUp, webhookStore } = readers;
  const read = (name: string, help: string, value: () => number | Promise<number>): void => {
    const gauge = new Gauge({
      name,
      help,
      registers: [registry],
      collect: async () => {
        gauge.set(await value());
      },
    });
  };
  if (requestsInFlight !== undefined) {
    read(
      'stekkerdoos_requests_in_flight',
      'How many requests are being answered at the moment.',
      requestsInFlight,
    );
  }
  if (subscribers !== undefined)
    read('stekkerdoos_subscribers', 'How many subscriptions are told of events at the moment.', subscribers);
  if (eventLoopDelayMs !== undefined) {
    read(
      'stekkerdoos_event_loop_delay_seconds',
      'How much later than planned the event loop came round, as overload is judged by.',
      () => eventLoopDelayMs() / 1_000,
    );
  }
  if (sharedCacheUp !== undefined) {
    read(
      'stekkerdoos_shared_cache_up',
      'The cache that instances share can be reached when this is 1.',
      () => (sharedCacheUp() ? 1 : 0),
    );
  }
  if (suppressionListUp !== undefined)
    read(
      'stekkerdoos_suppression_list_up',
      'The list of erased customers can be used when this is 1.',
      async () => ((await suppressionListUp()) ? 1 : 0),
    );
  if (webhookStore !== undefined) addWebhookStore(registry, webhookStore, read);
  if (cache !== undefined) {
    const perSource = (name: string, help: string, of: 'bytes' | 'entries'): void => {
      const gauge = new Gauge({
        name,
        help,
        labelNames: ['source'],
        registers: [registry],
        collect: () => {
          gauge.reset();
          for (const one of cache()) gauge.set({ source: one.source }, one[of]);
        },
      });
    };
    perSource(
      'stekkerdoos_cache_bytes',
      'How many bytes of memory the kept answers of a source take.',
      'bytes',
    );
    perSource('stekkerdoos_cache_entries', 'How many answers of a source are kept in memory.', 'entries');
  }
}

/** While the store is down only `..._up` has a value: the last figures would look like those of now. */
function addWebhookStore(
  registry: Registry,
  { figures, endpoints }: ScrapeReaders['webhookStore'],
  read: (name: string, help: string, value: () => Promise<number>) => void,
): void {
  read('stekkerdoos_webhook_store_up', 'The webhook store answers when this is 1.', async () =>
    (await figures()) === undefined ? 0 : 1,
  );
  const labelled = (
    name: string,
    help: string,
    labelNames: string[],
    values: (of: WebhookStoreFigures) => readonly { labels: Record<string, string>; value: number }[],
  ): void => {
    const gauge = new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect: async () => {
        const of = await figures();
        gauge.reset();
        // Without labels a reset leaves a 0.
        if (of === undefined && labelNames.length === 0) gauge.remove();
        if (of !== undefined) for (const { labels, value } of values(of)) gauge.set(labels, value);
      },
    });
  };
  labelled('stekkerdoos_webhook_events', 'How many events are in the webhook store.', ['state'], (of) => [
    { labels: { state: 'waiting' }, value: of.eventsWaiting },
    { labels: { state: 'dead' }, value: of.eventsDead },
  ]);
  labelled(
    'stekkerdoos_webhook_oldest_event_seconds',
    'How long the oldest waiting event has been in the webhook store.',
    [],
    ({ oldestEventS }) => [{ labels: {}, value: oldestEventS }],
  );
  labelled(
    'stekkerdoos_webhook_deliveries',
    'How many deliveries to an endpoint wait, or are dead.',
    ['endpoint', 'state'],
    ({ deliveries }) =>
      deliveries.map(({ endpoint, state, count }) => ({ labels: { endpoint, state }, value: count })),
  );
  labelled(
    'stekkerdoos_webhook_endpoint_disabled',
    'The endpoint is disabled when this is 1.',
    ['endpoint'],
    ({ disabled }) =>
      [...new Set([...endpoints, ...disabled])].map((endpoint) => ({
        labels: { endpoint },
        value: disabled.includes(endpoint) ? 1 : 0,
      })),
  );
}
