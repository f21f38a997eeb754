import type { RedisLink } from '../../redis.js';
import { GREET, PREFIX, SCRIPTS, type Script } from './scripts.js';

/** A link to Redis on which the scripts are loaded. */
export interface Link {
  /** A number below each `since` that is read over this link, and above each one read before. */
  readonly since: number;
  /** Milliseconds that Redis took to answer GREET. */
  readonly greetingMs: number;
  run(script: Script, ...parameters: readonly Parameter[]): Promise<unknown>;
  /** Runs all calls in one round trip. Resolves to the error of each, in their order; rejects when the link is lost. */
  runAll(script: Script, calls: readonly (readonly Parameter[])[]): Promise<(Error | undefined)[]>;
  ping(): Promise<void>;
  /** Closes the link, so that another one is opened. */
  drop(reason: string): void;
}

export type Parameter = string | number | Buffer;

const STATE = `${PREFIX}state`;

/** Loads the scripts and runs GREET. `lastSince`: the greatest `since` that was read before. */
export async function prepareLink(
  { commands, runId, drop }: RedisLink,
  lastSince: () => number,
): Promise<Link> {
  const run = async (script: Script, ...parameters: readonly Parameter[]): Promise<unknown> => {
    try {
      return await commands.callBuffer('EVALSHA', script.sha, 1, STATE, ...parameters);
    } catch (error) {
      if (!isUnknownScript(error)) throw error;
      return commands.callBuffer('EVAL', script.source, 1, STATE, ...parameters);
    }
  };

  await Promise.all(SCRIPTS.map(({ source }) => commands.script('LOAD', source)));
  const startedAt = performance.now();
  const since = numberIn(await run(GREET, runId, lastSince()));
  if (since === undefined) throw new Error('Redis returned no number for GREET.');
  return {
    since,
    greetingMs: performance.now() - startedAt,
    run,
    runAll: async (script, calls) => {
      const pipeline = commands.pipeline();
      for (const parameters of calls) pipeline.callBuffer('EVALSHA', script.sha, 1, STATE, ...parameters);
      const results = (await pipeline.exec()) ?? [];
      return Promise.all(
        results.map(async ([error], index) => {
          if (!isUnknownScript(error)) return error ?? undefined;
          return run(script, ...(calls[index] ?? [])).then(
            () => undefined,
            (again: unknown) => (again instanceof Error ? again : new Error(String(again))),
          );
        }),
      );
    },
    ping: async () => {
      await commands.ping();
    },
    drop,
  };
}

/** Redis refused a command. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

/** Redis refuses writes because its memory is full or its disk fails. It can still be read. */
export function isFull(error: unknown): boolean {
  return isRefusal(error) && /^(OOM|MISCONF)/.test(error.message);
}

function isUnknownScript(error: unknown): boolean {
  return isRefusal(error) && error.message.startsWith('NOSCRIPT');
}

/** Parses a number in the format of the scripts. */
export function numberIn(reply: unknown): number | undefined {
  const number = Buffer.isBuffer(reply) ? Number(reply.toString()) : reply;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
}
