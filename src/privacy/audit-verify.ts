import { createReadStream, realpathSync } from 'node:fs';
import { createChainCheck, type ChainCheck, type ChainResult } from './audit-chain.js';
import { HeadError, headPath, readHead } from './audit-head.js';
import { createSeal } from './audit-line.js';

export interface VerifyOptions {
  /** What the lines were sealed with. */
  secret?: string | undefined;
  /** The head that the last file is compared with; false for none. Default: the one beside it. */
  head?: string | false | undefined;
  /** False when the files before the first one are not here any more: it may then begin in the middle. Default: true. */
  fromBeginning?: boolean | undefined;
}

export interface AuditVerification extends ChainResult {
  /** False when there was no head to compare with, so that nobody can tell whether lines are missing at the end. */
  endIsKnown: boolean;
}

/**
 * Reads files in order, as one chain, and tells what is wrong with it. Fails when one cannot be read, with a
 * HeadError when it is the head. The gateway may
 * write on meanwhile.
 */
export async function verifyAudit(
  files: readonly string[],
  { secret, head, fromBeginning = true }: VerifyOptions = {},
): Promise<AuditVerification> {
  const newest = files.at(-1);
  if (newest === undefined) throw new RangeError('No file was given to verify.');
  // Before the lines: of a log that is being written they are then ahead of it.
  const expected = head === false ? undefined : readHead(head ?? headPath(realpathSync(newest)));
  // That there is none beside the file is told; one that was named is a slip of whoever named it.
  if (typeof head === 'string' && expected === undefined) throw new HeadError(`${head} is not there`);
  const chain = createChainCheck(createSeal(secret), fromBeginning, expected);
  for (const file of files) await readFile(file, chain);
  return { ...chain.result(), endIsKnown: expected !== undefined };
}

const LINE_BREAK = 10;
/** No line is as long; what has no line break for so long is not kept in memory. */
const MAX_LINE = 4 * 1024 * 1024;

async function readFile(file: string, chain: ChainCheck): Promise<void> {
  chain.begin(file);
  let carried: Buffer = Buffer.alloc(0);
  const chunks: AsyncIterable<Buffer> = createReadStream(file, { highWaterMark: 1024 * 1024 });
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_BREAK); end !== -1; end = chunk.indexOf(LINE_BREAK, start)) {
      const line = chunk.subarray(start, end);
      chain.line(carried.length === 0 ? line : Buffer.concat([carried, line]));
      carried = carried.subarray(carried.length);
      start = end + 1;
    }
    carried = Buffer.concat([carried, chunk.subarray(start)]);
    if (carried.length > MAX_LINE) {
      chain.line(carried);
      carried = Buffer.alloc(0);
    }
  }
  chain.end(carried);
}
