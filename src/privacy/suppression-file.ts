import { constants, readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { ConfigError, SuppressionUnavailableError } from '../errors.js';
import type { Logger } from '../telemetry/logger.js';
import type { SuppressionStore } from './suppression.js';

/** Minimum time between checks whether the file has changed, in milliseconds. */
const CHECK_INTERVAL_MS = 1_000;
const DIGEST = /^[\w-]{43}$/;

export interface SuppressionFileOptions {
  path: string;
  mark: string;
  logger: Logger;
  clock: { now(): number };
}

/**
 * The list in a file: the mark, then one digest a line. Changes by other processes or people take effect within a second.
 * If the file can no longer be read, the last list that was read stays in force.
 */
export function openSuppressionFile({ path, mark, logger, clock }: SuppressionFileOptions): SuppressionStore {
  let entries: ReadonlySet<string> = new Set();
  let stamp = '';
  let checkedAt = clock.now();
  let isLogged = false;

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
      `SUPPRESSION_FILE ${reasonOf(error)}. If no customer has been erased yet, create an empty file.`,
    ]);
  }

  return {
    loading: () => undefined,
    current: () => {
      const now = clock.now();
      if (now - checkedAt < CHECK_INTERVAL_MS) return entries;
      checkedAt = now;
      try {
        read();
        isLogged = false;
      } catch (error) {
        if (!isLogged)
          logger.error(
            { reason: reasonOf(error) },
            'the suppression list cannot be read; the last list that was read stays in force',
          );
        isLogged = true;
      }
      return entries;
    },
    add: async (digests) => {
      try {
        await append(digests.filter((digest) => !entries.has(digest)));
        read();
      } catch (error) {
        throw new SuppressionUnavailableError('write', { cause: error });
      }
    },
    close: () => undefined,
  };

  async function append(digests: readonly string[]): Promise<void> {
    // A missing file is not created again: its entries would be lost without an error.
    const file = await open(path, constants.O_RDWR | constants.O_APPEND);
    try {
      const { size } = await file.stat();
      const last = Buffer.alloc(1);
      if (size > 0) await file.read(last, 0, 1, size - 1);
      const torn = size > 0 && last.toString() !== '\n' ? '\n' : '';
      const lines = [...(size === 0 ? [mark] : []), ...digests];
      // One write, so that lines of other processes cannot come between.
      await file.appendFile(`${torn}${lines.map((line) => `${line}\n`).join('')}`);
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

function parse(text: string, mark: string, hadEntries: boolean, logger: Logger): ReadonlySet<string> {
  const lines = text.split('\n').map((line) => line.trim());
  const entryLines = lines.filter((line) => line !== '' && !line.startsWith('#'));
  if (entryLines.length > 0 && !entryLines.includes(mark))
    throw new ForeignListError(
      'was written with another ID_SECRET, so no customer on it would be recognised',
    );
  if (entryLines.length === 0 && hadEntries) throw new ForeignListError('has been emptied');
  const digests = entryLines.filter((line) => DIGEST.test(line));
  const invalidCount = entryLines.filter((line) => !DIGEST.test(line) && !line.startsWith('key:')).length;
  if (invalidCount > 0)
    logger.warn(
      { lines: invalidCount },
      'the suppression list has lines that are not digests; they are ignored',
    );
  return new Set(digests);
}

class ForeignListError extends Error {}

function reasonOf(error: unknown): string {
  if (error instanceof ForeignListError) return error.message;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'for an unknown reason';
  return `cannot be read (${code})`;
}

function stampOf(path: string): string {
  const { mtimeNs, size, ino } = statSync(path, { bigint: true });
  return `${mtimeNs} ${size} ${ino}`;
}
