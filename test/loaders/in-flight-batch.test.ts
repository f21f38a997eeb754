import { describe, expect, it, vi } from 'vitest';
import { SourceRateLimitedError } from '../../src/errors.js';
import {
  canServe,
  createLateError,
  InFlightBatch,
  type BatchReference,
  type RequestScope,
} from '../../src/loaders/in-flight-batch.js';
import type { Priority } from '../../src/priority.js';
import { startRequest } from '../../src/telemetry/tracing.js';

type State = 'not called' | 'waits for a slot' | 'in progress';

const scope = (priority: Priority, maxAgeMs?: number) =>
  ({ priority, wanted: maxAgeMs === undefined ? {} : { maxAgeMs } }) as RequestScope;

const abort = vi.fn();

function call(batch: InFlightBatch, isWaiting = false): InFlightBatch {
  batch.calls = {
    fetchedAt: 0,
    slots: [...batch.keys.keys()],
    scope: { isWaiting, retryAfter: () => 17 },
    controller: { abort },
  } as unknown as NonNullable<InFlightBatch['calls']>;
  return batch;
}

function batchOf(priority: Priority, state: State): InFlightBatch {
  const batch = new InFlightBatch(scope(priority), new Map());
  return state === 'not called' ? batch : call(batch, state === 'waits for a slot');
}

/** A batch with these keys, and the number of requests that wait for each. */
function batchWith(waiting: Readonly<Record<string, number>>) {
  abort.mockClear();
  const inFlight = new Map<string, BatchReference>();
  const create = () =>
    new InFlightBatch({ priority: 'interactive', trace: startRequest(new Headers()) }, inFlight);
  const batch = create();
  for (const [key, requests] of Object.entries(waiting)) {
    const slot = batch.add(key, key);
    for (let i = 0; i < requests; i += 1) batch.join(slot, {}, 0);
  }
  return { batch, create, inFlight, joinable: () => [...inFlight.keys()] };
}

describe('a request joins a call', () => {
  it.each<[of: Priority, by: Priority, State, isJoined: boolean]>([
    ['bulk', 'interactive', 'not called', false],
    ['bulk', 'interactive', 'waits for a slot', false],
    ['bulk', 'interactive', 'in progress', true],
    ['bulk', 'bulk', 'waits for a slot', true],
    ['interactive', 'bulk', 'waits for a slot', true],
    ['bulk', 'automation', 'not called', false],
    ['automation', 'interactive', 'not called', false],
    ['automation', 'automation', 'not called', true],
    ['automation', 'bulk', 'waits for a slot', true],
  ])('of priority %s, if its priority is %s and the call is %s: %s', (of, by, state, isJoined) => {
    expect(canServe(batchOf(of, state), scope(by), 1)).toBe(isJoined);
  });

  it.each<[State, maxAgeMs: number, isJoined: boolean]>([
    ['in progress', 11, true],
    ['in progress', 10, false],
    ['in progress', 0, false],
    ['not called', 0, true],
  ])(
    'that is %s and began 10 ms ago, if it accepts answers of up to %i ms: %s',
    (state, maxAgeMs, isJoined) => {
      expect(canServe(batchOf('interactive', state), scope('interactive', maxAgeMs), 10)).toBe(isJoined);
    },
  );
});

describe('a client that disconnects', () => {
  it('before the call leaves the key to later requests', () => {
    const { batch, joinable } = batchWith({ a: 1, b: 1 });
    batch.leave([0]);
    expect(joinable()).toEqual(['a', 'b']);
    expect(batch.releaseUnwanted()).toEqual([1]);
    expect(joinable()).toEqual(['b']);
  });

  it('during the call prevents that later requests join, unless another request waits', () => {
    const { batch, joinable } = batchWith({ a: 1, b: 2, c: 1 });
    call(batch).leave([0, 1]);
    expect(joinable()).toEqual(['b', 'c']);
    expect(abort).not.toHaveBeenCalled();
    batch.leave([2]);
    expect(abort).not.toHaveBeenCalled();
    batch.leave([1]);
    expect(abort).toHaveBeenCalledOnce();
    expect(joinable()).toEqual([]);
  });

  it('does not cancel the call for a key that is settled, and cancels the rest', () => {
    const { batch } = batchWith({ a: 1, b: 1, c: 1 });
    call(batch);
    batch.cancelIfLeft();
    batch.settle(0, 'A', 0);
    batch.cancelIfLeft();
    batch.leave([1]);
    expect(abort).not.toHaveBeenCalled();
    batch.settle(2, 'C', 0);
    batch.cancelIfLeft();
    expect(abort).toHaveBeenCalledOnce();
  });

  it('is not the same as a request that missed its deadline', () => {
    const { batch } = batchWith({ a: 1, b: 1 });
    call(batch).stopWaiting([0]);
    batch.settle(1, 'B', 0);
    batch.cancelIfLeft();
    expect(abort).not.toHaveBeenCalled();
  });
});

