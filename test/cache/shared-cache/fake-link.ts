import { ReplyError } from 'ioredis';
import { pino } from 'pino';
import { vi } from 'vitest';
import type { Connection } from '../../../src/cache/shared-cache/connection.js';
import type { Link } from '../../../src/cache/shared-cache/link.js';

/** The `since` of the link. */
export const SINCE = 10;

/** A link whose Redis answers as the test decides, and its connection. */
export function fakeLink() {
  const run = vi.fn<Link['run']>(() => Promise.resolve(null));
  const runAll = vi.fn<Link['runAll']>((_, calls) => Promise.resolve(calls.map(() => undefined)));
  const drop = vi.fn<Link['drop']>();
  const link: Link = { since: SINCE, greetingMs: 1, run, runAll, ping: () => Promise.resolve(), drop };
  const failed = vi.fn<Connection['failed']>();
  const connection: Connection = { link, quick: link, failed, close: () => undefined };
  return { link, connection, run, runAll, drop, failed };
}

/** A logger, and the lines that it wrote. */
export function recordingLogger() {
  const lines: Record<string, unknown>[] = [];
  const logger = pino(
    { level: 'debug' },
    {
      write: (line: string) => {
        lines.push(JSON.parse(line) as Record<string, unknown>);
      },
    },
  );
  return { logger, lines };
}

// The driver's types declare the error class as `any`.
const Refusal = ReplyError as new (message: string) => Error;

/** An error that Redis sends. */
export function refusal(message: string): Error {
  return new Refusal(message);
}

export function nextLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
