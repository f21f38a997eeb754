import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { linkToPrimary } from '../../src/process/worker.js';
import { closeParentChannel, reportStarted, stopOnSignal, type Started } from '../../src/process/started.js';

const STARTED: Started = {
  url: 'http://localhost:4000',
  sources: ['shop'],
  settings: { PORT: '1' },
  isOpen: false,
};

/** The events of this process, imitated. */
let events: EventEmitter;
let send: ReturnType<typeof vi.fn>;
let logger: Record<'info' | 'warn', ReturnType<typeof vi.fn>>;
const REPLACED = ['send', 'connected', 'disconnect'] as const;
const before = REPLACED.map((name) => Object.getOwnPropertyDescriptor(process, name));

beforeEach(() => {
  events = new EventEmitter();
  send = vi.fn();
  logger = { info: vi.fn(), warn: vi.fn() };
  Object.defineProperty(process, 'send', { value: send, configurable: true, writable: true });
  vi.stubEnv('npm_execpath', undefined);
  vi.spyOn(process, 'on').mockImplementation((name, listener) => {
    events.on(name, listener);
    return process;
  });
  vi.spyOn(process, 'once').mockImplementation((name, listener) => {
    events.once(name, listener);
    return process;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  vi.useRealTimers();
  for (const [i, name] of REPLACED.entries()) {
    Reflect.deleteProperty(process, name);
    const descriptor = before[i];
    if (descriptor !== undefined) Object.defineProperty(process, name, descriptor);
  }
});

describe('a gateway that accepts requests', () => {
  it.each([true, false])('sends its URL, and warns if it needs no authentication: %s', (isOpen) => {
    reportStarted(logger as never, { ...STARTED, isOpen });
    expect(send.mock.calls).toEqual([['http://localhost:4000']]);
    expect(logger.info.mock.calls).toEqual([
      [{ sources: ['shop'], settings: { PORT: '1' } }, 'ready http://localhost:4000/graphql'],
    ]);
    expect(logger.warn).toHaveBeenCalledTimes(isOpen ? 1 : 0);
  });

  it.each(['SIGTERM', 'SIGINT', 'disconnect'])('stops once at %s', (name) => {
    const stop = vi.fn();
    stopOnSignal(logger as never, stop);
    expect(stop).not.toHaveBeenCalled();
    events.emit(name, name);
    events.emit('SIGTERM', 'SIGTERM');
    expect(stop).toHaveBeenCalledTimes(1);
  });

  it.each([true, false])('stops when its parent ends only if npm started it: %s', (isOfNpm) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    if (isOfNpm) vi.stubEnv('npm_execpath', '/npm');
    const parent = vi.spyOn(process, 'ppid', 'get').mockReturnValue(7);
    const stop = vi.fn();
    stopOnSignal(logger as never, stop);
    vi.advanceTimersByTime(1_000);
    expect(stop).not.toHaveBeenCalled();
    parent.mockReturnValue(1);
    vi.advanceTimersByTime(250);
    expect(stop).toHaveBeenCalledTimes(isOfNpm ? 1 : 0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([true, false])('closes its channel to the parent if it is connected: %s', (isConnected) => {
    const disconnect = vi.fn();
    for (const [name, value] of Object.entries({ connected: isConnected, disconnect }))
      Object.defineProperty(process, name, { value, configurable: true, writable: true });
    closeParentChannel();
    expect(disconnect).toHaveBeenCalledTimes(isConnected ? 1 : 0);
  });
});

describe('a worker', () => {
  const VALUES = [
    { name: 'answers', help: 'How many.', type: 'counter', values: [{ value: 2, labels: {} }] },
  ];

  it('reports its start, and its metrics when the primary requests them', async () => {
    vi.stubEnv('WORKER_NUMBER', '3');
    const link = linkToPrimary(4);
    expect(link).toMatchObject({ number: 3, count: 4 });
    link.started(STARTED, () => Promise.resolve(VALUES as never));
    events.emit('message', { type: 'count', id: 9 });
    await Promise.resolve();
    expect(send.mock.calls).toEqual([
      [{ type: 'started', started: STARTED }],
      [{ type: 'values', id: 9, values: VALUES }],
    ]);
  });

  it('gets the metrics of all workers for each request that waits', async () => {
    const link = linkToPrimary(2);
    link.started(STARTED, () => Promise.resolve([]));
    const texts = Promise.all([link.metricsOfAll(), link.metricsOfAll()]);
    events.emit('message', { type: 'gathered', values: new Map([[1, VALUES]]) });
    for (const text of await texts) expect(text).toContain('answers{worker="1"} 2');
    expect(send).toHaveBeenCalledTimes(3);
  });
});
