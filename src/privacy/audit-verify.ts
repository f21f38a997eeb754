import { createReadStream, realpathSync } from 'node:fs';
import { createChainCheck, type ChainCheck, type ChainResult } from './audit-chain.js';
import { HeadError, headPath, readHead } from './audit-head.js';
import { createSeal } from './audit-line.js';

export interface VerifyOptions {
  /** The AUDIT_SECRET with which the lines were hashed. */
  secret?: string | undefined;
  /** Path of the head for the last file; false for none. Default: the head beside that file. */
  head?: string | false | undefined;
  /** False if earlier files are missing: the first file may then start within the chain. Default: true. */
  fromBeginning?: boolean | undefined;
}

export interface AuditVerification extends ChainResult {
  /** False if there was no head, so that missing lines at the end cannot be detected. */
  endIsKnown: boolean;
}

/**
 * Reads files in order as one chain, and returns its problems. Rejects if a file cannot be read, with a HeadError for the
 * head. The gateway may write to the last file meanwhile.
 */
export async function verifyAudit(
  files: readonly string[],
  { secret, head, fromBeginning = true }: VerifyOptions = {},
): Promise<AuditVerification> {
  const newest = files.at(-1);
  if (newest === undefined) throw new RangeError('No file was given to verify.');
  // The head is read first: if the log grows meanwhile, the lines are ahead of the head, which is valid.
  const expected = head === false ? undefined : readHead(head ?? headPath(realpathSync(newest)));
  // A missing head beside the file is reported in the result. A missing head that the caller named is an error.
  if (typeof head === 'string' && expected === undefined) throw new HeadError(`${head} does not exist`);
  const chain = createChainCheck(createSeal(secret), fromBeginning, expected);
  for (const file of files) await readFile(file, chain);
  return { ...chain.result(), endIsKnown: expected !== undefined };
}

const LINE_BREAK = 10;
/** Bytes without a line break after which the reader stops buffering. No valid line is that long. */
const MAX_LINE_BYTES = 4 * 1024 * 1024;

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
    if (carried.length > MAX_LINE_BYTES) {
      chain.line(carried);
      carried = Buffer.alloc(0);
    }
  }
  chain.end(carried);
}
