import type { RedisLink } from '../../redis.js';
import { GREET, PREFIX, SCRIPTS, type Script } from './scripts.js';

/** A link to Redis on which the scripts are loaded. */
export interface Link {
  /** Less than any `since` that is read over this link, and greater than any that was read before. */
  readonly since: number;
  /** How long Redis took to greet. */
  readonly greetingMs: number;
  run(script: Script, ...parameters: readonly Parameter[]): Promise<unknown>;
  /** In one round trip. What became of each, in their order; rejects when the link is lost. */
  runAll(script: Script, calls: readonly (readonly Parameter[])[]): Promise<(Error | undefined)[]>;
  ping(): Promise<void>;
  /** Has the link replaced by another one. */
  drop(reason: string): void;
}

export type Parameter = string | number | Buffer;

const STATE = `${PREFIX}state`;

/** Loads the scripts and greets. `lastSince`: the greatest `since` that was read so far. */
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
  if (since === undefined) throw new Error('Redis gave an answer that makes no sense.');
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

/** Redis answered, and said no. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

/** It has no room, or cannot reach its disk, and takes nothing more. It can still be read. */
export function isFull(error: unknown): boolean {
  return isRefusal(error) && /^(OOM|MISCONF)/.test(error.message);
}

function isUnknownScript(error: unknown): boolean {
  return isRefusal(error) && error.message.startsWith('NOSCRIPT');
}

/** A number as the scripts write it. */
export function numberIn(reply: unknown): number | undefined {
  const number = Buffer.isBuffer(reply) ? Number(reply.toString()) : reply;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
}
