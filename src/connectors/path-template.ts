import { hash, randomBytes } from 'node:crypto';

/** This many values that were put into paths are remembered, so that diagnoses leave them out. */
const MAX_VALUES = 2_000;
/** Without it, the values could be guessed from their digests. */
const SALT = randomBytes(16).toString('hex');

/** Digests of the values. The least recently noted is the first. */
const values = new Set<string>();

/** Notes that a part of a path, as it is encoded, is a value. */
export function noteValue(encoded: string): void {
  const digest = digestOf(encoded);
  values.delete(digest);
  values.add(digest);
  if (values.size <= MAX_VALUES) return;
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
 * The path with `{}` in place of every value, and the names of its query parameters: `/v1/profiles/{}?geo={}`. A part
 * stays if it reads like a word or a version of an API, and was not noted as a value.
 */
export function templateOf(path: string): string {
  const [parts = '', query] = path.split('?', 2);
  const template = parts.split('/').map(partOf).join('/');
  if (query === undefined) return template || '/';
  const names = query.split('&').map((one) => one.split('=', 1)[0] ?? '');
  return `${template || '/'}?${names.map((name) => `${isName(name) ? name : '{}'}={}`).join('&')}`;
}

function partOf(part: string): string {
  if (part === '' || part === '{}') return part;
  // `customers(number)` is how OData writes a key.
  const [, set, key] = /^([A-Za-z]+)(\(.*\))?$/.exec(part) ?? [];
  if (set !== undefined && key !== undefined && !isValue(set)) return `${set}({})`;
  const isWord = /^[A-Za-z][A-Za-z_.-]{0,40}\d?$/.test(part) || /^v?\d{1,2}\.\d{1,2}$|^v\d{1,2}$/.test(part);
  return isWord && !isValue(part) ? part : '{}';
}

function isName(name: string): boolean {
  return /^(\$|%24)?[A-Za-z][A-Za-z_.-]{0,40}$/.test(name) && !isValue(name);
}
