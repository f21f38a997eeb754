import { expect, test, vi } from 'vitest';
import { createEventBus } from '../../src/webhooks/bus.js';
import type { KnownEvent } from '../../src/webhooks/interest.js';

/** Tests the bus of one instance. `test/redis` tests the bus of several instances. */
const createBus = () =>
  createEventBus({ redisUrl: undefined, secret: 'a secret', logger: { warn: vi.fn() } });
const event: KnownEvent = {
  event: {
    id: '1',
    source: 'shop',
    type: 'order.paid',
    time: '2026-11-20T11:30:00.000Z',
    identifiers: {},
    data: {},
  },
  about: [],
};

test('an event reaches all subscribers until they unsubscribe', () => {
  const bus = createBus();
  const [first, second] = [vi.fn(), vi.fn()];
  const leave = bus.subscribe(first);
  bus.subscribe(second);
  expect(bus.size).toBe(2);
  bus.publish(event);
  leave();
  expect(bus.size).toBe(1);
  bus.publish(event);
  expect(first.mock.calls).toEqual([[event]]);
  expect(second.mock.calls).toEqual([[event], [event]]);
});

test.each(['end', 'close'] as const)('%s ends all current and later subscriptions, each once', (how) => {
  const bus = createBus();
  const [listener, other, onEnd, onLaterEnd] = [vi.fn(), vi.fn(), vi.fn(), vi.fn()];
  bus.subscribe(listener, onEnd);
  bus.subscribe(other);
  bus[how]();
  bus[how]();
  bus.subscribe(vi.fn(), onLaterEnd);
  bus.publish(event);
  expect(listener).not.toHaveBeenCalled();
  expect(onEnd).toHaveBeenCalledOnce();
  expect(onLaterEnd).toHaveBeenCalledOnce();
  expect(bus.size).toBe(0);
});

test('an unsubscribed subscriber is not notified of the end', () => {
  const bus = createBus();
  const onEnd = vi.fn();
  bus.subscribe(vi.fn(), onEnd)();
  bus.end();
  expect(onEnd).not.toHaveBeenCalled();
});
