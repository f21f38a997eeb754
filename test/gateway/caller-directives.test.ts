import { afterEach, describe, expect, test } from 'vitest';
import type { Environment } from '../../src/settings.js';
import type { FreshnessOptions } from '../../src/cache/freshness.js';
import type { SourceLimits } from '../../src/source.js';
import { createPeople, type People } from './people.js';

const FRESHNESS: Record<string, FreshnessOptions> = {
  quick: { maxAge: '10 s', staleIfError: '60 s' },
  slow: { maxAge: '60 s' },
};

const opened: People[] = [];
function setUp(environment: Environment = {}, freshness = FRESHNESS, limits: SourceLimits = {}): People {
  const people = createPeople(freshness, environment, { limits });
  opened.push(people);
  return people;
}
afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ gateway }) => gateway.close()));
});

const callsOf = ({ systems }: People) =>
  Object.fromEntries([...systems].map(([name, { calls }]) => [name, calls.length]));
const headersWith = (cacheControl: string) => ({ 'cache-control': cacheControl, 'x-sources': '1' });
const PLAIN = { 'x-sources': '1' };

describe('Cache-Control of a request', () => {
  test('no-cache calls every system again, and other callers receive the new records', async () => {
    const people = setUp();
    await people.send('quick slow');
    people.system('quick').text = 'new';
    expect((await people.send('quick slow')).data.customer).toEqual({ quick: 'quick', slow: 'slow' });
    const reloaded = await people.send('quick slow', headersWith('no-cache'));
    expect(reloaded.data.customer).toEqual({ quick: 'new', slow: 'slow' });
    expect(reloaded.sources).toMatchObject({
      people: { status: 'live' },
      quick: { status: 'live' },
      slow: { status: 'live' },
    });
    expect(callsOf(people)).toEqual({ people: 2, quick: 2, slow: 2 });
    expect((await people.send('quick')).data.customer).toEqual({ quick: 'new' });
    expect(callsOf(people)).toMatchObject({ quick: 2 });
  });

  test('no-cache returns no cached record if the system is unavailable', async () => {
    const people = setUp();
    await people.send('quick');
    people.system('quick').isUnavailable = true;
    people.clock.advance(15_000);
    expect((await people.send('quick', PLAIN)).sources).toMatchObject({
      quick: { status: 'stale', age: 15 },
    });
    const reloaded = await people.send('quick', headersWith('no-cache'));
    expect(reloaded.data.customer).toEqual({ quick: null });
    expect(reloaded.errors).toMatchObject([
      { path: ['customer', 'quick'], extensions: { code: 'SOURCE_UNAVAILABLE', source: 'quick' } },
    ]);
  });

  test('max-age=N returns only cached records that are younger than N seconds', async () => {
    const people = setUp();
    await people.send('slow');
    people.clock.advance(6_000);
    await people.send('quick');
    const cached = await people.send('quick slow', headersWith('max-age=7'));
    expect(cached.sources).toMatchObject({
      quick: { status: 'cached', age: 0 },
      slow: { status: 'cached', age: 6 },
    });
    const { sources } = await people.send('quick slow', headersWith('max-age=6'));
    expect(sources).toMatchObject({ quick: { status: 'cached' }, slow: { status: 'live', age: 0 } });
    // The identification of the customer is also 6 s old.
    expect(callsOf(people)).toEqual({ people: 2, quick: 1, slow: 2 });
  });

  test.each([
    ['max-stale=15', 'stale'],
    ['max-stale', 'stale'],
    ['max-stale=4', 'live'],
    ['max-stale=15, max-age=12', 'live'],
  ])('%s: an answer that has been stale for 5 s is %s', async (directive, status) => {
    const people = setUp();
    await people.send('quick');
    people.clock.advance(15_000);
    people.system('quick').text = 'new';
    const { sources, data } = await people.send('quick', headersWith(directive));
    expect(sources).toMatchObject({ quick: { status, age: status === 'stale' ? 15 : 0 } });
    expect(data.customer).toEqual({ quick: status === 'stale' ? 'quick' : 'new' });
    // The next request receives the refreshed record.
    await expect.poll(() => callsOf(people).quick).toBe(2);
    await expect.poll(async () => (await people.send('quick')).data.customer).toEqual({ quick: 'new' });
    expect(callsOf(people).quick).toBe(2);
  });

  test('only-if-cached calls no system: cached records are returned, and other fields are null with a reason', async () => {
    const people = setUp();
    const nothing = await people.send('quick', headersWith('only-if-cached'));
    expect(nothing.data).toEqual({ customer: null });
    expect(nothing.errors).toMatchObject([
      { path: ['customer'], extensions: { code: 'NOT_CACHED', source: 'people' } },
    ]);
    expect(callsOf(people)).toEqual({ people: 0, quick: 0, slow: 0 });
    await people.send('quick');
    const { data, errors, headers } = await people.send('quick slow', headersWith('only-if-cached'));
    expect(data.customer).toEqual({ quick: 'quick', slow: null });
    expect(errors).toMatchObject([
      { path: ['customer', 'slow'], extensions: { code: 'NOT_CACHED', source: 'slow' } },
    ]);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(callsOf(people)).toEqual({ people: 1, quick: 1, slow: 0 });
  });

  test('only-if-cached with max-stale also returns stale records, without refreshing them', async () => {
    const people = setUp();
    await people.send('quick');
    people.clock.advance(15_000);
    expect((await people.send('quick', headersWith('only-if-cached'))).data.customer).toEqual({
      quick: null,
    });
    const { data, sources } = await people.send('quick', headersWith('only-if-cached, max-stale=10'));
    expect(data.customer).toEqual({ quick: 'quick' });
    expect(sources).toMatchObject({ quick: { status: 'stale', age: 15 } });
    await new Promise((resolve) => setImmediate(resolve));
    expect(callsOf(people).quick).toBe(1);
  });

  test.each([
    ['any', { people: 2, quick: 2, slow: 2 }],
    ['sparing', { people: 1, quick: 1, slow: 1 }],
    ['none', { people: 1, quick: 1, slow: 1 }],
  ])('no-cache is accepted only if callers may cause calls (%s)', async (setting, calls) => {
    const people = setUp({ CACHE_DIRECTIVES: setting });
    await people.send('quick slow');
    people.clock.advance(3_000);
    const { headers } = await people.send('quick slow', headersWith('no-cache, max-age=1'));
    expect(callsOf(people)).toEqual(calls);
    // The response does not report the refused directive, but it reports its age.
    expect(headers.get('age')).toBe(setting === 'any' ? '0' : '3');
  });

  test.each([
    ['any', 'stale'],
    ['sparing', 'stale'],
    ['none', 'live'],
  ])('max-stale is accepted only if callers may avoid calls (%s)', async (setting, status) => {
    const people = setUp({ CACHE_DIRECTIVES: setting });
    await people.send('quick');
    people.clock.advance(15_000);
    expect((await people.send('quick', headersWith('max-stale'))).sources).toMatchObject({
      quick: { status },
    });
  });

  test.each([
    ['any', 0],
    ['sparing', 0],
    ['none', 1],
  ])('only-if-cached is accepted only if callers may avoid calls (%s)', async (setting, calls) => {
    const people = setUp({ CACHE_DIRECTIVES: setting });
    await people.send('quick', headersWith('only-if-cached'));
    expect(callsOf(people).quick).toBe(calls);
  });
});

