import { isDeepStrictEqual } from 'node:util';
import type { QueryValue, RestCall } from '../declared/rest-grammar.js';
import type { ReceivedRequest } from './http-stand-in.js';

/** The keys and the page of a measured call that a request names. */
export interface RequestedPart {
  keys: readonly string[];
  /** The position of the page, as the system writes it. Undefined: the first page. */
  position: string | undefined;
  /** The requested number of rows on a page. */
  limit: number | undefined;
}

/** The parameter in the next-page links of a stand-in. */
export const LINK_PARAMETER = 'recorded-page';

interface Captured {
  keys?: readonly string[];
  /** The parts of a key that is sent in parts. */
  first?: string;
  after?: string;
}

/** Reads the keys of a request by a measured call. Undefined if it is not a request of this call. */
export function readRequest(call: RestCall, request: ReceivedRequest): RequestedPart | undefined {
  const isPost = 'post' in call;
  if (request.method !== (isPost ? 'POST' : 'GET')) return undefined;
  const [template = '', search = ''] = (isPost ? call.post : call.get).split('?', 2);
  const captured: Captured = {};
  if (!readPath(template, request.path, captured)) return undefined;
  const query = [...request.query];
  const expected: [string, QueryValue][] = [
    ...new URLSearchParams(search),
    ...Object.entries(call.query ?? {}),
  ];
  for (const [name, value] of expected) if (!readParameter(name, value, query, captured)) return undefined;
  const page = readPageParameters(call, query);
  if (query.length > 0 || (isPost && !readBody(call.body, request.body, captured))) return undefined;
  const { keys, first, after } = captured;
  const all = keys ?? (first === undefined && after === undefined ? [] : [`${first ?? ''}${after ?? ''}`]);
  return all.length === 0 ? undefined : { keys: all, ...page };
}

/** Stores the keys. False if another place in the request has other keys. */
function capture(captured: Captured, keys: readonly string[]): boolean {
  if (captured.keys !== undefined) return isDeepStrictEqual(captured.keys, keys);
  captured.keys = keys;
  return true;
}

function readPath(template: string, path: string, captured: Captured): boolean {
  const pieces = template.split('{key}').map(escapeRegExp);
  const found = new RegExp(`^${pieces.join('([^/]+)')}$`).exec(path);
  if (found === null) return false;
  return found.slice(1).every((part) => {
    const key = decoded(part);
    return key !== undefined && capture(captured, [key]);
  });
}

/** Undefined if the encoding is invalid. */
export function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

/** Removes the parameter from the query and reads it. */
function readParameter(
  name: string,
  value: QueryValue,
  query: [string, string][],
  captured: Captured,
): boolean {
  if (value === '{keys|repeat}') {
    const values = query.filter(([other]) => other === name).map(([, text]) => text);
    query.splice(0, query.length, ...query.filter(([other]) => other !== name));
    return values.length > 0 && capture(captured, values);
  }
  const text = take(query, name);
  if (text === undefined) return false;
  if (value === '{key}') return capture(captured, [text]);
  if (value === '{keys|csv}') return capture(captured, text.split(','));
  if (typeof value !== 'object') return text === String(value);
  const [prefix = '', suffix = ''] = ('keys' in value ? value.keys : value.key).split('{key}', 2);
  const parts = 'keys' in value ? text.split(value.join) : [text];
  const allowed = new RegExp(value.allow);
  const keys = parts.flatMap((part) => {
    if (!part.startsWith(prefix) || !part.endsWith(suffix)) return [];
    const key = part.slice(prefix.length, part.length - suffix.length);
    return allowed.test(key) ? [key] : [];
  });
  return keys.length === parts.length && capture(captured, keys);
}

function take(query: [string, string][], name: string): string | undefined {
  const at = query.findIndex(([other]) => other === name);
  return at === -1 ? undefined : query.splice(at, 1)[0]?.[1];
}

/** Removes the paging parameters from the query and reads them. */
function readPageParameters(
  { page }: RestCall,
  query: [string, string][],
): { position: string | undefined; limit: number | undefined } {
  if (page === undefined) return { position: undefined, limit: undefined };
  const name =
    'as' in page ? page.as : 'offset' in page ? page.offset : 'number' in page ? page.number : LINK_PARAMETER;
  const limit = 'size' in page && page.limit !== undefined ? take(query, page.limit) : undefined;
  return { position: take(query, name), limit: limit === undefined ? undefined : Number(limit) };
}

function readBody(template: unknown, body: unknown, captured: Captured): boolean {
  if (typeof template === 'string') return readBodyText(template, body, captured);
  if (Array.isArray(template))
    return (
      Array.isArray(body) &&
      body.length === template.length &&
      template.every((item, i) => readBody(item, body[i], captured))
    );
  if (typeof template !== 'object' || template === null) return template === body;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return false;
  const names = Object.keys(template);
  return (
    Object.keys(body).length === names.length &&
    Object.entries(template).every(
      ([name, part]) => Object.hasOwn(body, name) && readBody(part, Reflect.get(body, name), captured),
    )
  );
}

function readBodyText(template: string, value: unknown, captured: Captured): boolean {
  const [, plural, isNumber] = /^\{key(s?)(\|number)?\}$/.exec(template) ?? [];
  if (plural !== undefined) {
    const values = plural === '' ? [value] : Array.isArray(value) ? (value as unknown[]) : [];
    const type = isNumber === undefined ? 'string' : 'number';
    return (
      values.length > 0 && values.every((key) => typeof key === type) && capture(captured, values.map(String))
    );
  }
  const [, cut] = /^\{key\|(first|after) [1-9]\d?\}$/.exec(template) ?? [];
  if (cut === undefined) return template === value;
  if (typeof value !== 'string') return false;
  if (cut === 'first') captured.first = value;
  else captured.after = value;
  return true;
}
