import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SourceRateLimitedError } from '../../src/errors.js';
import { fetchedAt } from '../../src/loaders/fetched-at.js';
import type { RequestScope } from '../../src/loaders/in-flight-batch.js';
import { defineLoader } from '../../src/loaders/loader.js';
import { startDeadline } from '../../src/resilience/deadline.js';
import { fakeClock } from '../support/clock.js';
import { sharedCacheInMemory } from './shared-cache-in-memory.js';
import { createLoading, type Loading, type LoadingClient } from '../support/loading.js';

/** Tests loaders that identify customers, and other loaders. */

interface Record {
  id: string;
}
const clock = fakeClock();
let loading: Loading;
let calls: number;
let answer: (key: string) => readonly Record[] | Error;

const recordsBy = (name: string) =>
  defineLoader<LoadingClient, string, readonly Record[]>({
    name,
    load: (keys) => {
      calls += 1;
      return Promise.resolve(keys.map((key) => answer(key)));
    },
  });
const people = recordsBy('people');
const orders = recordsBy('orders');

beforeEach(() => {
  calls = 0;
  answer = (key) => [{ id: key }];
  loading = createLoading({ clock });
});
afterEach(() => {
  vi.useRealTimers();
  loading.close();
});

/** `people` identifies customers; `orders` does not. */
function addLoaders({ holdsConsent = false }: { holdsConsent?: boolean } = {}): void {
  const source = {
    ...loading.source('shop', { freshness: { maxAge: '1 hour', notFoundMaxAge: '1 hour' } }),
    holdsConsent,
  };
  loading.registry.add(source, people, () => []);
  loading.registry.add(source, orders);
}
const load = (loader: typeof people, key: string, parts: Partial<RequestScope> = {}) =>
  loading.newRequest(parts).load(loader, key);

describe('when a record was fetched', () => {
  it('is known only for records that identify a customer, cached or not', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-20T10:00:00Z') });
    addLoaders();
    const [record] = await load(people, 'a');
    expect(fetchedAt(record ?? {})).toBe('2026-11-20T10:00:00.000Z');
    clock.advance(60_000);
    vi.setSystemTime(Date.parse('2026-11-20T10:01:00Z'));
    const [cached] = await load(people, 'a');
    expect(fetchedAt(cached ?? {})).toBe('2026-11-20T10:00:00.000Z');
    const [order] = await load(orders, 'a');
    expect(() => fetchedAt(order ?? {})).toThrow('no loader returned it');
  });

  it('is the start of the call', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-20T10:00:00Z') });
    addLoaders();
    answer = (key) => {
      clock.advance(3_000);
      vi.setSystemTime(Date.now() + 3_000);
      return [{ id: key }];
    };
    const [record] = await load(people, 'a');
    expect(fetchedAt(record ?? {})).toBe('2026-11-20T10:00:00.000Z');
  });
});

describe('when a record was fetched by another instance', () => {
  it('is the time at which that instance called the system', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-20T10:00:00Z') });
    const shared = sharedCacheInMemory();
    const instances = [0, 1].map(() =>
      createLoading({
        clock,
        shared: shared.instance({ onForget: () => undefined, onGap: () => undefined }),
      }),
    );
    const loadWith = async (instance: Loading | undefined) => {
      const answers = instance?.newRequest().load(people, 'a');
      for (let i = 0; i < 20; i += 1) {
        await new Promise(setImmediate);
        shared.happenings.all();
      }
      const [record] = (await answers) ?? [];
      return fetchedAt(record ?? {});
    };
    for (const instance of instances)
      instance.registry.add(instance.source('shop', { freshness: { maxAge: '1 hour' } }), people, () => []);
    await loadWith(instances[0]);
    clock.advance(60_000);
    vi.setSystemTime(Date.now() + 60_000);
    expect(await loadWith(instances[1])).toBe('2026-11-20T10:00:00.000Z');
    expect(calls).toBe(1);
    for (const instance of instances) instance.close();
  });
});

describe('a customer who was unknown to a system', () => {
  const SECONDS_30 = 30_000;
  it.each<[string, { holdsConsent: boolean }, Partial<RequestScope>, typeof people, number]>([
    ['is requested again for consent', { holdsConsent: true }, { needsConsent: true }, people, 2],
    ['is cached if no consent is needed', { holdsConsent: true }, {}, people, 1],
    ['is cached if the source holds no consent', { holdsConsent: false }, { needsConsent: true }, people, 1],
    ['has data that is cached', { holdsConsent: true }, { needsConsent: true }, orders, 1],
  ])('%s', async (_, source, parts, loader, expected) => {
    addLoaders(source);
    answer = () => [];
    await load(loader, 'a', parts);
    clock.advance(SECONDS_30);
    await load(loader, 'a', parts);
    expect(calls).toBe(expected);
  });

  it('is cached for consent after the system knows the customer', async () => {
    addLoaders({ holdsConsent: true });
    await load(people, 'a', { needsConsent: true });
    clock.advance(SECONDS_30);
    await load(people, 'a', { needsConsent: true });
    expect(calls).toBe(1);
  });
});

describe('the error of a system whose rate limit ends after the deadline', () => {
  it('explains the deadline for identifying the customer, only for identities', async () => {
    addLoaders();
    answer = () => new SourceRateLimitedError('shop', 'shop limits the rate of calls.', { retryAfter: 5 });
    const parts = { identityDeadline: startDeadline(1_000, clock, { what: 'the time for identities' }) };
    await expect(load(people, 'a', parts)).rejects.toThrow(/later than the time for identities/);
    await expect(load(orders, 'a', parts)).rejects.toThrow(/^shop limits the rate of calls\.$/);
  });
});
