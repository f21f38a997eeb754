import type { QueryValue } from '../../declared/rest-grammar.js';
import { InvalidInputError } from '../../errors.js';
import type { HttpAnswer } from '../http-system.js';
import { keyKindOfName, singularOf, wordsOf } from '../words.js';
import { keyIn, readAnswer, rowsPathIn } from './answers.js';
import type { CurlCommand } from './curl.js';
import { textOfRequest } from './people.js';
import { collectionOf, isPersonCollection, keyPathIn, thingName } from './records.js';
import { isObject, pathName, shapeAt, shapeOfValues, type Json, type Shape } from './shape.js';
import { constantsIn } from './probe.js';
import {
  isPagingName,
  pagingParametersOf,
  type ListCall,
  type PersonWay,
  type RequestTemplate,
} from './way.js';

/**
 * Finds the key of a person in a curl command. Compares the names and values of the command with the record
 * that it returns.
 */

interface CurlKey {
  request: RequestTemplate;
  takes: 'key' | 'keys';
  /** The name of the parameter, or the segment before the key in the path. */
  name: string;
  values: readonly string[];
  isPath: boolean;
}

export interface CurlPeople {
  ways: readonly PersonWay[];
  /** By way: the keys of the command. */
  keys: ReadonlyMap<PersonWay, readonly string[]>;
  /** The records that the command returned. */
  records: readonly unknown[];
  /** The list without the key. */
  list: ListCall | undefined;
}

const SECRET =
  /(^|[_-])(token|secret|password|passwd|pwd|auth|signature|sig|api_?key|access_?key|subscription_?key)($|[_-])/i;

export function curlPeople(command: CurlCommand, answer: HttpAnswer): CurlPeople {
  const method = command.method;
  const keys = keysOf(command);
  const rows = Array.isArray(answer.json) ? '.' : rowsOfObject(answer.json, keys);
  const read = readAnswer(answer, rows, method);
  if (read.kind === 'error')
    throw new InvalidInputError(
      `The call of the curl command was answered with ${read.reason}. Use a call that finds one person.`,
    );
  if (read.kind === 'nothing')
    throw new InvalidInputError(
      'The call of the curl command finds no record. Use the key of a person that the system knows.',
    );
  const shape = shapeOfValues(read.rows);
  const places = rows === undefined ? recordPlaces(shape) : [''];
  const found = keys.flatMap((key) =>
    places.flatMap((within) => wayOf(key, { read: read.rows, shape, rows, within })),
  );
  const ways = found.sort((a, b) => b.way.score - a.way.score);
  if (ways.length === 0)
    throw new InvalidInputError(
      'No value of the curl command is a key that its answer contains too. Use a call that finds one person by an e-mail address, a phone number or another key, and that returns this key.',
    );
  const [best] = ways;
  return {
    ways: ways.map(({ way }) => way),
    keys: new Map(ways.map(({ way, key }) => [way, key.values])),
    records: read.rows,
    list: best === undefined ? undefined : listOf(best, shape),
  };
}

/** The record itself, and an object in it that may be the record: `{ data: { ... } }`. */
function recordPlaces(shape: Shape): string[] {
  const members = shape.members();
  return [
    '',
    ...members
      .filter(({ shape: inner }) => inner.kind === 'object' && members.length <= 4)
      .map(({ name }) => pathName(name)),
  ];
}

/** The list in an object. Undefined if the object itself has the key. */
function rowsOfObject(json: unknown, keys: readonly CurlKey[]): string | undefined {
  if (!isObject(json)) return undefined;
  const scalars = new Set(scalarsOf(json));
  if (keys.some(({ values }) => values.some((value) => scalars.has(value)))) return undefined;
  const inner = Object.values(json).filter(isObject).flatMap(scalarsOf);
  const path = rowsPathIn(json);
  if (path === undefined || keys.some(({ values }) => values.some((value) => inner.includes(value))))
    return undefined;
  return path;
}

/** The scalars of an object as texts. */
function scalarsOf(object: Json): string[] {
  return Object.values(object).flatMap((value) =>
    isObject(value) || Array.isArray(value) ? [] : [String(value)],
  );
}

function keysOf(command: CurlCommand): CurlKey[] {
  const { url } = command;
  for (const name of url.searchParams.keys())
    if (SECRET.test(name.replaceAll(/([a-z])([A-Z])/g, '$1_$2')))
      throw new InvalidInputError(
        'The address of the curl command has a credential in its query, which a declared source cannot send there. Send it as a header, such as Authorization.',
      );
  const body = bodyOf(command);
  return [...queryKeys(command, body), ...pathKeys(command, body), ...bodyKeys(command, body)];
}

