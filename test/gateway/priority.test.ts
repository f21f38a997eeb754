import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Environment } from '../../src/settings.js';
import type { Client, Connector } from '../../src/connectors/connector.js';
import {
  defineLoader,
  defineSource,
  idNamespace,
  setting,
  type Context,
  type Customer,
  type CustomerRecord,
} from '../../src/index.js';
import type { SourceLimits } from '../../src/source.js';
import { createTestGateway, type Answer, type TestGateway } from '../support/gateway.js';
import { localSource } from '../support/local-source.js';
import { listAt } from '../support/read.js';
import { isThorough } from '../support/thorough.js';

/** The duration of one call, in milliseconds. */
const CALL_MS = 50;
const LIMITS: SourceLimits = { rate: { calls: 10, per: '1 s' }, maxBatch: 1, retries: 0 };

interface LedgerClient extends Client {
  send(key: string): Promise<string>;
}

/** The calls to the system, with their keys and times. */
let calls: { key: string; at: number }[] = [];

const ledger: Connector<LedgerClient> = {
  settings: () => [setting('LEDGER_URL')],
  connect: () => ({
    client: (scope) => ({
      ping: () => Promise.resolve(),
      send: (key) =>
        scope.run(
          () =>
            new Promise((resolve) => {
              calls.push({ key, at: performance.now() });
              setTimeout(resolve, CALL_MS, `of ${key}`);
            }),
        ),
    }),
    close: () => Promise.resolve(),
  }),
};

const opened: TestGateway[] = [];

/** Opens a gateway with a ledger that allows ten calls a second. */
function openGateway(environment: Environment = {}): TestGateway {
  const people = localSource('people', {
    namespaces: [idNamespace('personId', 'The id of a person in the system.', /^[a-z0-9-]{1,20}$/)],
    identity: {
      recordKey: 'personId',
      foundBy: {
        personId: {
          uniqueness: 'enforced',
          loader: defineLoader<Client, string, readonly CustomerRecord[]>({
            name: 'byId',
            load: (ids) => Promise.resolve(ids.map((id) => [{ id, identifiers: [] }])),
          }),
        },
      },
      yields: {},
    },
  });
  const balances = defineLoader<LedgerClient, string, string>({
    name: 'balances',
    load: (keys, client) => Promise.all(keys.map((key) => client.send(key))),
  });
  const gateway = createTestGateway(
    { ...people.environment, LEDGER_URL: 'here', DEADLINE_MS: '60000', ...environment },
    {
      sources: [
        people.source,
        defineSource({
          name: 'ledger',
          connector: ledger,
          limits: LIMITS,
          loaders: [balances],
          resolvers: {
            Customer: {
              balance: async (customer: Customer, _: unknown, { load }: Context) => {
                const id = await customer.identifier('personId');
                return id === null ? null : load(balances, id);
              },
            },
          },
        }),
      ],
      sdl: {
        people:
          'type Customer @foundBy(identifier: "personId") @personalData(category: NONE) { "Whether the record is a person." isPerson: Boolean }',
        ledger:
          'type Customer @foundBy(identifier: "personId") @personalData(category: NONE) { "The amount that the person owes." balance: String }',
      },
    },
  );
  opened.push(gateway);
  return gateway;
}

interface Timed {
  answer: Pick<Answer, 'data' | 'errors'>;
  /** The time from the request to the answer, in milliseconds. */
  ms: number;
}

/** Requests the balances of people with a priority. */
async function send(gateway: TestGateway, ids: readonly string[], priority?: string): Promise<Timed> {
  const startedAt = performance.now();
  const response = await gateway.fetch('/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(priority === undefined ? {} : { 'x-priority': priority }),
    },
    body: JSON.stringify({
      query: 'query($by: [CustomerKey!]!) { customers(by: $by) { balance } }',
      variables: { by: ids.map((personId) => ({ personId })) },
    }),
  });
  const body = (await response.json()) as { data: Answer['data']; errors?: Answer['errors'] };
  return { answer: { data: body.data, errors: body.errors ?? [] }, ms: performance.now() - startedAt };
}

const people = (count: number, name: string) => Array.from({ length: count }, (_, i) => `${name}-${i}`);

