import { EMAIL, singularOf, wordsOf } from '../words.js';
import type { Description, Operation, Parameter } from './description.js';
import { bodyKeysOf } from './body-keys.js';
import { keyMembers, keyOf, maximumIn, type KeyContext, type SentKey } from './keys.js';
import {
  isPersonCollection,
  keyPathIn,
  personScoreOfRecord,
  recordsIn,
  thingName,
  type Records,
} from './records.js';
import type { Shape } from './shape.js';
import {
  constantsOf,
  isPagingName,
  pagingParametersOf,
  type PagingParameters,
  type PersonWay,
  type RequestTemplate,
} from './way.js';

/** Finds the calls of a description that find one person. */

export interface People {
  /** The best is first. */
  ways: readonly PersonWay[];
  /** Calls that return persons and cannot be declared, with the reason. */
  refused: readonly { name: string; reason: string }[];
}

/** The keys that a text in a query language may have. */
const ALLOWED_TEXT = String.raw`^[\w.+@-]{1,200}$`;
/** Names of calls that change something. A POST is used only if its name indicates that it reads. */
const WRITES =
  /\b(create|add|insert|update|upsert|delete|remove|archive|merge|import|send|set|register|cancel|activate|reset|sync|export|subscribe|invite|purge|save|submit)(s|d|ed|es|ing)?\b/i;
const READS =
  /\b(search|find|query|lookup|look up|filter|list|retrieve|read|get|match|select)(s|es|ed|ing)?\b/i;

export function findPeople({ operations }: Description): People {
  const ways: PersonWay[] = [];
  const refused: { name: string; reason: string }[] = [];
  for (const operation of operations) {
    const found = bestRecords(operation);
    if (found === undefined) continue;
    const name = `${operation.method} ${operation.path}`;
    if (operation.method === 'POST' && !isReadingPost(operation)) continue;
    const things = waysOf(operation, found.records, found.score);
    ways.push(...things);
    if (things.length > 0) continue;
    const reason = reasonOf(operation);
    if (reason !== undefined) refused.push({ name, reason });
  }
  const names = new Set<string>();
  const isFirst = ({ name }: PersonWay) => {
    const isNew = !names.has(name);
    names.add(name);
    return isNew;
  };
  const unique = ways.filter(({ isUnique }) => isUnique);
  // The key in the address of one record is as unique in a list of keys.
  const withUnique = ways.map((way) => ({
    ...way,
    isUnique: unique.some(({ thing, keyPath }) => thing === way.thing && keyPath === way.keyPath),
  }));
  return { ways: withUnique.sort((a, b) => b.score - a.score).filter(isFirst), refused };
}

/** Whether the name and the description of a POST indicate a search, and no change. */
export function isReadingPost({ path, text }: Pick<Operation, 'path' | 'text'>): boolean {
  const last =
    path
      .split('/')
      .filter((part) => !part.startsWith('{'))
      .at(-1) ?? '';
  const [id = '', summary = ''] = text.split('. ');
  const words = `${wordsOf(last).join(' ')} ${wordsOf(id).join(' ')}. ${summary}`;
  return READS.test(words) && !WRITES.test(words);
}

/** The records of an answer that are most likely persons. A list is preferred to the object around it. */
export function bestRecords(operation: Operation): { records: Records; score: number } | undefined {
  const found = recordsIn(operation.answer).map((records) => ({
    records,
    score: personScoreOfRecord(records.record, operation.path),
  }));
  const [best] = found
    .filter(({ score }) => score > 0)
    .sort(
      (a, b) =>
        b.score - a.score || Number(b.records.rows !== undefined) - Number(a.records.rows !== undefined),
    );
  return best;
}

function waysOf(operation: Operation, records: Records, score: number): PersonWay[] {
  const thing = thingName(records.record, operation.path);
  const context = { operation, record: records.record, thing, isList: records.rows !== undefined };
  const keys = [
    ...pathKeys(context),
    ...queryKeys(context),
    ...filterKeys(context),
    ...textKeys(context),
    ...(operation.method === 'POST' && operation.body !== undefined
      ? bodyKeysOf(operation.body, context.record, thing)
      : []),
  ];
  return keys.flatMap((key) => {
    if (key.takes === 'keys' && records.rows === undefined) return [];
    const request = requestOf(operation, key);
    if (request === undefined) return [];
    return [wayOf(operation, records, { key, request, thing, score })];
  });
}

/** A key in the path: `/customers/{customerId}`. */
function pathKeys(context: KeyContext): SentKey[] {
  const { operation } = context;
  const placeholders = [...operation.path.matchAll(/\{([^{}]+)\}/g)].map(([, name = '']) => name);
  const [only] = placeholders;
  if (placeholders.length !== 1 || only === undefined) return [];
  // The path continues after the key, so the answer is not the person but something of the person.
  if (!/\{[^{}]+\}(\.json)?$/.test(operation.path)) return [];
  const collection = operation.path.split('/').findLast((part) => part !== '' && !part.startsWith('{')) ?? '';
  const found =
    keyOf(only, context) ??
    keyOf('id', isOfThing(only, collection, context.thing) ? context : { ...context, record: NOTHING });
  if (found === undefined) return [];
  return [{ ...found, parameter: only, takes: 'key', path: operation.path.replace(`{${only}}`, '{key}') }];
}

