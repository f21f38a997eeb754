import type { HttpAnswer } from '../http-system.js';
import { valuesAt } from '../values.js';
import { recordsIn } from './records.js';
import { isObject, shapeOfValues } from './shape.js';

/** Reads the rows of an answer, and how it reports that there are none. */

export type ReadAnswer =
  | { kind: 'rows'; rows: readonly unknown[] }
  | { kind: 'nothing'; as: 404 | 'empty' | null }
  | { kind: 'error'; status: number; reason: string };

export function readAnswer(answer: HttpAnswer, rows: string | undefined, method: 'GET' | 'POST'): ReadAnswer {
  const { status, json, text } = answer;
  // The address of a search by POST is not that of a record, so its 404 means a wrong address.
  if (status === 404 && method === 'GET') return { kind: 'nothing', as: 404 };
  if (status >= 300) return { kind: 'error', status, reason: `status ${status}` };
  if (rows !== undefined && text === '') return { kind: 'nothing', as: 'empty' };
  if (json === undefined)
    return { kind: 'error', status, reason: text === '' ? 'an empty answer' : 'an answer that is not JSON' };
  if (json === null) return { kind: 'nothing', as: null };
  if (rows === undefined) return readRecord(json, status);
  const list = rows === '.' ? json : memberAt(json, rows);
  if (list == null) return { kind: 'nothing', as: 'empty' };
  if (!Array.isArray(list)) return { kind: 'error', status, reason: `no list at ${rows}` };
  return list.length === 0 ? { kind: 'nothing', as: 'empty' } : { kind: 'rows', rows: list };
}

function readRecord(json: unknown, status: number): ReadAnswer {
  // Some systems write an empty object as an empty list.
  if (Array.isArray(json) && json.length === 0) return { kind: 'nothing', as: 'empty' };
  if (!isObject(json)) return { kind: 'error', status, reason: 'an answer that is not an object' };
  return Object.keys(json).length === 0 ? { kind: 'nothing', as: 'empty' } : { kind: 'rows', rows: [json] };
}

/** The value at a path, which may be a list. */
export function memberAt(json: unknown, path: string): unknown {
  let value = json;
  for (const name of namesIn(path)) value = isObject(value) ? value[name] : undefined;
  return value;
}

/** The names of a path without indexes. */
export function namesIn(path: string): string[] {
  return [...path.matchAll(/"([^"]+)"|([^."[\]]+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

/** The path of the list with most of the values in an answer. Undefined if it has no list of objects. */
export function rowsPathIn(json: unknown): string | undefined {
  const lists = recordsIn(shapeOfValues([json])).filter(
    ({ rows, record }) => rows !== undefined && record.kind === 'object',
  );
  return lists[0]?.rows;
}

/** The key of a row as text. */
export function keyIn(row: unknown, path: string): string | undefined {
  const [key] = valuesAt([row], path);
  return typeof key === 'string' || typeof key === 'number' ? String(key) : undefined;
}

/** An answer without its rows and without its texts, for the recording. */
export function envelopeOf(json: unknown, rows: string | undefined): unknown {
  if (rows === undefined || rows === '.' || !isObject(json)) return undefined;
  return withoutTexts(json, namesIn(rows));
}

function withoutTexts(value: unknown, rows: readonly string[] | undefined): unknown {
  if (rows?.length === 0) return [];
  if (typeof value === 'string') return '';
  if (Array.isArray(value)) return [];
  if (!isObject(value)) return typeof value === 'number' && value > 1_000_000 ? 0 : value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      withoutTexts(inner, rows?.[0] === name ? rows.slice(1) : undefined),
    ]),
  );
}

/**
 * A number in the text of a refusal that may be a limit. Only the number is used, because the text may quote
 * a personal value.
 */
export function hintIn({ text }: HttpAnswer, count: number): number | undefined {
  const numbers = [...text.slice(0, 5_000).matchAll(/(?<![\w.-])\d{1,5}(?![\w.-]*\w)/g)].map(([digits]) =>
    Number(digits),
  );
  return numbers.find((number) => number > 0 && number < count && ![400, 413, 414, 422].includes(number));
}

export function nothingText(as: 404 | 'empty' | null): string {
  return as === 404 ? 'status 404' : as === null ? 'null' : 'no rows';
}

/** Why an answer has no rows. */
export function whyNot(read: ReadAnswer): string {
  return read.kind === 'error'
    ? `it was answered with ${read.reason}`
    : read.kind === 'nothing'
      ? nothingText(read.as)
      : 'it has rows elsewhere';
}