function bodyOf({ body, method, headers }: CurlCommand): unknown {
  if (method === 'GET' || body === undefined) return undefined;
  try {
    return JSON.parse(body) as unknown;
  } catch (error) {
    const type = headers['content-type'] ?? 'form data';
    throw new InvalidInputError(
      `The body of the curl command is not JSON (${type.replaceAll(/[^\w/+-]/g, '').slice(0, 60)}), which a declared source sends.`,
      { cause: error },
    );
  }
}

function queryKeys({ url, method }: CurlCommand, body: unknown): CurlKey[] {
  const names = [...new Set(url.searchParams.keys())];
  return names.flatMap((name): CurlKey[] => {
    if (isPagingName(name)) return [];
    const values = url.searchParams.getAll(name).filter((value) => value !== '');
    const [first = ''] = values;
    const plural = wordsOf(name).at(-1) ?? '';
    const isPlural = plural.endsWith('s') && singularOf(plural) !== plural;
    const csv = first.split(',');
    const [list, all] =
      values.length > 1 || name.endsWith('[]')
        ? ['repeat', values]
        : csv.length > 1 || isPlural
          ? ['csv', csv]
          : ['', values];
    const query = { ...constantsOf(url, name), [name]: list === '' ? '{key}' : `{keys|${list}}` };
    const request = {
      method,
      path: url.pathname,
      query,
      ...(body === undefined ? {} : { body: constantBody(body) }),
    };
    return [
      {
        request,
        takes: list === '' ? 'key' : 'keys',
        name: name.replace(/\[\]$/, ''),
        values: all,
        isPath: false,
      },
    ];
  });
}

function pathKeys({ url, method }: CurlCommand, body: unknown): CurlKey[] {
  const segments = url.pathname.split('/');
  return segments.flatMap((segment, i): CurlKey[] => {
    const value = decodeURIComponent(segment.replace(/\.json$/, ''));
    const before = segments[i - 1] ?? '';
    // A word in the path is a key only if it follows the name of a collection of persons.
    const isKey = /\d|@/.test(value) && !/^v\d/i.test(value);
    if (value === '' || (!isKey && !(isPersonCollection(before) && i === segments.length - 1))) return [];
    const path = segments
      .map((part, at) => (at === i ? `{key}${segment.endsWith('.json') ? '.json' : ''}` : part))
      .join('/');
    const request = {
      method,
      path,
      query: constantsOf(url),
      ...(body === undefined ? {} : { body: constantBody(body) }),
    };
    return [{ request, takes: 'key', name: before, values: [value], isPath: true }];
  });
}

function bodyKeys({ url, method }: CurlCommand, body: unknown): CurlKey[] {
  return leavesOf(body, []).flatMap(({ path, value }): CurlKey[] => {
    const name = [...path].reverse().find((part): part is string => typeof part === 'string') ?? '';
    if (isPagingName(name)) return [];
    const isList = Array.isArray(value);
    const values = [value].flat().map(String);
    const isNumber = [value].flat().every((item) => typeof item === 'number');
    const placeholder = `{key${isList ? 's' : ''}${isNumber ? '|number' : ''}}`;
    const request = {
      method,
      path: url.pathname,
      query: constantsOf(url),
      body: constantBody(body, path, placeholder),
    };
    return [{ request, takes: isList ? 'keys' : 'key', name, values, isPath: false }];
  });
}

type BodyPath = readonly (string | number)[];

function leavesOf(value: unknown, path: BodyPath): { path: BodyPath; value: unknown }[] {
  if (path.length > 8) return [];
  if (Array.isArray(value)) {
    const isScalars =
      value.length > 0 && value.every((item) => typeof item === 'string' || typeof item === 'number');
    return isScalars ? [{ path, value }] : value.flatMap((item, i) => leavesOf(item, [...path, i]));
  }
  if (isObject(value))
    return Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, [...path, name]));
  return typeof value === 'string' || typeof value === 'number' ? [{ path, value }] : [];
}

/**
 * The body with a key at a path. The declaration contains every other value, so these must not be personal.
 */
function constantBody(value: unknown, keyPath?: BodyPath, placeholder = '', path: BodyPath = []): unknown {
  if (keyPath?.join('\0') === path.join('\0')) return placeholder;
  if (Array.isArray(value))
    return value.map((item, i) => constantBody(item, keyPath, placeholder, [...path, i]));
  if (isObject(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [
        name,
        constantBody(inner, keyPath, placeholder, [...path, name]),
      ]),
    );
  if (typeof value === 'string' && !isHarmless(value)) return UNUSABLE;
  return value;
}

const UNUSABLE = '{a value that may be personal}';