const NOTHING: Shape = { kind: 'object', isNullable: false, members: () => [], item: () => undefined };

/** Whether the key of `/customers/{customer}` is that of a customer. */
function isOfThing(name: string, collection: string, thing: string): boolean {
  const words = new Set(
    [...(isPersonCollection(collection) ? wordsOf(collection) : []), ...wordsOf(thing)].map(singularOf),
  );
  return wordsOf(name).every((word) => words.has(singularOf(word)) || word === 'id' || word === 'key');
}

/** A parameter with the name of the key: `email`, `ids`, `filter[email]`. */
function queryKeys(context: KeyContext): SentKey[] {
  return context.operation.parameters.flatMap((parameter): SentKey[] => {
    if (
      parameter.in !== 'query' ||
      isPagingName(parameter.name) ||
      /date|time/.test(parameter.shape.format ?? '')
    )
      return [];
    const found = keyOf(parameter.name, context);
    if (found === undefined || /^(boolean|number|object)$/.test(parameter.shape.kind)) return [];
    const list = context.isList ? listOfKeys(parameter, found.kind) : undefined;
    const value = list === undefined ? '{key}' : `{keys|${list}}`;
    const declaredMax = parameter.maxItems ?? maximumIn(parameter.description);
    return [
      {
        ...found,
        parameter: parameter.name,
        takes: list === undefined ? 'key' : 'keys',
        query: { [parameter.name]: value },
        ...(declaredMax === undefined ? {} : { declaredMax }),
      },
    ];
  });
}

function listOfKeys({ name, list, description }: Parameter, kind: string): 'csv' | 'repeat' | undefined {
  if (list !== undefined) return list;
  if (/comma[- ]?(separated|delimited)|separated by (a )?commas?|\bcsv\b/i.test(description)) return 'csv';
  if (name.endsWith('[]')) return 'repeat';
  const plural = wordsOf(name).at(-1) ?? '';
  return plural.endsWith('s') && singularOf(plural) !== plural && !kind.endsWith(plural) ? 'csv' : undefined;
}

const FIELD_PART = /\[(field|property|attribute|name|key)\]$/i;

/** Filters in brackets: `searchCriteria[filterGroups][0][filters][0][field]`, with its value and its condition. */
function filterKeys(context: KeyContext): SentKey[] {
  const { operation, record, thing } = context;
  const names = operation.parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
  const field = names.find((name) => FIELD_PART.test(name) && !/sort|order/i.test(name));
  if (field === undefined || !context.isList) return [];
  const prefix = field.replace(FIELD_PART, '');
  const value = names.find((name) => name.startsWith(prefix) && /\[values?\]$/i.test(name));
  const condition = names.find(
    (name) =>
      name.startsWith(prefix) && /\[(condition_?type|operator|op|condition|comparison)\]$/i.test(name),
  );
  if (value === undefined) return [];
  // The id of a record often has another name in a filter.
  const members = keyMembers(record, thing).filter(({ kind }) => kind !== 'id');
  return members.map(({ name, kind, keyPath }) => ({
    ...{ parameter: name, kind, keyPath, takes: condition === undefined ? 'key' : 'keys' },
    query: {
      [field]: name,
      [value]: condition === undefined ? '{key}' : '{keys|csv}',
      ...(condition === undefined ? {} : { [condition]: 'in' }),
    },
  }));
}