describe('Prefer: wait=N', () => {
  test('sends the response in time with the available fields, and caches late records', async () => {
    const people = setUp();
    await people.send('slow');
    let arrive: (value?: unknown) => void = () => undefined;
    people.system('quick').answersAfter = new Promise((resolve) => (arrive = resolve));
    const first = await people.send('quick slow', { prefer: 'wait=0', ...PLAIN });
    expect(first.data.customer).toEqual({ quick: null, slow: 'slow' });
    expect(first.errors).toMatchObject([
      { path: ['customer', 'quick'], extensions: { code: 'SOURCE_TIMEOUT', source: 'quick' } },
    ]);
    expect(first.sources).toMatchObject({ quick: { status: 'failed' }, slow: { status: 'cached' } });
    arrive();
    expect((await people.send('quick')).data.customer).toEqual({ quick: 'quick' });
  });

  test('does not affect other requests, even with the shortest time', async () => {
    const people = setUp();
    await Promise.all(Array.from({ length: 20 }, () => people.send('quick slow', { prefer: 'wait=0' })));
    const { data, errors } = await people.send('quick slow');
    expect(errors).toEqual([]);
    expect(data.customer).toEqual({ quick: 'quick', slow: 'slow' });
  });

  test('returns cached records if a system does not answer in time', async () => {
    const people = setUp();
    await people.send('quick');
    people.clock.advance(15_000);
    people.system('quick').answersAfter = new Promise(() => undefined);
    const { data, sources } = await people.send('quick', { prefer: 'wait=0', ...PLAIN });
    expect(data.customer).toEqual({ quick: 'quick' });
    expect(sources).toMatchObject({ quick: { status: 'stale', age: 15 } });
  });

  test('does not extend the deadline of the gateway', async () => {
    const people = setUp({ DEADLINE_MS: '20' });
    people.system('quick').answersAfter = new Promise(() => undefined);
    const { errors } = await people.send('quick', { prefer: 'wait=60' });
    expect(errors).toMatchObject([{ extensions: { code: 'SOURCE_TIMEOUT' } }]);
  });
});