/** Runs all work that needs no timer. */
async function settle(): Promise<void> {
  const hasImmediates = () => process.getActiveResourcesInfo().includes('Immediate');
  for (let iteration = 0; iteration < 12 || hasImmediates(); iteration += 1)
    await new Promise((resolve) => setImmediate(resolve));
}

/** Advances the clock from event to event until the work is done. */
async function advanceUntil<T>(work: Promise<T>): Promise<T> {
  const state = { isDone: false };
  void work.finally(() => (state.isDone = true));
  await settle();
  while (!state.isDone) {
    vi.advanceTimersToNextTimer();
    await settle();
  }
  return work;
}

const later = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

beforeEach(() => {
  calls = [];
  // Only the clock is frozen. The event loop runs.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.close()));
  vi.useRealTimers();
});

const p95 = (all: readonly number[]) =>
  [...all].sort((a, b) => a - b)[Math.ceil(all.length * 0.95) - 1] ?? NaN;

/** Requests pages of 500 people one after the other, like an export. */
async function runExport(gateway: TestGateway, count: number): Promise<number> {
  const startedAt = performance.now();
  const ids = people(count, 'export');
  for (let i = 0; i < ids.length; i += 500) {
    const page = ids.slice(i, i + 500);
    const { answer } = await send(gateway, page, 'bulk');
    expect(answer.errors).toEqual([]);
    expect(listAt(answer.data, 'customers')).toEqual(page.map((id) => ({ balance: `of ${id}` })));
  }
  return performance.now() - startedAt;
}

/** Sends a page view every 1.5 seconds, each about another person. Returns their durations in milliseconds. */
async function sendViewsUntil(
  gateway: TestGateway,
  until: () => boolean,
  maxViews = Infinity,
): Promise<number[]> {
  const views: Promise<Timed>[] = [];
  while (!until() && views.length < maxViews) {
    views.push(send(gateway, [`view-${views.length}`]));
    await later(1_500);
  }
  return Promise.all(views).then((all) =>
    all.map(({ answer, ms }) => {
      expect(answer.errors).toEqual([]);
      return ms;
    }),
  );
}

/** The number of customers of a long export. */
const EXPORT_SIZE = isThorough ? 5_000 : 2_000;

