import { hash, randomBytes } from 'node:crypto';

/** Bound on the values that are noted during a call, if its diagnosis names a path. Twice as many are remembered. */
const MAX_VALUES = 2_000;
/** The salt prevents guessing the values from their digests. */
const SALT = randomBytes(16).toString('hex');

/** Digests of the values. The least recently noted is the first. */
const values = new Set<string>();
/** How often a value was noted. */
let noted = 0;

/** Call this before a call, for the template of its path after it. */
export function countNotedValues(): number {
  return noted;
}

/** Remembers that an encoded part of a path is a value. */
export function noteValue(encoded: string): void {
  const digest = digestOf(encoded);
  values.delete(digest);
  values.add(digest);
  noted += 1;
  if (values.size <= 2 * MAX_VALUES) return;
  for (const oldest of values) {
    values.delete(oldest);
    break;
  }
}

function isValue(encoded: string): boolean {
  return values.has(digestOf(encoded));
}

function digestOf(encoded: string): string {
  return hash('sha256', `${SALT}${encoded}`, 'base64url');
}

/**
 * The path with `{}` for each value, and the names of its query parameters: `/v1/profiles/{}?geo={}`. A part stays if
 * it looks like a word or an API version, and was not remembered as a value.
 */
export function templateOf(path: string, notedBefore = noted): string {
  // The values in the path may be forgotten by now.
  if (noted - notedBefore > MAX_VALUES) return '/{}';
  const [parts = '', query] = path.split('?', 2);
  const template = parts.split('/').map(partOf).join('/');
  if (query === undefined) return template || '/';
  const names = query.split('&').map((parameter) => parameter.split('=', 1)[0] ?? '');
  return `${template || '/'}?${names.map((name) => `${isName(name) ? name : '{}'}={}`).join('&')}`;
}

function partOf(part: string): string {
  if (part === '' || part === '{}') return part;
  // OData writes a key as `customers(number)`.
  const [, set, key] = /^([A-Za-z]+)(\(.*\))?$/.exec(part) ?? [];
  if (set !== undefined && key !== undefined && !isValue(set)) return `${set}({})`;
  const isWord = /^[A-Za-z][A-Za-z_.-]{0,40}\d?$/.test(part) || /^v?\d{1,2}\.\d{1,2}$|^v\d{1,2}$/.test(part);
  return isWord && !isValue(part) ? part : '{}';
}

function isName(name: string): boolean {
  return /^(\$|%24)?[A-Za-z][A-Za-z_.-]{0,40}$/.test(name) && !isValue(name);
}