describe('X-Priority', () => {
  test.each([
    ['interactive', 'bulk', 2],
    ['interactive', 'interactive', 1],
    ['bulk', 'interactive', 1],
  ])(
    'separates the calls of requests with different priorities, if callers of %s may request %s',
    async (value, input, calls) => {
      const people = setUp({ PRIORITY: value }, FRESHNESS, { batchWindow: '50 ms' });
      // Requests with different priorities do not share a call.
      await Promise.all([
        people.send('quick', {}, 'jan@example.nl'),
        people.send('quick', { 'x-priority': input }, 'piet@example.nl'),
      ]);
      expect(people.system('people').calls).toHaveLength(calls);
    },
  );
});

describe('Age and Cache-Control of an answer', () => {
  const lifetimeOf = ({ headers }: { headers: Headers }) => [
    headers.get('age'),
    headers.get('cache-control'),
  ];

  test('report the age of the oldest part, and the time until the first part is stale', async () => {
    const people = setUp();
    expect(lifetimeOf(await people.send('quick slow'))).toEqual(['0', 'private, max-age=10']);
    people.clock.advance(4_900);
    // The remaining time is 55.1 s. Age and remaining time are rounded to whole seconds.
    expect(lifetimeOf(await people.send('slow'))).toEqual(['4', 'private, max-age=59']);
    expect(lifetimeOf(await people.send('quick slow'))).toEqual(['4', 'private, max-age=9']);
    people.clock.advance(7_100);
    // The quick system is called again, and fresh for 10 s. The slow record is 12 s old.
    expect(lifetimeOf(await people.send('quick slow'))).toEqual(['12', 'private, max-age=22']);
    people.clock.advance(9_500);
    // The remaining time is half a second.
    expect(lifetimeOf(await people.send('quick slow'))).toEqual(['21', 'no-store']);
  });

  test('include the identification of the customer', async () => {
    const people = setUp();
    await people.send('isPerson');
    people.clock.advance(20_000);
    expect(lifetimeOf(await people.send('quick'))).toEqual(['20', 'private, max-age=30']);
  });

  test('forbid caching of a response with a failed or stale part', async () => {
    const people = setUp();
    await people.send('quick slow');
    people.clock.advance(15_000);
    people.system('quick').isUnavailable = true;
    const stale = await people.send('quick slow', PLAIN);
    expect(stale.errors).toEqual([]);
    expect(lifetimeOf(stale)).toEqual(['15', 'no-store']);
    people.clock.advance(45_000);
    people.system('slow').isUnavailable = true;
    people.system('quick').isUnavailable = false;
    const failed = await people.send('quick slow');
    expect(failed.errors).toHaveLength(1);
    expect(lifetimeOf(failed)).toEqual(['60', 'no-store']);
  });

  test('forbid caching of a response from sources without a cache', async () => {
    const people = setUp({}, { live: {} });
    expect(lifetimeOf(await people.send('live'))).toEqual(['0', 'no-store']);
  });

  test('have no age if no system was called', async () => {
    const { gateway } = setUp();
    for (const query of ['{ __typename }', '{ nonsense }', '{'])
      expect(
        lifetimeOf(
          await gateway.fetch('/graphql', {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ query }),
          }),
        ),
      ).toEqual([null, 'no-store']);
  });
});

describe('X-Sources', () => {
  test('reports the status of every source, including sources that were not needed', async () => {
    const people = setUp();
    await people.send('slow');
    people.clock.advance(3_000);
    const { sources } = await people.send('slow', PLAIN);
    expect(sources).toEqual({
      people: expect.objectContaining({ status: 'cached', age: 3, records: 1 }) as unknown,
      quick: { status: 'skipped', age: 0, calls: 0, records: 0, retries: 0, startedMs: 0, durationMs: 0 },
      slow: expect.objectContaining({ status: 'cached', age: 3, records: 1 }) as unknown,
    });
  });

  test('reports the worst status and the oldest age of several parts', async () => {
    const people = setUp();
    await people.send('quick');
    people.clock.advance(4_000);
    await people.send('quick', {}, 'piet@example.nl');
    const { gateway } = people;
    const both = `{
      jan: customer(by: { email: "jan@example.nl" }) { quick }
      piet: customer(by: { email: "piet@example.nl" }) { quick }
      els: customer(by: { email: "els@example.nl" }) { quick }
    }`;
    const response = await gateway.fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...PLAIN },
      body: JSON.stringify({ query: both }),
    });
    expect(await response.json()).toMatchObject({
      extensions: { sources: { quick: { status: 'live', age: 4, records: 3 } } },
    });
  });

  test('is absent if it is not requested', async () => {
    const { sources } = await setUp().send('quick');
    expect(sources).toBeUndefined();
  });
});
