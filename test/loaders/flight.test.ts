import { describe, expect, it } from 'vitest';
import { createFlight, serves, type Flight, type RequestScope } from '../../src/loaders/flight.js';
import type { Priority } from '../../src/priority.js';

const scope = (priority: Priority) => ({ priority, wanted: {} }) as RequestScope;

function flightOf(priority: Priority, state: 'not asked' | 'waits for its turn' | 'under way'): Flight {
  const flight = createFlight('7', '7', scope(priority), () => undefined);
  if (state !== 'not asked') {
    flight.fetchedAt = 0;
    flight.run = { scope: { isWaiting: state === 'waits for its turn' } } as NonNullable<Flight['run']>;
  }
  return flight;
}

describe('a request joins a call', () => {
  it.each([
    ['bulk', 'interactive', 'not asked', false],
    ['bulk', 'interactive', 'waits for its turn', false],
    ['bulk', 'interactive', 'under way', true],
    ['bulk', 'bulk', 'waits for its turn', true],
    ['interactive', 'bulk', 'waits for its turn', true],
  ] as const)('of priority %s by one of priority %s, when the call is %s: %s', (of, by, state, isJoined) => {
    expect(serves(flightOf(of, state), scope(by), 1)).toBe(isJoined);
  });
});
