import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../../src/connectors/connector.js';
import { SourceUnavailableError } from '../../src/errors.js';
import { callEach, defineLoader, type Loader } from '../../src/loaders/loader.js';
import { toAbortSignal } from '../../src/v8/call-signal.js';
import { fakeClock } from '../support/clock.js';
import { createLoading, type Loading, type LoadingClient } from '../support/loading.js';

const unavailable = new SourceUnavailableError('shop', 'shop cannot be reached.');

/** Waits until all work has run that does not wait for an answer. */
async function settle(): Promise<void> {
  for (let i = 0; i < 4; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Creates calls that the test answers. */
function calls() {
  const open = new Map<string, { resolve: (value: string) => void; reject: (error: Error) => void }>();
  return {
    open,
    call: (key: string) =>
      new Promise<string>((resolve, reject) => {
        open.set(key, { resolve, reject });
      }),
    answer: (key: string, value = key.toUpperCase()) => {
      open.get(key)?.resolve(value);
      open.delete(key);
      return settle();
    },
    fail: (key: string, error: Error = unavailable) => {
      open.get(key)?.reject(error);
      open.delete(key);
      return settle();
    },
  };
}

describe('a call for each key', () => {
  it('is sent for at most `atOnce` keys at the same time, in order', async () => {
    const { open, call, answer, fail } = calls();
    const values = callEach(['a', 'b', 'c', 'd'], call, { atOnce: 2 });
    const settled = Promise.allSettled(values);
    await settle();
    expect([...open.keys()]).toEqual(['a', 'b']);
    await answer('b');
    expect([...open.keys()]).toEqual(['a', 'c']);
    expect(await values[1]).toBe('B');
    // A failed call also frees its slot.
    await fail('a');
    expect([...open.keys()]).toEqual(['c', 'd']);
    await answer('d');
    await answer('c');
    expect(await settled).toMatchObject([
      { reason: unavailable },
      { value: 'B' },
      { value: 'C' },
      { value: 'D' },
    ]);
  });

  it('is sent for all keys at once by default', async () => {
    const { open, call, answer } = calls();
    const values = callEach(['a', 'b', 'c'], call);
    await settle();
    expect([...open.keys()]).toEqual(['a', 'b', 'c']);
    for (const key of ['a', 'b', 'c']) await answer(key);
    expect(await Promise.all(values)).toEqual(['A', 'B', 'C']);
  });

  it('is an error of its key if it fails before it is sent', async () => {
    const loader = defineLoader<Client, string, string>({
      name: 'letters',
      loadEach: (keys) =>
        callEach(keys, (key) => {
          if (key === 'b') throw unavailable;
          return Promise.resolve(key);
        }),
    });
    expect(await loader.load(['a', 'b'], { ping: () => Promise.resolve() })).toEqual(['a', unavailable]);
  });
});

describe('a loader that sends a call for each key', () => {
  const clock = fakeClock();
  let loading: Loading;
  let system: ReturnType<typeof calls>;
  let requested: string[];
  let loader: Loader<LoadingClient, string, string>;

  beforeEach(() => {
    loading = createLoading({ clock });
    system = calls();
    requested = [];
    loader = defineLoader<LoadingClient, string, string>({
      name: 'letters',
      about: (key) => [{ namespace: 'email', value: key }],
      loadEach: (keys, { scope }) =>
        callEach(keys, (key) =>
          scope.run(() => {
            requested.push(key);
            return system.call(key);
          }),
        ),
    });
    loading.registry.add(
      loading.source('shop', {
        freshness: { maxAge: '10 s', staleIfError: '60 s' },
        limits: { concurrency: 200 },
      }),
      loader,
    );
  });
  afterEach(() => {
    loading.close();
  });

  it('resolves each key when its call is answered', async () => {
    const { load } = loading.newRequest();
    const [slow, quick] = [load(loader, 'a'), load(loader, 'b')];
    await settle();
    const other = loading.newRequest().load(loader, 'b');
    await system.answer('b');
    expect(await Promise.all([quick, other])).toEqual(['B', 'B']);
    await system.answer('a');
    expect(await slow).toBe('A');
    expect(requested).toEqual(['a', 'b']);
  });

  it('resolves a field when the call of its key is answered', async () => {
    const { loadField } = loading.newRequest();
    const read = (value: string) => `field of ${value}`;
    const [slow, quick] = [loadField(loader, 'a', read), loadField(loader, 'b', read)];
    await settle();
    await system.answer('b');
    expect(await quick).toBe('field of B');
    await system.answer('a');
    expect(await slow).toBe('field of A');
  });

  it('returns the answers of a hundred keys of one request, and errors for calls that fail at once', async () => {
    const { load } = loading.newRequest();
    const keys = Array.from({ length: 100 }, (_, i) => `k${i}`);
    const settled = Promise.allSettled(keys.map((key) => load(loader, key)));
    await settle();
    for (const [i, key] of keys.entries()) if (i % 2 === 0) await system.fail(key);
    for (const [i, key] of keys.entries()) if (i % 2 === 1) await system.answer(key);
    expect((await settled).map(({ status }) => status)).toEqual(
      keys.map((_, i) => (i % 2 === 0 ? 'rejected' : 'fulfilled')),
    );
  });

  it('returns an error only for the key that fails', async () => {
    const requests = ['a', 'b'].map((key) => loading.newRequest().load(loader, key));
    const settled = Promise.allSettled(requests);
    await settle();
    await system.fail('a');
    await expect(requests[0]).rejects.toBe(unavailable);
    await system.answer('b');
    expect(await settled).toMatchObject([{ reason: unavailable }, { value: 'B' }]);
  });

  it('caches an answer as soon as it arrives, with the age of its call', async () => {
    const both = Promise.all(['a', 'b'].map((key) => loading.newRequest().load(loader, key)));
    await settle();
    await system.answer('b');
    clock.advance(9_000);
    expect(await loading.newRequest().load(loader, 'b')).toBe('B');
    expect(requested).toEqual(['a', 'b']);
    clock.advance(2_000);
    const later = loading.newRequest().load(loader, 'b');
    await settle();
    expect(requested).toEqual(['a', 'b', 'b']);
    await system.answer('b', 'newer');
    expect(await later).toBe('newer');
    await system.answer('a');
    expect(await both).toEqual(['A', 'B']);
  });

  it('does not cache a key that was forgotten while any call of the batch was in progress', async () => {
    const both = Promise.all(['a', 'b'].map((key) => loading.newRequest().load(loader, key)));
    await settle();
    await system.answer('b');
    await loading.registry.forget([{ namespace: 'email', value: 'a' }]);
    await loading.registry.forget([{ namespace: 'email', value: 'b' }]);
    await system.answer('a');
    expect(await both).toEqual(['A', 'B']);
    const again = Promise.all(['a', 'b'].map((key) => loading.newRequest().load(loader, key)));
    await settle();
    expect(requested).toEqual(['a', 'b', 'a', 'b']);
    for (const key of ['a', 'b']) await system.answer(key, 'anew');
    expect(await again).toEqual(['anew', 'anew']);
  });

  describe('if no request waits for a call any more', () => {
    let cancelled: string[];
    let hanging: Loader<LoadingClient, string, string>;

    beforeEach(() => {
      cancelled = [];
      hanging = defineLoader<LoadingClient, string, string>({
        name: 'hanging',
        loadEach: (keys, { scope }) =>
          callEach(keys, (key) =>
            scope.run((signal) => {
              toAbortSignal(signal).addEventListener('abort', () => cancelled.push(key));
              return system.call(key);
            }),
          ),
      });
      const freshness = { maxAge: '10 s', staleWhileRevalidate: '60 s' } as const;
      loading.registry.add(loading.source('other', { freshness }), hanging);
    });

    const leave = ({ scope: { pendingKeys } }: ReturnType<Loading['newRequest']>) => {
      for (const pending of pendingKeys) pending.leave();
      pendingKeys.clear();
      return settle();
    };

    it('cancels it after the others have their answers', async () => {
      const [quick, slow] = [loading.newRequest(), loading.newRequest()];
      const answer = quick.load(hanging, 'a');
      void slow.load(hanging, 'b');
      await settle();
      await leave(slow);
      expect(cancelled).toEqual([]);
      await system.answer('a');
      expect(await answer).toBe('A');
      expect(cancelled).toEqual(['b']);
    });

    it('cancels it after a finished refresh of a stale answer', async () => {
      const first = loading.newRequest().load(hanging, 'a');
      await settle();
      await system.answer('a');
      await first;
      clock.advance(20_000);
      const slow = loading.newRequest();
      const stale = slow.load(hanging, 'a');
      void slow.load(hanging, 'b');
      await settle();
      expect(await stale).toBe('A');
      await system.answer('a');
      await leave(slow);
      expect(cancelled).toEqual(['b']);
    });
  });

  it('rejects all keys as a defect if it returns too few promises', async () => {
    const broken = defineLoader<LoadingClient, string, string>({
      name: 'broken',
      loadEach: (keys) => callEach(keys.slice(1), (key) => Promise.resolve(key)),
    });
    loading.registry.add(loading.source('other'), broken);
    const { load } = loading.newRequest();
    const outcomes = await Promise.allSettled([load(broken, 'a'), load(broken, 'b')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('answers all other keys if one cannot be cached', async () => {
    const broken = defineLoader<LoadingClient, string, string>({
      name: 'broken',
      about: (key) => {
        if (key === 'a') throw new Error('a defect');
        return [];
      },
      loadEach: (keys) => callEach(keys, system.call),
    });
    loading.registry.add(loading.source('other', { freshness: { maxAge: '10 s' } }), broken);
    const both = Promise.all(['a', 'b'].map((key) => loading.newRequest().load(broken, key)));
    await settle();
    await system.answer('a');
    await system.answer('b');
    expect(await both).toEqual(['A', 'B']);
  });
});
