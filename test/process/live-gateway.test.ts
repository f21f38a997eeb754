import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it, vi } from 'vitest';
import { ConfigError } from '../../src/errors.js';
import type { Gateway } from '../../src/gateway.js';
import { LiveGateway } from '../../src/process/live-gateway.js';

interface Parts {
  origins?: string[];
  opened?: Promise<void>;
  config?: object;
}

const logger = { error: vi.fn(), warn: vi.fn(), info: vi.fn() };

function gatewayOf({ origins = [], opened = Promise.resolve(), config = {} }: Parts = {}) {
  return {
    authentication: { origins: new Set(origins) },
    config: { port: 4000, host: 'localhost', ...config },
    sources: ['shop'],
    logger,
    opened,
    handler: vi.fn(),
    drain: vi.fn(),
    close: vi.fn(() => Promise.resolve()),
  };
}
type TestGateway = ReturnType<typeof gatewayOf>;

const liveOf = (first: TestGateway, create: () => Promise<TestGateway>) =>
  new LiveGateway(first as unknown as Gateway, create as unknown as () => Promise<Gateway>);

/** Sends a request, and returns the function that ends it. */
function send(live: LiveGateway) {
  const response = new EventEmitter();
  live.handler(new EventEmitter() as unknown as IncomingMessage, response as unknown as ServerResponse);
  return () => response.emit('close');
}

const settle = () => new Promise(setImmediate);

describe('a reload', () => {
  it('replaces the gateway, whose last requests are still answered', async () => {
    const first = gatewayOf({ origins: ['https://old.example'] });
    const next = gatewayOf({ origins: ['https://new.example'] });
    const live = liveOf(first, () => Promise.resolve(next));
    const { origins } = live;
    const [endFirst, endSecond] = [send(live), send(live)];
    await live.reload('SIGHUP');
    send(live);
    expect([first.handler, next.handler].map(({ mock }) => mock.calls.length)).toEqual([2, 1]);
    expect(live.current).toBe(next);
    expect(live.origins).toBe(origins);
    expect([...origins]).toEqual(['https://new.example']);
    expect(first.drain).toHaveBeenCalledTimes(1);
    endFirst();
    await settle();
    expect(first.close).not.toHaveBeenCalled();
    endSecond();
    await settle();
    expect(first.close).toHaveBeenCalledTimes(1);
    expect(next.close).not.toHaveBeenCalled();
  });

  it('closes the replaced gateway at once if it answers no request', async () => {
    const first = gatewayOf();
    const live = liveOf(first, () => Promise.resolve(gatewayOf()));
    send(live)();
    await live.reload('SIGHUP');
    await settle();
    expect(first.close).toHaveBeenCalledTimes(1);
  });

  it.each<[string, () => Promise<TestGateway>]>([
    ['is not valid', () => Promise.reject(new ConfigError(['PORT is invalid']))],
    [
      'cannot open its store',
      () => Promise.resolve(gatewayOf({ opened: Promise.reject(new ConfigError(['PORT is invalid'])) })),
    ],
  ])('leaves the gateway as it is if its successor %s', async (_, create) => {
    const first = gatewayOf({ origins: ['https://old.example'] });
    let successor: TestGateway | undefined;
    const live = liveOf(first, async () => (successor = await create()));
    await live.reload('SIGHUP');
    expect(live.current).toBe(first);
    expect([...live.origins]).toEqual(['https://old.example']);
    expect(logger.error.mock.lastCall?.[0]).toEqual({ problems: ['PORT is invalid'] });
    expect(first.drain).not.toHaveBeenCalled();
    if (successor !== undefined) expect(successor.close).toHaveBeenCalledTimes(1);
  });

  it('fails with a defect of the successor', async () => {
    const live = liveOf(gatewayOf(), () => Promise.reject(new TypeError('defect')));
    await expect(live.reload('SIGHUP')).rejects.toThrow('defect');
  });

  it('names the settings that take effect at a restart only', async () => {
    logger.warn.mockClear();
    const before = { port: 4000, logLevel: 'info', deadlineMs: 1 };
    const live = liveOf(gatewayOf({ config: before }), () =>
      Promise.resolve(gatewayOf({ config: { ...before, port: 4001, logLevel: 'debug', deadlineMs: 2 } })),
    );
    await live.reload('SIGHUP');
    expect(logger.warn.mock.calls).toEqual([
      [{ settings: ['PORT', 'LOG_LEVEL'] }, 'these settings take effect at a restart'],
    ]);
    await live.reload('SIGHUP');
    expect(logger.warn).toHaveBeenCalledTimes(1);
  });

  it('is followed by one more if there were others meanwhile', async () => {
    const create = vi.fn(() => Promise.resolve(gatewayOf()));
    const live = liveOf(gatewayOf(), create);
    await Promise.all([live.reload('first'), live.reload('second'), live.reload('third')]);
    expect(create).toHaveBeenCalledTimes(2);
    await live.reload('later');
    expect(create).toHaveBeenCalledTimes(3);
  });

  it('is completed, and not followed by another, when the gateway is closed', async () => {
    const next = gatewayOf();
    const create = vi.fn(() => Promise.resolve(next));
    const live = liveOf(gatewayOf(), create);
    void live.reload('first');
    void live.reload('second');
    await live.close();
    await settle();
    expect(create).toHaveBeenCalledTimes(1);
    expect(next.close).toHaveBeenCalledTimes(1);
  });
});