const EXPRESSION = /^\s*([A-Za-z_][\w.]*)\s*(==|=|:|\beq\b)\s*("|'|)[^"']*\3\s*$/;

/** A text in a query language: `where=EmailAddress=="{key}"`, and a search for any text: `q={key}`. */
function textKeys(context: KeyContext): SentKey[] {
  if (!context.isList) return [];
  return context.operation.parameters.flatMap((parameter): SentKey[] => {
    if (parameter.in !== 'query' || parameter.shape.kind !== 'text') return [];
    const isFilter = /^(\$?filter|where|q|query|search|searchTerm|search_term|criteria|keyword|term)$/i.test(
      parameter.name,
    );
    if (!isFilter) return [];
    const written = expressionOf(parameter);
    const emails = keyMembers(context.record, context.thing);
    if (written !== undefined)
      return emails
        .filter(({ kind }) => kind === 'email' || kind === 'phone')
        .map(({ name, kind, keyPath }) => ({
          ...{ parameter: parameter.name, kind, keyPath, takes: 'key' as const, isSearch: true },
          query: { [parameter.name]: { key: written(name), allow: ALLOWED_TEXT } },
        }));
    const email = emails.find(({ kind }) => kind === 'email');
    const keyPath = email?.keyPath ?? keyPathIn(context.record, 'email', 'email', context.thing);
    if (keyPath === undefined || /^(\$?filter|where|criteria)$/i.test(parameter.name)) return [];
    return [
      {
        parameter: parameter.name,
        kind: 'email',
        keyPath,
        takes: 'key',
        isSearch: true,
        query: { [parameter.name]: '{key}' },
      },
    ];
  });
}

/** The format of a condition, from the example of a parameter: makes the text for a field. */
function expressionOf({ example, description }: Parameter): ((field: string) => string) | undefined {
  const texts = [example, ...(/`([^`]{3,80})`/.exec(description)?.slice(1) ?? [])];
  for (const text of texts) {
    const plain = text?.replaceAll('&quot;', '"').replaceAll('&apos;', "'");
    const [, field, operator = '', quote = ''] = EXPRESSION.exec(plain ?? '') ?? [];
    if (field === undefined) continue;
    const spaced = operator === 'eq' ? ' eq ' : operator;
    return (name) => `${name}${spaced}${quote}{key}${quote}`;
  }
  return undefined;
}

/** The request with its other parameters. Undefined if it needs one whose value is not known. */
function requestOf(operation: Operation, key: SentKey): RequestTemplate | undefined {
  const sent = [key.parameter, ...Object.keys(key.query ?? {})];
  const constants = constantsOf(operation, sent);
  if (constants === undefined || (operation.method === 'POST' && key.body === undefined)) return undefined;
  const path = key.path ?? operation.path;
  if (/\{(?!key\})/.test(path)) return undefined;
  return {
    method: operation.method,
    path,
    query: { ...constants, ...key.query },
    ...(key.body === undefined ? {} : { body: key.body }),
  };
}

interface Found {
  key: SentKey;
  request: RequestTemplate;
  thing: string;
  score: number;
}

function wayOf(
  operation: Operation,
  { record, rows, within }: Records,
  { key, request, thing, score }: Found,
): PersonWay {
  const ofKind = { id: 4, email: 3, phone: 1 }[key.kind] ?? 2;
  // A single record may be in a list with one row.
  const isOne = rows === undefined || request.path.endsWith('{key}');
  const isUnique = key.path !== undefined && isOne && key.kind === 'id';
  const declaredMax = key.declaredMax ?? (key.takes === 'keys' ? maximumIn(operation.text) : undefined);
  return {
    name: `${operation.method} ${textOfRequest(request)}`,
    request,
    takes: key.takes,
    kind: key.kind,
    keyPath: within === '' ? key.keyPath : `${within}.${key.keyPath}`,
    ...{ record, thing, rows, within, isUnique },
    isSearch: key.isSearch === true,
    ...(declaredMax === undefined ? {} : { declaredMax }),
    paging: rows === undefined ? {} : pagingOf(operation),
    score:
      score * 2 +
      ofKind +
      (key.takes === 'keys' ? 2 : 0) -
      (operation.isDeprecated ? 5 : 0) -
      (key.isSearch === true ? 4 : 0) -
      // The record is inside an object, so its path differs from that in other calls.
      (within === '' ? 0 : 3) -
      (rows === undefined && key.kind !== 'id' ? 1 : 0) -
      (operation.method === 'POST' ? 1 : 0),
    evidence:
      `returns ${rows === undefined ? 'one' : 'a list of'} ${thing}${rows === undefined || rows === '.' ? '' : ` at ${rows}`} by ` +
      `${key.takes === 'keys' ? 'a list of keys' : 'one key'}, which is in the record at ${key.keyPath}`,
  };
}

export function pagingOf(operation: Operation): PagingParameters {
  return pagingParametersOf(
    operation.parameters
      .filter((parameter) => parameter.in === 'query')
      .map(({ name, description }) => {
        const maximum = maximumIn(description);
        return { name, description, ...(maximum === undefined ? {} : { maximum }) };
      }),
  );
}

/** A request as it is printed: the query with its keys, or the members of the body. */
export function textOfRequest({ path, query, body }: RequestTemplate): string {
  const parts = Object.entries(query).map(
    ([name, value]) =>
      `${name}=${typeof value === 'object' ? ('keys' in value ? value.keys : value.key) : String(value)}`,
  );
  const search = parts.length === 0 ? '' : `?${parts.join('&')}`;
  return `${path}${search}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`;
}

function reasonOf(operation: Operation): string | undefined {
  const { parameters } = operation;
  const missing = parameters.filter(
    ({ isRequired, value, in: place, name }) =>
      isRequired && place === 'query' && value === undefined && !isPagingName(name),
  );
  if (missing.length > 1) return `it needs several values: ${missing.map(({ name }) => name).join(', ')}`;
  if ((operation.path.match(/\{/g) ?? []).length > 1) return 'its path has several keys';
  const named = parameters.filter(({ in: place }) => place !== 'header');
  // The list of all persons is only used for samples.
  if (named.length === 0 || named.every(({ name }) => isPagingName(name))) return undefined;
  const hasEmail = named.some(({ name }) => wordsOf(name).some((word) => EMAIL.test(word)));
  return hasEmail ? 'the record has no e-mail address, so rows cannot be matched' : undefined;
}
