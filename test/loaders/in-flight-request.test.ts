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
  state: 'not asked' | 'waits for its turn' | 'under way',
): InFlightRequest {
  const inFlight = createInFlightRequest('7', '7', scope(priority), () => undefined);
  if (state !== 'not asked') {
    inFlight.fetchedAt = 0;
    inFlight.batchCalls = { scope: { isWaiting: state === 'waits for its turn' } } as NonNullable<
      InFlightRequest['batchCalls']
    >;
  }
  return inFlight;
}

describe('a request joins a call', () => {
  it.each([
    ['bulk', 'interactive', 'not asked', false],
    ['bulk', 'interactive', 'waits for its turn', false],
    ['bulk', 'interactive', 'under way', true],
    ['bulk', 'bulk', 'waits for its turn', true],
    ['interactive', 'bulk', 'waits for its turn', true],
  ] as const)('of priority %s by one of priority %s, when the call is %s: %s', (of, by, state, isJoined) => {
    expect(canServe(inFlightRequestOf(of, state), scope(by), 1)).toBe(isJoined);
  });
});