function constantsOf(url: URL, except?: string): Record<string, QueryValue> {
  return Object.fromEntries(
    [...url.searchParams]
      .filter(([name]) => name !== except)
      .map(([name, value]) => [name, isHarmless(value) ? value : UNUSABLE]),
  );
}

/** Whether a value is a word or a small number, as constants are. */
function isHarmless(value: string): boolean {
  return (
    /^([a-z_.,*$-]{0,80}|[A-Z_]{1,40}|-?\d{1,4}|true|false)$/.test(value) || /^[A-Za-z_.]{1,40}$/.test(value)
  );
}

interface Found {
  read: readonly unknown[];
  shape: Shape;
  rows: string | undefined;
  within: string;
}

function wayOf(key: CurlKey, { read, shape, rows, within }: Found): { way: PersonWay; key: CurlKey }[] {
  if (key.takes === 'keys' && rows === undefined) return [];
  if (JSON.stringify(key.request).includes(UNUSABLE)) return [];
  const record = within === '' ? shape : shapeAt(shape, [within.replaceAll('"', '')]);
  if (record === undefined) return [];
  const thing = thingName(record, key.request.path);
  const keyPath = keyPathOf(key, record, { read, within, thing });
  if (keyPath === undefined) return [];
  const leaf = keyPath.split('.').at(-1)?.replaceAll('"', '') ?? '';
  const isEmail = key.values.every((value) => value.includes('@'));
  const kind = isEmail
    ? 'email'
    : (keyKindOfName(key.isPath ? leaf : key.name, thing) ?? keyKindOfName(leaf, thing) ?? 'id');
  const paging =
    rows === undefined ? {} : pagingParametersOf(Object.keys(key.request.query).map((name) => ({ name })));
  const place = rows === undefined ? '' : ` in the list at ${rows}`;
  const way: PersonWay = {
    name: `${key.request.method} ${textOfRequest(key.request)}`,
    request: withoutPages(key.request),
    ...{ takes: key.takes, kind, keyPath, record, thing, rows, within },
    isSearch: /^(q|query|search|term|keyword)$/i.test(key.name),
    isUnique: key.isPath && rows === undefined,
    paging,
    score:
      (isEmail ? 6 : 0) +
      (keyKindOfName(key.name, thing) === undefined ? 0 : 3) +
      (key.isPath && isPersonCollection(key.name) ? 4 : 0) +
      (within === '' ? 1 : 0),
    evidence: `the curl command sends its key ${key.isPath ? `after /${key.name}/` : `as ${key.name}`}, and the record has it at ${keyPath}${place}`,
  };
  return [{ way, key }];
}

/** The path in a record with the value that was sent. A path with the name of the parameter is preferred. */
function keyPathOf(
  key: CurlKey,
  record: Shape,
  { read, within, thing }: Pick<Found, 'read' | 'within'> & { thing: string },
): string | undefined {
  const at = (path: string) => (within === '' ? path : `${within}.${path}`);
  const values = new Set(key.values.map((value) => value.toLowerCase()));
  const hasValue = (path: string) =>
    read.some((row) => values.has(keyIn(row, at(path))?.toLowerCase() ?? '\0'));
  const kind = keyKindOfName(key.isPath ? 'id' : key.name, thing) ?? 'id';
  const named = keyPathIn(record, kind, key.isPath ? 'id' : key.name, thing);
  const paths = record
    .members()
    .flatMap(({ name, shape }) =>
      shape.kind === 'object'
        ? shape.members().map((inner) => `${pathName(name)}.${pathName(inner.name)}`)
        : [pathName(name)],
    );
  const found = [...(named === undefined ? [] : [named]), ...paths].find(hasValue);
  return found === undefined ? undefined : at(found);
}

function withoutPages(request: RequestTemplate): RequestTemplate {
  const query = Object.fromEntries(Object.entries(request.query).filter(([name]) => !isPagingName(name)));
  return { ...request, query };
}

/** The list of all records: the address without the key. */
function listOf({ way, key }: { way: PersonWay; key: CurlKey }, shape: Shape): ListCall | undefined {
  if (way.request.method !== 'GET') return undefined;
  const path = key.isPath ? way.request.path.replace(/\/\{key\}(\.json)?.*$/, '') : way.request.path;
  const query = Object.fromEntries(constantsIn(way.request.query));
  if (collectionOf(path) === 'record') return undefined;
  return {
    name: `GET ${path}`,
    request: { method: 'GET', path, query },
    ...{
      record: way.rows === undefined ? shape : way.record,
      thing: way.thing,
      rows: way.rows ?? '.',
      paging: way.paging,
    },
  };
}
