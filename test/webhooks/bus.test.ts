import { expect, test, vi } from 'vitest';
import { createEventBus } from '../../src/webhooks/bus.js';
import type { KnownEvent } from '../../src/webhooks/interest.js';
import { imitation, listenAs } from '../cache/shared-cache/imitation.js';

/** The bus of one instance. `test/redis` tests the bus of several instances with a real Redis. */
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

test('an event reaches each subscriber of all instances once, and is sealed on its way', async () => {
  const redis = imitation();
  const sent: string[] = [];
  redis.otherwise = ([name = '', channel = '', message = '']) => {
    if (name.toLowerCase() === 'publish') {
      sent.push(message);
      redis.publish(message, channel);
    }
    return ':1\r\n';
  };
  const server = await listenAs(redis.serve);
  const warn = vi.fn();
  const buses = ['a secret', 'a secret', 'another secret'].map((secret) =>
    createEventBus({ redisUrl: server.url, secret, logger: { warn } }),
  );
  const listeners = buses.map((bus) => {
    const listener = vi.fn();
    bus.subscribe(listener);
    return listener;
  });
  let published = 0;
  await vi.waitFor(() => {
    published += 1;
    buses[0]?.publish(event);
    expect(listeners[1]).toHaveBeenCalled();
    expect(warn).toHaveBeenCalled();
  });
  // Messages arrive in order, so all others have arrived before this one.
  const last = { ...event, event: { ...event.event, id: 'last' } };
  buses[1]?.publish(last);
  await vi.waitFor(() => {
    expect(listeners[0]).toHaveBeenLastCalledWith(last);
  });
  expect(listeners[0]).toHaveBeenCalledTimes(published + 1);
  expect(listeners[1]?.mock.calls.at(0)).toEqual([event]);
  expect(listeners[2]).not.toHaveBeenCalled();
  expect(sent.join(' ')).not.toContain('order.paid');
  for (const bus of buses) bus.close();
  server.close();
});
