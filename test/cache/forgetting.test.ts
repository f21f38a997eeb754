import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Connection } from '../../src/cache/shared-cache/connection.js';
import { createForgetting } from '../../src/cache/shared-cache/forgetting.js';
import type { Link } from '../../src/cache/shared-cache/link.js';
import { createLogger } from '../../src/telemetry/logger.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('an invalidation that fails in Redis is retried until it succeeds', async () => {
  const run = vi.fn<Link['run']>();
  const link: Link = {
    since: 0,
    greetingMs: 0,
    run,
    runAll: () => Promise.resolve([]),
    ping: () => Promise.resolve(),
    drop: () => undefined,
  };
  const redis: { link?: Link } = {};
  const connection: Connection = {
    get link() {
      return redis.link;
    },
    get quick() {
      return redis.link;
    },
    failed: () => undefined,
    close: () => undefined,
  };
  const forgetting = createForgetting({ connection, logger: createLogger('silent') });
  expect(forgetting.isSettled()).toBe(true);
  const forgotten = forgetting.forget(['a', 'b']);
  await vi.advanceTimersByTimeAsync(0);
  expect(forgetting.isSettled()).toBe(false);
  // Redis is available again for one command, then unavailable.
  run.mockRejectedValueOnce(new Error('The connection was closed.'));
  redis.link = link;
  forgetting.settle();
  await vi.advanceTimersByTimeAsync(0);
  expect(forgetting.isSettled()).toBe(false);
  run.mockResolvedValueOnce([]);
  await vi.advanceTimersByTimeAsync(250);
  expect(forgetting.isSettled()).toBe(true);
  await forgotten;
  expect(run.mock.calls.map(([, , ...tags]) => tags)).toEqual([
    ['a', 'b'],
    ['a', 'b'],
  ]);
  forgetting.close();
});