describe('a system that takes ten calls a second', () => {
  test('runs a long export at its full rate if no other calls wait', { timeout: 60_000 }, async () => {
    const ms = await advanceUntil(runExport(openGateway(), EXPORT_SIZE));
    expect(calls).toHaveLength(EXPORT_SIZE);
    expect(EXPORT_SIZE / (ms / 1_000)).toBeGreaterThan(9.8);
    expect(mostInASecond()).toBeLessThanOrEqual(20);
  });

  test(
    'answers a page view without delay during a long export, which continues at the full rate',
    { timeout: 60_000 },
    async () => {
      const idleViews = await advanceUntil(sendViewsUntil(openGateway(), () => false, 100));
      calls = [];

      const gateway = openGateway();
      let isOver = false;
      const exported = runExport(gateway, EXPORT_SIZE).finally(() => (isOver = true));
      const views = await advanceUntil(sendViewsUntil(gateway, () => isOver));
      const ms = await exported;
      expect(views.length).toBeGreaterThan(0.06 * EXPORT_SIZE);
      expect(p95(views)).toBeLessThan(2 * p95(idleViews));
      expect((EXPORT_SIZE + views.length) / (ms / 1_000)).toBeGreaterThan(9.8);
      expect(mostInASecond()).toBeLessThanOrEqual(20);
    },
  );

  test.each([
    ['bulk', 'interactive', undefined, 'is dispatched before them'],
    ['bulk', 'interactive', 'interactive', 'is dispatched before them'],
    ['bulk', 'interactive', 'automation', 'is dispatched before them'],
    ['bulk', 'interactive', 'bulk', 'waits'],
    ['bulk', 'interactive', 'nonsense', 'is dispatched before them'],
    ['bulk', 'automation', undefined, 'is dispatched before them'],
    ['bulk', 'automation', 'interactive', 'is dispatched before them'],
    ['bulk', 'automation', 'bulk', 'waits'],
    ['bulk', 'bulk', undefined, 'waits'],
    ['bulk', 'bulk', 'interactive', 'waits'],
    ['bulk', 'bulk', 'automation', 'waits'],
    ['automation', 'interactive', undefined, 'is dispatched before them'],
    ['automation', 'interactive', 'automation', 'waits'],
    ['automation', 'automation', undefined, 'waits'],
    ['automation', 'automation', 'interactive', 'waits'],
  ])(
    'with waiting %s calls and callers of priority %s, a request with the priority %s %s',
    async (waits, value, input, outcome) => {
      const gateway = openGateway({ PRIORITY: value });
      const first = send(gateway, people(100, 'first'), waits);
      await advanceUntil(later(2_000));
      const waiting = 100 - calls.length;
      expect(waiting).toBeGreaterThan(60);
      const { answer, ms } = await advanceUntil(send(gateway, ['jan'], input));
      expect(answer).toEqual({ data: { customers: [{ balance: 'of jan' }] }, errors: [] });
      if (outcome === 'waits') expect(ms).toBeGreaterThan(waiting * 100);
      else expect(ms).toBeLessThan(200);
      expect((await advanceUntil(first)).answer.errors).toEqual([]);
    },
  );

  test('dispatches page views before campaigns, and campaigns before exports, in any order of arrival', async () => {
    const gateway = openGateway();
    const all = [
      send(gateway, people(30, 'export'), 'bulk'),
      send(gateway, people(30, 'campaign'), 'automation'),
      send(gateway, people(30, 'view')),
    ];
    await advanceUntil(Promise.all(all));
    const placesOf = (name: string) =>
      calls.flatMap(({ key }, place) => (key.startsWith(name) ? [place] : []));
    // Priority does not affect calls that need not wait.
    const [views, campaigns, exports] = ['view', 'campaign', 'export'].map((name) =>
      placesOf(name).slice(10),
    );
    expect(Math.max(...(views ?? []))).toBeLessThan(Math.min(...(campaigns ?? [])));
    expect(Math.max(...(campaigns ?? []))).toBeLessThan(Math.min(...(exports ?? [])));
  });

  test('is called at once for a page about a customer of a waiting export', async () => {
    const gateway = openGateway();
    const exporting = send(gateway, people(100, 'export'), 'bulk');
    await advanceUntil(later(2_000));
    const { answer, ms } = await advanceUntil(send(gateway, ['export-99']));
    expect(answer.data).toEqual({ customers: [{ balance: 'of export-99' }] });
    expect(ms).toBeLessThan(200);
    const { answer: exported } = await advanceUntil(exporting);
    expect(exported.errors).toEqual([]);
  });

  test('is not called if no slot is free before the deadline, and the response has Retry-After', async () => {
    const gateway = openGateway({ DEADLINE_MS: '2000' });
    const { answer, ms } = await advanceUntil(send(gateway, people(100, 'view')));
    expect(ms).toBeLessThanOrEqual(2_000);
    const shown = listAt(answer.data, 'customers').filter(
      (customer) => (customer as { balance: string | null }).balance !== null,
    );
    expect(shown.length).toBeGreaterThanOrEqual(28);
    expect(shown.length).toBeLessThanOrEqual(30);
    expect(answer.errors).toHaveLength(100 - shown.length);
    for (const { extensions } of answer.errors) {
      expect(extensions).toMatchObject({ code: 'SOURCE_RATE_LIMITED', source: 'ledger', retryable: true });
      expect(extensions.retryAfter).toBeGreaterThan(0);
      expect(extensions.retryAfter).toBeLessThanOrEqual(10);
    }
    await advanceUntil(later(60_000));
    expect(calls.length).toBeLessThanOrEqual(30);
  });
});

/** The maximum number of calls within one second. */
function mostInASecond(): number {
  let [maxViews, first] = [0, 0];
  for (const [last, { at }] of calls.entries()) {
    while (at - (calls[first]?.at ?? at) >= 1_000) first += 1;
    maxViews = Math.max(maxViews, last - first + 1);
  }
  return maxViews;
}
