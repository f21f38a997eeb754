import { parse as parseCsv } from 'csv-parse/sync';
import { httpError } from '../operation/request-error.js';

/** A line of the request: the identifier of one customer, and further values that are returned with its result. */
export interface InputLine {
  /** The number of the line in the request, from 1. */
  line: number;
  /** The values of the line, as they were sent. */
  input?: Readonly<Record<string, unknown>>;
  /** The key of the customer. Undefined if the line is invalid. */
  key?: Readonly<Record<string, string>>;
  /** The reason why the line is invalid. */
  problem?: string;
}

/** The maximum number of characters of one line. */
const MAX_LINE_LENGTH = 10_000;
/** The number of CSV lines that are parsed at once, so that the event loop is not blocked for long. */
const LINES_PER_PART = 500;

/**
 * Reads lines of JSON objects (NDJSON). Empty lines are skipped. A line that is not valid has a `problem`. `kinds` are the kinds
 * of identifiers by which customers can be found. `before` is the number of lines before the text. Returns the number with them.
 */
export function* readJsonLines(
  text: string,
  kinds: ReadonlySet<string>,
  before = 0,
): Generator<InputLine, number> {
  let line = before;
  for (const content of linesOf(text)) {
    line += 1;
    if (content === '') continue;
    const read = content.length > MAX_LINE_LENGTH ? undefined : parseObject(content);
    yield read === undefined
      ? { line, problem: `The line is not a JSON object of at most ${MAX_LINE_LENGTH} characters.` }
      : { line, input: read, ...keyIn(read, kinds) };
  }
  return line;
}

/** The columns of a CSV, and the number of its lines that were read. */
interface CsvPosition {
  columns: readonly string[];
  line: number;
}

/**
 * Reads a CSV with a header (RFC 4180). One column has the name of a kind of identifier. The other columns are returned with the
 * result. Throws a GraphQLError if the header is not valid. With `before`, the text continues a CSV. Returns the position after
 * the text, or undefined if the rest cannot be read.
 */
export function* readCsvLines(
  text: string,
  kinds: ReadonlySet<string>,
  before?: CsvPosition,
): Generator<InputLine, CsvPosition | undefined> {
  let { line, columns }: Partial<CsvPosition> & { line: number } = before ?? { line: 1 };
  for (const part of partsOf(text)) {
    const rows = recordsOf(part);
    if (rows === undefined) {
      const problem = `From here, the body is not a CSV with lines of at most ${MAX_LINE_LENGTH} characters. Put values with quotes or commas in quotes, as RFC 4180 specifies.`;
      if (columns === undefined) throw badHeader(problem);
      yield { line: line + 1, problem };
      return undefined;
    }
    if (columns === undefined) {
      columns = rows.shift()?.map((name) => name.trim()) ?? [];
      checkHeader(columns, kinds);
    }
    for (const row of rows) {
      line += 1;
      if (row.length === 1 && row[0]?.trim() === '') continue;
      if (row.length !== columns.length) {
        const problem = `The line has ${row.length} values, and the header has ${columns.length}.`;
        yield { line, problem };
        continue;
      }
      const input = Object.fromEntries(columns.map((name, at) => [name, row[at] ?? '']));
      yield { line, input, ...keyIn(input, kinds) };
    }
  }
  return columns === undefined ? undefined : { columns, line };
}

/** Counts the lines that are not empty, without the header of a CSV. A line end in quotes counts as a line. */
export function countLines(text: string, format: 'json' | 'csv'): number {
  let count = 0;
  for (let start = 0; start < text.length;) {
    const end = text.indexOf('\n', start);
    const next = end === -1 ? text.length : end;
    if (next > start + 1 || text.slice(start, next).trim() !== '') count += 1;
    start = next + 1;
  }
  return format === 'csv' ? Math.max(0, count - 1) : count;
}

function checkHeader(columns: readonly string[], kinds: ReadonlySet<string>): void {
  const found = columns.filter((name) => kinds.has(name));
  if (new Set(columns).size < columns.length) throw badHeader('Two columns have the same name.');
  if (found.length !== 1)
    throw badHeader(
      `${found.length === 0 ? 'No column has' : `The columns ${found.join(', ')} have`} the name of a kind of identifier. Name exactly one column after a kind: ${[...kinds].join(', ')}.`,
    );
}

function badHeader(problem: string) {
  return httpError('BAD_REQUEST', `The first line of the CSV must have the names of the columns. ${problem}`);
}

/** The identifier of a line. Its kind is not personal, so messages may contain it. */
function keyIn(
  values: Readonly<Record<string, unknown>>,
  kinds: ReadonlySet<string>,
): Pick<InputLine, 'key' | 'problem'> {
  const found = Object.keys(values).filter((name) => kinds.has(name));
  const [kind = ''] = found;
  if (found.length !== 1)
    return {
      problem: `The line must have exactly one identifier, and it has ${found.length}. The kinds are ${[...kinds].join(', ')}.`,
    };
  const value = values[kind];
  if (typeof value !== 'string' && typeof value !== 'number')
    return { problem: `The value of "${kind}" must be text or a number.` };
  const text = String(value).trim();
  return text === '' ? { problem: `The value of "${kind}" is empty.` } : { key: { [kind]: text } };
}

function* linesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length;) {
    const end = text.indexOf('\n', start);
    const next = end === -1 ? text.length : end;
    yield text.slice(start, next).trim();
    start = next + 1;
  }
}

/** Splits a CSV at line ends that are not in quotes. */
function* partsOf(text: string): Generator<string> {
  let start = 0;
  let isQuoted = false;
  let lines = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') isQuoted = !isQuoted;
    else if (character === '\n' && !isQuoted && (lines += 1) === LINES_PER_PART) {
      yield text.slice(start, at + 1);
      start = at + 1;
      lines = 0;
    }
  }
  if (start < text.length) yield text.slice(start);
}

function recordsOf(text: string): string[][] | undefined {
  try {
    return parseCsv(text, {
      bom: true,
      relax_column_count: true,
      skip_empty_lines: false,
      max_record_size: MAX_LINE_LENGTH,
    });
  } catch {
    return undefined;
  }
}

/** Parses a JSON object. Undefined if the text is none. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value))
      : undefined;
  } catch {
    return undefined;
  }
}
