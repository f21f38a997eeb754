import { describe, expect, it } from 'vitest';
import { canServe, InFlightBatch, type RequestScope } from '../../src/loaders/in-flight-batch.js';
import type { Priority } from '../../src/priority.js';

const scope = (priority: Priority) => ({ priority, wanted: {} }) as RequestScope;

function batchOf(
  priority: Priority,
  state: 'not called' | 'waits for a slot' | 'in progress',
): InFlightBatch {
  const batch = new InFlightBatch(scope(priority), new Map());
  if (state !== 'not called')
    batch.calls = { fetchedAt: 0, scope: { isWaiting: state === 'waits for a slot' } } as NonNullable<
      InFlightBatch['calls']
    >;
  return batch;
}

describe('a request joins a call', () => {
  it.each([
    ['bulk', 'interactive', 'not called', false],
    ['bulk', 'interactive', 'waits for a slot', false],
    ['bulk', 'interactive', 'in progress', true],
    ['bulk', 'bulk', 'waits for a slot', true],
    ['interactive', 'bulk', 'waits for a slot', true],
  ] as const)('of priority %s, if its priority is %s and the call is %s: %s', (of, by, state, isJoined) => {
    expect(canServe(batchOf(of, state), scope(by), 1)).toBe(isJoined);
  });
});
