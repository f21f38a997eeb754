import { register } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.js';

/** Returns the lines of a metric: its series with their values. */
async function series(metrics: Metrics, name: string): Promise<string[]> {
  const lines = (await metrics.text()).split('\n');
  return lines.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

describe('the metrics of a source', () => {
  test('have the durations of its calls in seconds, and their outcomes', async () => {
    const metrics = createMetrics();
    metrics.sourceCalled('kvk', 4, 'ok');
    metrics.sourceCalled('kvk', 250, 'ok');
    metrics.sourceCalled('kvk', 1_000, 'SOURCE_TIMEOUT');
    metrics.sourceCalled('x', 10_000, 'CANCELLED');
    expect(await series(metrics, 'stekkerdoos_source_calls_total')).toEqual([
      'stekkerdoos_source_calls_total{source="kvk",outcome="ok"} 2',
      'stekkerdoos_source_calls_total{source="kvk",outcome="SOURCE_TIMEOUT"} 1',
      'stekkerdoos_source_calls_total{source="x",outcome="ok"} 0',
      'stekkerdoos_source_calls_total{source="x",outcome="CANCELLED"} 1',
    ]);
    const buckets = await series(metrics, 'stekkerdoos_source_call_duration_seconds_bucket');
    expect(buckets).toContain('stekkerdoos_source_call_duration_seconds_bucket{le="0.005",source="kvk"} 1');
    expect(buckets).toContain('stekkerdoos_source_call_duration_seconds_bucket{le="0.25",source="kvk"} 2');
    expect(buckets).toContain('stekkerdoos_source_call_duration_seconds_bucket{le="5",source="x"} 0');
    expect(await series(metrics, 'stekkerdoos_source_call_duration_seconds_sum')).toEqual([
      'stekkerdoos_source_call_duration_seconds_sum{source="kvk"} 1.254',
      'stekkerdoos_source_call_duration_seconds_sum{source="x"} 10',
    ]);
  });

  test('count unknown outcomes as other', async () => {
    const metrics = createMetrics();
    metrics.sourceCalled('kvk', 1, 'jan@example.nl');
    metrics.sourceCalled('kvk', 1, 'piet@example.nl');
    expect(await series(metrics, 'stekkerdoos_source_calls_total')).toContain(
      'stekkerdoos_source_calls_total{source="kvk",outcome="other"} 2',
    );
    expect(await metrics.text()).not.toContain('example.nl');
  });

  test('have the sizes of its batches by loader', async () => {
    const metrics = createMetrics();
    metrics.batchDispatched('kvk', 'companies', 1);
    metrics.batchDispatched('kvk', 'companies', 50);
    const buckets = await series(metrics, 'stekkerdoos_source_batch_keys_bucket');
    expect(buckets).toContain(
      'stekkerdoos_source_batch_keys_bucket{le="1",source="kvk",loader="companies"} 1',
    );
    expect(buckets).toContain(
      'stekkerdoos_source_batch_keys_bucket{le="50",source="kvk",loader="companies"} 2',
    );
  });

  test('have the origins of its answers', async () => {
    const metrics = createMetrics();
    for (const answer of ['miss', 'hit', 'hit', 'stale', 'shared'] as const)
      metrics.cacheAnswered('kvk', answer);
    expect(await series(metrics, 'stekkerdoos_cache_answers_total')).toEqual([
      'stekkerdoos_cache_answers_total{source="kvk",answer="hit"} 2',
      'stekkerdoos_cache_answers_total{source="kvk",answer="stale"} 1',
      'stekkerdoos_cache_answers_total{source="kvk",answer="miss"} 1',
      'stekkerdoos_cache_answers_total{source="kvk",answer="shared"} 1',
    ]);
  });

  test('have the time that calls waited for a slot, and the number of retries', async () => {
    const metrics = createMetrics();
    metrics.waitedForSlot('kvk', 'bulk', 2_000);
    metrics.retried('kvk');
    expect(await series(metrics, 'stekkerdoos_source_wait_seconds_sum')).toEqual([
      'stekkerdoos_source_wait_seconds_sum{source="kvk",priority="bulk"} 2',
    ]);
    expect(await series(metrics, 'stekkerdoos_source_retries_total')).toEqual([
      'stekkerdoos_source_retries_total{source="kvk"} 1',
    ]);
  });

  test('have the state of its circuit breaker', async () => {
    const metrics = createMetrics();
    metrics.breakerChanged('kvk', 'closed');
    metrics.breakerChanged('kvk', 'open');
    expect(await series(metrics, 'stekkerdoos_source_breaker_state')).toEqual([
      'stekkerdoos_source_breaker_state{source="kvk",state="closed"} 0',
      'stekkerdoos_source_breaker_state{source="kvk",state="open"} 1',
      'stekkerdoos_source_breaker_state{source="kvk",state="half-open"} 0',
    ]);
  });
});

describe('the metrics of operations', () => {
  async function operations(metrics: Metrics, outcome: string): Promise<Map<string, number>> {
    const found = (await series(metrics, 'stekkerdoos_operations_total')).flatMap((line) => {
      const [, name = '', value = ''] =
        new RegExp(`operation="([^"]*)",outcome="${outcome}"} (\\d+)`).exec(line) ?? [];
      return name === '' || value === '0' ? [] : [[name, Number(value)] as const];
    });
    return new Map(found);
  }

  test('are separate by name, and for operations without a name', async () => {
    const metrics = createMetrics();
    metrics.operationAnswered('PageView', 20, 'ok');
    metrics.operationAnswered('PageView', 20, 'errors');
    metrics.operationAnswered(undefined, 20, 'ok');
    expect(await operations(metrics, 'ok')).toEqual(
      new Map([
        ['anonymous', 1],
        ['PageView', 1],
      ]),
    );
    expect(await operations(metrics, 'errors')).toEqual(new Map([['PageView', 1]]));
    expect(await series(metrics, 'stekkerdoos_operation_duration_seconds_count')).toContain(
      'stekkerdoos_operation_duration_seconds_count{operation="PageView"} 2',
    );
  });

  test('have at most a hundred names', async () => {
    const metrics = createMetrics();
    for (let i = 0; i < 5_000; i++) metrics.operationAnswered(`Name${i}`, 1, 'ok');
    metrics.operationAnswered('Name7', 1, 'ok');
    const seen = await operations(metrics, 'ok');
    expect(seen.size).toBe(101);
    expect(seen.get('Name7')).toBe(2);
    expect(seen.get('other')).toBe(4_900);
  });

  test('omit the names of refused operations, so that clients cannot add arbitrary names', async () => {
    const metrics = createMetrics();
    for (let i = 0; i < 200; i++) metrics.operationAnswered(`Junk${i}`, 1, 'refused');
    metrics.operationAnswered('PageView', 1, 'ok');
    metrics.operationAnswered('PageView', 1, 'refused');
    expect(await operations(metrics, 'refused')).toEqual(
      new Map([
        ['other', 200],
        ['PageView', 1],
      ]),
    );
  });

  test.each(['', 'jan@example.nl', 'a b', 'naïef', '1st', 'constructor"} 1\nmade_up', 'N'.repeat(65)])(
    'leave out the name %j, which is invalid',
    async (name) => {
      const metrics = createMetrics();
      metrics.operationAnswered(name, 1, 'ok');
      expect(await operations(metrics, 'ok')).toEqual(new Map([['other', 1]]));
    },
  );

  test('accept operation names that are property names of JavaScript objects', async () => {
    const metrics = createMetrics();
    for (const name of ['constructor', '__proto__', 'toString']) metrics.operationAnswered(name, 1, 'ok');
    expect([...(await operations(metrics, 'ok')).keys()]).toEqual(['constructor', '__proto__', 'toString']);
  });

  test('count refused requests by priority', async () => {
    const metrics = createMetrics();
    metrics.shed('bulk');
    expect(await series(metrics, 'stekkerdoos_requests_shed_total')).toEqual([
      'stekkerdoos_requests_shed_total{priority="interactive"} 0',
      'stekkerdoos_requests_shed_total{priority="automation"} 0',
      'stekkerdoos_requests_shed_total{priority="bulk"} 1',
    ]);
  });
});

describe('the gauges', () => {
  test('are read at each scrape', async () => {
    const metrics = createMetrics();
    let entries = 1;
    metrics.readAtScrape({
      requestsInFlight: () => 12,
      eventLoopDelayMs: () => 250,
      sharedCacheUp: () => false,
      cache: () => [{ source: 'kvk', bytes: 1_000 * entries, entries }],
    });
    entries = 3;
    expect(await series(metrics, 'stekkerdoos_requests_in_flight')).toEqual([
      'stekkerdoos_requests_in_flight 12',
    ]);
    expect(await series(metrics, 'stekkerdoos_event_loop_delay_seconds')).toEqual([
      'stekkerdoos_event_loop_delay_seconds 0.25',
    ]);
    expect(await series(metrics, 'stekkerdoos_shared_cache_up')).toEqual(['stekkerdoos_shared_cache_up 0']);
    expect(await series(metrics, 'stekkerdoos_cache_bytes')).toEqual([
      'stekkerdoos_cache_bytes{source="kvk"} 3000',
    ]);
    expect(await series(metrics, 'stekkerdoos_cache_entries')).toEqual([
      'stekkerdoos_cache_entries{source="kvk"} 3',
    ]);
  });

  test.each([true, false])('show what is available: %s', async (isUp) => {
    const metrics = createMetrics();
    metrics.readAtScrape({
      subscribers: () => 7,
      sharedCacheUp: () => isUp,
      suppressionListUp: () => Promise.resolve(isUp),
    });
    const value = isUp ? 1 : 0;
    for (const [name, expected] of Object.entries({
      stekkerdoos_subscribers: 7,
      stekkerdoos_shared_cache_up: value,
      stekkerdoos_suppression_list_up: value,
    }))
      expect(await series(metrics, name)).toEqual([`${name} ${expected}`]);
  });

  test('are omitted if nothing provides them', async () => {
    expect(await createMetrics().text()).not.toContain('stekkerdoos_shared_cache_up');
  });

  test('omit a source without cached answers', async () => {
    const metrics = createMetrics();
    let held = [{ source: 'kvk', bytes: 10, entries: 1 }];
    metrics.readAtScrape({ cache: () => held });
    await metrics.text();
    held = [];
    expect(await series(metrics, 'stekkerdoos_cache_bytes')).toEqual([]);
  });
});

describe('messages of systems', () => {
  test('are counted by source and by outcome', async () => {
    const metrics = createMetrics();
    metrics.webhookReceived('webshop', 'stored');
    metrics.webhookReceived('webshop', 'stored');
    metrics.webhookReceived('webshop', 'refused');
    expect(await series(metrics, 'stekkerdoos_webhooks_total')).toEqual([
      'stekkerdoos_webhooks_total{source="webshop",outcome="stored"} 2',
      'stekkerdoos_webhooks_total{source="webshop",outcome="refused"} 1',
    ]);
  });
});

test('events and deliveries are counted by outcome, and shared answers and limits by kind', async () => {
  const metrics = createMetrics();
  metrics.eventProcessed('webshop', 'ok');
  metrics.eventProcessed('webshop', 'dead');
  metrics.eventProcessed('webshop', 'ok');
  metrics.deliveryAttempted('campaigns', 'waiting');
  metrics.deliveryAttempted('other', 'waiting');
  metrics.responseCacheAnswered('hit');
  metrics.responseCacheAnswered('shared');
  metrics.responseCacheAnswered('shared');
  metrics.identityLimited('IDENTIFIERS');
  for (const [name, lines] of Object.entries({
    stekkerdoos_webhook_events_total: [
      '{source="webshop",outcome="ok"} 2',
      '{source="webshop",outcome="dead"} 1',
    ],
    stekkerdoos_webhook_deliveries_total: [
      '{endpoint="campaigns",outcome="waiting"} 1',
      '{endpoint="other",outcome="waiting"} 1',
    ],
    stekkerdoos_response_cache_answers_total: ['{answer="hit"} 1', '{answer="shared"} 2'],
    stekkerdoos_identity_limits_total: [
      '{limit="HOPS"} 0',
      '{limit="VALUES_PER_NAMESPACE"} 0',
      '{limit="IDENTIFIERS"} 1',
    ],
  }))
    expect(await series(metrics, name)).toEqual(lines.map((line) => `${name}${line}`));
});

describe('the webhook store in the metrics', () => {
  test('shows waiting and dead events and deliveries, and disabled endpoints', async () => {
    const metrics = createMetrics();
    const figures = () =>
      Promise.resolve({
        eventsWaiting: 3,
        oldestEventS: 12.5,
        eventsDead: 1,
        deliveries: [{ endpoint: 'campaigns', state: 'waiting', count: 7 }],
        disabled: ['campaigns'],
      });
    metrics.readAtScrape({ webhookStore: { figures, endpoints: ['campaigns', 'other'] } });
    for (const [name, lines] of Object.entries({
      stekkerdoos_webhook_store_up: [' 1'],
      stekkerdoos_webhook_events: ['{state="waiting"} 3', '{state="dead"} 1'],
      stekkerdoos_webhook_oldest_event_seconds: [' 12.5'],
      stekkerdoos_webhook_deliveries: ['{endpoint="campaigns",state="waiting"} 7'],
      stekkerdoos_webhook_endpoint_disabled: ['{endpoint="campaigns"} 1', '{endpoint="other"} 0'],
    }))
      expect(await series(metrics, name)).toEqual(lines.map((line) => `${name}${line}`));
  });

  test('shows during an outage only that the store is unavailable, without outdated figures', async () => {
    const metrics = createMetrics();
    let figures = async () =>
      Promise.resolve({ eventsWaiting: 3, oldestEventS: 1, eventsDead: 0, deliveries: [], disabled: [] });
    metrics.readAtScrape({ webhookStore: { figures: () => figures(), endpoints: [] } });
    await metrics.text();
    figures = () => Promise.resolve(undefined as never);
    expect(await series(metrics, 'stekkerdoos_webhook_store_up')).toEqual(['stekkerdoos_webhook_store_up 0']);
    expect(await series(metrics, 'stekkerdoos_webhook_events')).toEqual([]);
    expect(await series(metrics, 'stekkerdoos_webhook_oldest_event_seconds')).toEqual([]);
  });
});

describe('the text for Prometheus', () => {
  test('accumulates counts from one scrape to the next', async () => {
    const metrics = createMetrics();
    metrics.retried('kvk');
    await metrics.text();
    metrics.retried('kvk');
    expect(await series(metrics, 'stekkerdoos_source_retries_total')).toEqual([
      'stekkerdoos_source_retries_total{source="kvk"} 2',
    ]);
  });

  test('explains each metric of the gateway in a sentence, and has the unit in its name', async () => {
    const metrics = createMetrics();
    metrics.readAtScrape({
      requestsInFlight: () => 0,
      eventLoopDelayMs: () => 0,
      sharedCacheUp: () => true,
      suppressionListUp: () => Promise.resolve(true),
      webhookStore: { figures: () => Promise.resolve(undefined), endpoints: [] },
      cache: () => [],
    });
    const text = await metrics.text();
    const help = [...text.matchAll(/^# HELP (stekkerdoos_\S+) (.*)$/gm)];
    expect(help).toHaveLength(27);
    for (const [, name, sentence] of help) expect(sentence, name).toMatch(/^[A-Z].{20,}\.$/);
    for (const [, name = '', type] of text.matchAll(/^# TYPE (stekkerdoos_\S+) (\S+)$/gm)) {
      if (type === 'counter') expect(name).toMatch(/_total$/);
      if (type === 'histogram') expect(name).toMatch(/_(seconds|keys)$/);
    }
  });

  test('contains the metrics of the process, also with two gateways', async () => {
    const [first, second] = [createMetrics(), createMetrics()];
    first.retried('kvk');
    for (const metrics of [first, second]) {
      const text = await metrics.text();
      expect(text.match(/^process_resident_memory_bytes /gm)).toHaveLength(1);
      expect(text).not.toMatch(/\n\n\n/);
    }
    expect(await series(second, 'stekkerdoos_source_retries_total')).toEqual([]);
    expect(first.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  test('does not use the global registry', async () => {
    await createMetrics().text();
    expect(register.getMetricsAsArray()).toEqual([]);
  });
});
