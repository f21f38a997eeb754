import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { approximateBytes, createCache, type Cache } from '../../src/cache/cache.js';
import { freshness } from '../../src/cache/freshness.js';
import { cacheKey } from '../../src/cache/keys.js';
import { turnedClock } from '../support/clock.js';

const MEGABYTE = 1024 * 1024;

function setUp({ maxBytes = MEGABYTE } = {}) {
  const clock = turnedClock();
  const cache = createCache({ maxBytes, clock });
  let calls = 0;
  return {
    clock,
    cache,
    calls: () => calls,
    ask: (key: string, maxAgeMs: number, load: () => Promise<unknown> = () => Promise.resolve(calls)) =>
      cache.fetch({
        key,
        maxAgeMs,
        load: () => {
          calls += 1;
          return load();
        },
      }),
  };
}

/** A promise that is settled from outside. */
function question(): {
  answer: Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (e: Error) => void;
} {
  let resolve: (value: unknown) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const answer = new Promise<unknown>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { answer, resolve, reject };
}

describe('the cache', () => {
  it('gives an answer again without asking while it is fresh, and asks anew when it is not', async () => {
    const { ask, clock } = setUp();
    expect(await ask('a', 1_000)).toBe(1);
    clock.turn(999);
    expect(await ask('a', 1_000)).toBe(1);
    clock.turn(2);
    expect(await ask('a', 1_000)).toBe(2);
    expect(await ask('a', 1_000)).toBe(2);
  });

  it('does not make an answer younger by giving it', async () => {
    const { ask, clock } = setUp();
    await ask('a', 1_000);
    for (let i = 0; i < 4; i += 1) {
      clock.turn(300);
      await ask('a', 1_000);
    }
    expect(await ask('a', 1_000)).toBe(2);
  });

  it('counts the age from when the system was asked, not from when it answered', async () => {
    const { ask, clock, calls } = setUp();
    const slow = question();
    const first = ask('a', 1_000, () => slow.answer);
    clock.turn(600);
    slow.resolve('slow');
    expect(await first).toBe('slow');
    clock.turn(300);
    expect(await ask('a', 1_000)).toBe('slow');
    clock.turn(200);
    await ask('a', 1_000);
    expect(calls()).toBe(2);
  });

  it('does not keep an answer that took longer than it may be old', async () => {
    const { ask, clock, calls } = setUp();
    const slow = question();
    const first = ask('a', 1_000, () => slow.answer);
    clock.turn(1_500);
    slow.resolve('slow');
    expect(await first).toBe('slow');
    await ask('a', 1_000);
    expect(calls()).toBe(2);
  });

  it('shares one call among all who wait for the same thing', async () => {
    const { ask, calls } = setUp();
    const one = question();
    const all = Array.from({ length: 10 }, () => ask('a', 1_000, () => one.answer));
    one.resolve('shared');
    expect(await Promise.all(all)).toEqual(Array.from({ length: 10 }, () => 'shared'));
    expect(calls()).toBe(1);
  });

  it('lets those who wait share an answer that may not be kept, and nobody after', async () => {
    const { ask, calls } = setUp();
    const one = question();
    const both = [ask('a', 0, () => one.answer), ask('a', 0, () => one.answer)];
    one.resolve('shared');
    expect(await Promise.all(both)).toEqual(['shared', 'shared']);
    expect(calls()).toBe(1);
    await ask('a', 0);
    expect(calls()).toBe(2);
  });

  it.each([0, 1_000])('tells a failure to all who wait, and never keeps it (maxAge %d)', async (maxAgeMs) => {
    const { ask, calls } = setUp();
    const one = question();
    const both = Promise.allSettled([
      ask('a', maxAgeMs, () => one.answer),
      ask('a', maxAgeMs, () => one.answer),
    ]);
    one.reject(new Error('down'));
    expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await ask('a', maxAgeMs)).toBe(2);
    expect(calls()).toBe(2);
  });

  it('forgets what is too old also when asking anew fails', async () => {
    const { ask, clock } = setUp();
    await ask('a', 1_000);
    clock.turn(2_000);
    await expect(ask('a', 1_000, () => Promise.reject(new Error('down')))).rejects.toThrow('down');
    expect(await ask('a', 1_000)).toBe(3);
  });

  it.each([[null], [undefined], [false], [0], [''], [[]]])(
    'keeps %j like any other answer',
    async (value) => {
      const { ask, calls } = setUp();
      expect(await ask('a', 1_000, () => Promise.resolve(value))).toEqual(value);
      expect(await ask('a', 1_000, () => Promise.resolve('other'))).toEqual(value);
      expect(calls()).toBe(1);
    },
  );

  const kilobyte = () => Promise.resolve('x'.repeat(500));

  it('holds no more than its bytes, and lets go of what was used least recently', async () => {
    const { ask, calls } = setUp({ maxBytes: 10_000 });
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) await ask(key, 1_000, kilobyte);
    await ask('a', 1_000, kilobyte);
    expect(calls()).toBe(6);
    for (const key of ['g', 'h', 'i']) await ask(key, 1_000, kilobyte);
    await ask('a', 1_000, kilobyte);
    expect(calls()).toBe(9);
    await ask('b', 1_000, kilobyte);
    expect(calls()).toBe(10);
  });

  it('counts what an entry itself takes, so that empty answers cannot fill the memory', async () => {
    const { ask, calls } = setUp({ maxBytes: 10_000 });
    for (let i = 0; i < 1_000; i += 1) await ask(`key ${i}`, 1_000, () => Promise.resolve(null));
    expect(calls()).toBe(1_000);
    for (let i = 0; i < 900; i += 1) await ask(`key ${i}`, 1_000, () => Promise.resolve(null));
    expect(calls()).toBe(1_900);
  });

  it('gives an answer larger than the whole cache to those who wait, and keeps the others', async () => {
    const { ask, calls } = setUp({ maxBytes: 10_000 });
    await ask('small', 1_000, kilobyte);
    const large = 'x'.repeat(100_000);
    const both = await Promise.all([
      ask('large', 1_000, () => Promise.resolve(large)),
      ask('large', 1_000, () => Promise.resolve('never')),
    ]);
    expect(both).toEqual([large, large]);
    await ask('small', 1_000, kilobyte);
    expect(calls()).toBe(2);
    await ask('large', 1_000, () => Promise.resolve(large));
    expect(calls()).toBe(3);
  });

  it('answers those who wait also when it is emptied meanwhile, and keeps nothing of it', async () => {
    const { ask, cache, calls } = setUp();
    const one = question();
    const waiting = ask('a', 1_000, () => one.answer);
    cache.clear();
    one.resolve('late');
    expect(await waiting).toBe('late');
    await ask('a', 1_000);
    expect(calls()).toBe(2);
  });

  it('reckons with more bytes than a value has characters', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(approximateBytes(value)).toBeGreaterThanOrEqual(JSON.stringify(value).length / 2);
      }),
    );
  });

  it('never gives an answer older than its policy allows, nor one that belongs to another key', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('ask' as const), key: fc.nat(3), maxAgeMs: fc.constantFrom(0, 100, 500) }),
      fc.record({ do: fc.constant('turn' as const), ms: fc.integer({ min: 1, max: 400 }) }),
      fc.record({ do: fc.constant('finish' as const), which: fc.nat(5), fails: fc.boolean() }),
      fc.record({ do: fc.constant('clear' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.constantFrom(600, 2_000, MEGABYTE),
        async (steps, maxBytes) => {
          const clock = turnedClock();
          const cache: Cache = createCache({ maxBytes, clock });
          const running: { at: number; key: string; settle: (fails: boolean) => void }[] = [];
          const checks: Promise<void>[] = [];
          const askNow = (key: string, maxAgeMs: number): void => {
            const askedAt = clock.now();
            const load = (): Promise<{ key: string; at: number }> => {
              const { answer, resolve, reject } = question();
              const at = clock.now();
              running.push({
                at,
                key,
                settle: (fails) => {
                  if (fails) reject(new Error(key));
                  else resolve({ key, at });
                },
              });
              return answer as Promise<{ key: string; at: number }>;
            };
            // Who joins a call that is under way gets what that call brings; its age then is that of the call.
            const joined = running.find((one) => one.key === key);
            checks.push(
              cache.fetch({ key, maxAgeMs, load }).then(
                (found) => {
                  expect(found.key).toBe(key);
                  expect(askedAt - found.at).toBeLessThanOrEqual(
                    Math.max(maxAgeMs, askedAt - (joined?.at ?? askedAt)),
                  );
                },
                (error: unknown) => {
                  expect((error as Error).message).toBe(key);
                },
              ),
            );
          };
          for (const one of steps) {
            if (one.do === 'ask') askNow(`key ${one.key} ${one.maxAgeMs}`, one.maxAgeMs);
            else if (one.do === 'turn') clock.turn(one.ms);
            else if (one.do === 'clear') cache.clear();
            else {
              const [finished] = running.splice(one.which % Math.max(1, running.length), 1);
              finished?.settle(one.fails);
              // As long as the cache needs to hear of it.
              for (let i = 0; i < 10; i += 1) await Promise.resolve();
            }
          }
          for (const { settle } of running.splice(0)) settle(false);
          await Promise.all(checks);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('how long answers are kept', () => {
  it('is what the loader says, else what its source says, else not at all', () => {
    expect(freshness({ maxAge: '1 minute' }, { maxAge: '1 day' })).toEqual({ maxAgeMs: 60_000 });
    expect(freshness(undefined, { maxAge: '1 day' })).toEqual({ maxAgeMs: 86_400_000 });
    expect(freshness({}, undefined)).toEqual({ maxAgeMs: 0 });
  });
});

describe('the key of an answer', () => {
  it('shows nothing of who is asked for', () => {
    const key = cacheKey('crm', 'contactsByEmail', 'jan@example.nl');
    expect(key).toMatch(/^[\w-]{43}$/);
    expect(Buffer.from(key, 'base64url').toString('latin1')).not.toContain('jan');
  });

  it('is the same for the same question, and another for any other', () => {
    const part = fc.stringMatching(/^[a-z ]{0,6}$/);
    const text = fc.string({
      unit: fc.constantFrom('a', '\n', ' ', '\0', '\ud83d', '\ude00', '\ufffd'),
      maxLength: 6,
    });
    const one = fc.tuple(part, part, text);
    fc.assert(
      fc.property(one, one, (a, b) => {
        expect(cacheKey(...a) === cacheKey(...b)).toBe(a.every((value, i) => value === b[i]));
      }),
      {
        numRuns: 2_000,
        examples: [
          [
            ['s', 'l', '\ud800'],
            ['s', 'l', '\ufffd'],
          ],
        ],
      },
    );
  });
});
