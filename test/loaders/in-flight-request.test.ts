import { describe, expect, it } from 'vitest';
import {
  createInFlightRequest,
  canServe,
  type InFlightRequest,
  type RequestScope,
} from '../../src/loaders/in-flight-request.js';
import type { Priority } from '../../src/priority.js';

const scope = (priority: Priority) => ({ priority, wanted: {} }) as RequestScope;

function inFlightRequestOf(
  priority: Priority,
  state: 'not called' | 'waits for a slot' | 'in progress',
): InFlightRequest {
  const inFlight = createInFlightRequest('7', '7', scope(priority), () => undefined);
  if (state !== 'not called') {
    inFlight.fetchedAt = 0;
    inFlight.batchCalls = { scope: { isWaiting: state === 'waits for a slot' } } as NonNullable<
      InFlightRequest['batchCalls']
    >;
  }
  return inFlight;
}

describe('a request joins a call', () => {
  it.each([
    ['bulk', 'interactive', 'not called', false],
    ['bulk', 'interactive', 'waits for a slot', false],
    ['bulk', 'interactive', 'in progress', true],
    ['bulk', 'bulk', 'waits for a slot', true],
    ['interactive', 'bulk', 'waits for a slot', true],
  ] as const)('of priority %s by one of priority %s, when the call is %s: %s', (of, by, state, isJoined) => {
    expect(canServe(inFlightRequestOf(of, state), scope(by), 1)).toBe(isJoined);
  });
});
