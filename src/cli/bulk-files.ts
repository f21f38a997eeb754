import {
  closeSync,
  createReadStream,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { readCsvLines, readJsonLines, type InputLine } from '../bulk/read-lines.js';
import { jsonRows, type RowWriter } from '../bulk/write-rows.js';
import type { Row } from '../bulk/run-bulk.js';
import { InvalidInputError } from '../errors.js';
import { missingPackage } from '../missing-package.js';

/** Errors that another run of the line does not change. */
const FINAL_CODES = new Set([
  'AMBIGUOUS_IDENTITY',
  'BAD_USER_INPUT',
  'CONSENT_REQUIRED',
  'ERASED',
  'FORBIDDEN',
  'LIMIT_EXCEEDED',
]);

const storedRow = z.object({
  line: z.number(),
  input: z.record(z.string(), z.unknown()).optional(),
  data: z.record(z.string(), z.unknown()).nullable(),
  errors: z
    .array(
      z.object({
        message: z.string(),
        path: z.array(z.union([z.string(), z.number()])).optional(),
        extensions: z.record(z.string(), z.unknown()),
      }),
    )
    .optional(),
  asOf: z.string().optional(),
});

/** Whether the line may succeed in another run. */
export function hasFailed({ errors = [] }: Pick<Row, 'errors'>): boolean {
  return errors.some(({ extensions }) => !FINAL_CODES.has(String(extensions['code'])));
}

/** Reads the lines of a CSV or NDJSON file, by the extension of its name. */
export function readInput(file: string, kinds: ReadonlySet<string>): InputLine[] {
  const format = new Map<string, (text: string, kinds: ReadonlySet<string>) => Iterable<InputLine>>([
    ['.csv', readCsvLines],
    ['.ndjson', readJsonLines],
    ['.jsonl', readJsonLines],
  ]).get(extname(file).toLowerCase());
  if (format === undefined) throw new InvalidInputError('--in must be a .csv, .ndjson or .jsonl file.');
  return [...format(readFileSync(file, 'utf8'), kinds)];
}

/** The rows of an interrupted or a finished run, which are written until all lines are answered. */
export interface RowFile {
  /** The number of the last line whose row is in the file. */
  readonly lastLine: number;
  write(row: Row): void;
  close(): void;
}

/**
 * Opens the file of an interrupted run, or a new one. A row that was written incompletely is removed. Throws an InvalidInputError
 * if the file belongs to another input.
 */
export async function openRows(path: string, lines: readonly InputLine[]): Promise<RowFile> {
  let last: Row | undefined;
  let length = 0;
  if (existsSync(path))
    for await (const { row, bytes } of rowsIn(path)) {
      last = row;
      length += bytes;
    }
  const file = openSync(path, existsSync(path) ? 'r+' : 'w', 0o600);
  const known = lines.find(({ line }) => line === last?.line);
  if (last !== undefined && JSON.stringify(known?.input) !== JSON.stringify(last.input)) {
    closeSync(file);
    throw new InvalidInputError(
      `${path} has rows of another input file. Remove it, or name another file with --out.`,
    );
  }
  ftruncateSync(file, length);
  let at = length;
  return {
    lastLine: last?.line ?? 0,
    write: (row) => {
      at += writeSync(file, jsonRows.write(row), at);
    },
    close: () => {
      closeSync(file);
    },
  };
}

/** The rows of a file with their sizes, up to the first row that is incomplete. */
export async function* rowsIn(path: string): AsyncGenerator<{ row: Row; bytes: number }> {
  const isLastComplete = lastByteOf(path) === '\n';
  let last: string | undefined;
  for await (const text of createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity })) {
    if (last !== undefined) {
      const row = parseRow(last);
      if (row === undefined) return;
      yield { row, bytes: Buffer.byteLength(last) + 1 };
    }
    last = text;
  }
  const row = last === undefined || !isLastComplete ? undefined : parseRow(last);
  if (last !== undefined && row !== undefined) yield { row, bytes: Buffer.byteLength(last) + 1 };
}

function lastByteOf(path: string): string {
  const file = openSync(path, 'r');
  try {
    const byte = Buffer.alloc(1);
    const { size } = fstatSync(file);
    return size === 0 || readSync(file, byte, 0, 1, size - 1) === 0 ? '' : byte.toString('latin1');
  } finally {
    closeSync(file);
  }
}

function parseRow(text: string): Row | undefined {
  try {
    const { input, errors, asOf, ...row } = storedRow.parse(JSON.parse(text));
    return {
      ...row,
      ...(input === undefined ? {} : { input }),
      ...(errors === undefined
        ? {}
        : {
            errors: errors.map(({ path, ...error }) => ({
              ...error,
              ...(path === undefined ? {} : { path }),
            })),
          }),
      ...(asOf === undefined ? {} : { asOf }),
    };
  } catch {
    return undefined;
  }
}

/** Writes the rows of a finished run to the file of the result, and removes the file of the run. */
export async function finish(part: string, out: string, csv: () => RowWriter): Promise<void> {
  const kind = extname(out).toLowerCase();
  if (kind === '.csv') {
    const writer = csv();
    const file = openSync(`${out}.csv.part`, 'w', 0o600);
    writeSync(file, writer.head);
    for await (const { row } of rowsIn(part)) writeSync(file, writer.write(row));
    closeSync(file);
    renameSync(`${out}.csv.part`, out);
    rmSync(part);
  } else if (kind === '.parquet') {
    await writeParquet(part, out);
    rmSync(part);
  } else renameSync(part, out);
}

/** Replaces the rows of lines that were run again. Both files are sorted by line. */
export async function replaceRows(out: string, again: string): Promise<void> {
  const merged = `${out}.merged`;
  const file = openSync(merged, 'w', 0o600);
  const newer = rowsIn(again);
  let next = await newer.next();
  for await (const { row } of rowsIn(out)) {
    while (next.done !== true && next.value.row.line < row.line) next = await newer.next();
    const isReplaced = next.done !== true && next.value.row.line === row.line;
    writeSync(file, jsonRows.write(isReplaced && next.done !== true ? next.value.row : row));
  }
  closeSync(file);
  renameSync(merged, out);
  rmSync(again);
}

async function writeParquet(part: string, out: string): Promise<void> {
  const { DuckDBInstance } = await import('@duckdb/node-api').catch(
    missingPackage('@duckdb/node-api', 'A result in Parquet'),
  );
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
  // Only this user may read the file, as the others.
  const umask = process.umask(0o077);
  try {
    // All rows are read for the types of the columns, because a value may be missing in the first rows.
    await connection.run(
      `COPY (SELECT * FROM read_json(${quoted(part)}, format = 'newline_delimited', sample_size = -1))
        TO ${quoted(out)} (FORMAT parquet)`,
    );
  } finally {
    process.umask(umask);
    connection.closeSync();
    instance.closeSync();
  }
}
