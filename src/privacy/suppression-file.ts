import { constants, readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { ConfigError, SuppressionUnavailableError } from '../errors.js';
import type { Logger } from '../telemetry/logger.js';
import type { SuppressionStore } from './suppression.js';

/** Whether the file has changed is looked at this often at most. */
const LOOK_EVERY_MS = 1_000;
const DIGEST = /^[\w-]{43}$/;

export interface SuppressionFileOptions {
  path: string;
  mark: string;
  logger: Logger;
  clock: { now(): number };
}

/**
 * The list in a file, one digest a line, behind the mark. What another process, or a person, changes in it counts within
 * a second. When it cannot be read any more, the list stays in force as it was.
 */
export function openSuppressionFile({ path, mark, logger, clock }: SuppressionFileOptions): SuppressionStore {
  let entries: ReadonlySet<string> = new Set();
  let stamp = '';
  let lookedAt = clock.now();
  let complained = false;

  const read = (): void => {
    const now = stampOf(path);
    if (now === stamp) return;
    entries = parse(readFileSync(path, 'utf8'), mark, entries.size > 0, logger);
    stamp = now;
  };

  try {
    read();
  } catch (error) {
    throw new ConfigError([
      `SUPPRESSION_FILE ${reasonOf(error)}. If nobody has been erased so far, make an empty file.`,
    ]);
  }

  return {
    loading: () => undefined,
    current: () => {
      const now = clock.now();
      if (now - lookedAt < LOOK_EVERY_MS) return entries;
      lookedAt = now;
      try {
        read();
        complained = false;
      } catch (error) {
        if (!complained)
          logger.error({ reason: reasonOf(error) }, 'the suppression list stays as it was read before');
        complained = true;
      }
      return entries;
    },
    add: async (digests) => {
      try {
        await append(digests.filter((one) => !entries.has(one)));
        read();
      } catch (error) {
        throw new SuppressionUnavailableError('write', { cause: error });
      }
    },
    close: () => undefined,
  };

  async function append(digests: readonly string[]): Promise<void> {
    // Not made anew when it has gone: what stood in it would be lost without anybody being told.
    const file = await open(path, constants.O_RDWR | constants.O_APPEND);
    try {
      const { size } = await file.stat();
      const last = Buffer.alloc(1);
      if (size > 0) await file.read(last, 0, 1, size - 1);
      const torn = size > 0 && last.toString() !== '\n' ? '\n' : '';
      const lines = [...(size === 0 ? [mark] : []), ...digests];
      // In one write, so that other processes that add at the same time do not come between.
      await file.appendFile(`${torn}${lines.map((line) => `${line}\n`).join('')}`);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

function parse(text: string, mark: string, hadEntries: boolean, logger: Logger): ReadonlySet<string> {
  const lines = text.split('\n').map((line) => line.trim());
  const said = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (said.length > 0 && !said.includes(mark))
    throw new NotOursError('was not written with this ID_SECRET, so that nobody on it would be recognised');
  if (said.length === 0 && hadEntries) throw new NotOursError('has been emptied');
  const digests = said.filter((line) => DIGEST.test(line));
  const odd = said.filter((line) => !DIGEST.test(line) && !line.startsWith('key:')).length;
  if (odd > 0) logger.warn({ lines: odd }, 'the suppression list has lines that are no digests');
  return new Set(digests);
}

class NotOursError extends Error {}

function reasonOf(error: unknown): string {
  if (error instanceof NotOursError) return error.message;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'for an unknown reason';
  return `cannot be read (${code})`;
}

function stampOf(path: string): string {
  const { mtimeNs, size, ino } = statSync(path, { bigint: true });
  return `${mtimeNs} ${size} ${ino}`;
}