describe('a batch', () => {
  it('does not release a key that a later batch loads', () => {
    const { batch, create, inFlight } = batchWith({ a: 1, b: 1 });
    const later = create();
    later.add('a', 'a');
    batch.release(0);
    batch.end();
    expect([...inFlight.keys()]).toEqual(['a']);
    expect(inFlight.get('a')?.batch).toBe(later);
  });

  it('is no longer referred to after it has ended', () => {
    const { batch, inFlight } = batchWith({ a: 1 });
    const reference = inFlight.get('a');
    expect(reference?.batch).toBe(batch);
    batch.end();
    expect(reference?.batch).toBeUndefined();
  });

  it('has the slot of each key, also of one that was added after a search', () => {
    const { batch } = batchWith({ a: 1, b: 1 });
    expect([batch.slotOf('a'), batch.slotOf('b'), batch.slotOf('c')]).toEqual([0, 1, -1]);
    batch.add('c', 'c');
    expect(batch.slotOf('c')).toBe(2);
  });

  it('has the latest deadline, and the lowest age that a request accepts for each key', () => {
    const { batch } = batchWith({ a: 0, b: 0 });
    for (const [slot, maxAgeMs, deadlineAt] of [
      [0, 500, 100],
      [0, 200, 300],
      [0, undefined, 50],
      [0, 400, 200],
    ] as const)
      batch.join(slot, maxAgeMs === undefined ? {} : { maxAgeMs }, deadlineAt);
    expect([batch.deadlineAt, batch.tooOldMs(0), batch.tooOldMs(1)]).toEqual([300, 200, Infinity]);
  });

  it('resolves a request when all of its keys are settled, in any order', async () => {
    const { batch } = batchWith({ a: 1, b: 1, c: 1 });
    const resolved: string[] = [];
    for (const [name, slots] of [
      ['a and b', [0, 1]],
      ['c', [2]],
      ['none', []],
    ] as const)
      void batch.whenSettled(slots).then(() => resolved.push(name));
    const after = async (settled: readonly number[]): Promise<string[]> => {
      for (const slot of settled) batch.settle(slot, 'value', 0);
      batch.notify(settled);
      await new Promise((resolve) => setImmediate(resolve));
      return resolved;
    };
    expect(await after([])).toEqual(['none']);
    expect(await after([1])).toEqual(['none']);
    expect(await after([2])).toEqual(['none', 'c']);
    expect(await after([0])).toEqual(['none', 'c', 'a and b']);
  });

  it('that ends with an error rejects only the keys that are not settled, and resolves all requests', async () => {
    const { batch, joinable } = batchWith({ a: 1, b: 1 });
    const settled = batch.whenSettled([0, 1]);
    batch.settle(0, 'A', 0);
    const error = new Error('broken');
    batch.end(error);
    await settled;
    expect([batch.answerOf(0), batch.answerOf(1), joinable()]).toEqual(['A', error, []]);
  });
});

describe('a late answer', () => {
  it.each<[State, isOfLimits: boolean]>([
    ['not called', false],
    ['waits for a slot', true],
    ['in progress', false],
  ])('is due to the limits of the gateway only if its call waits for a slot: %s', (state, isOfLimits) => {
    const error = createLateError('shop', batchOf('interactive', state));
    if (!isOfLimits) expect(error).toBeUndefined();
    else {
      expect(error).toBeInstanceOf(SourceRateLimitedError);
      expect(error).toMatchObject({ retryAfter: 17, kind: 'own-limit' });
    }
  });
});
