import { camelCase, keyKindOfName, singularOf, wordsOf } from '../words.js';
import type { Description, Operation } from './description.js';
import { pagingOf } from './people.js';
import {
  collectionOf,
  idPathOf,
  keyPathIn,
  personScoreOfRecord,
  recordsIn,
  thingName,
  type Records,
} from './records.js';
import { constantsOf, type ListCall, type PersonWay, type RelatedList } from './way.js';

/** Finds the lists of a description: all records of a kind, and the related records of one customer. */

/** Lists are loaded separately, so their number is small. */
const MAX_LISTS = 4;
const DEPTH_OF_FILTER = /\[(field|property|attribute|name|key)\]$/i;

/** The call that lists records of the kind of a way, without a key. The shortest path is preferred. */
export function sampleListOf({ operations }: Description, way: PersonWay): ListCall | undefined {
  const found = operations.flatMap((operation): ListCall[] => {
    if (operation.method !== 'GET' || operation.path.includes('{') || operation.isDeprecated) return [];
    const records = recordsIn(operation.answer).find(
      ({ rows, record }) => rows !== undefined && thingName(record, operation.path) === way.thing,
    );
    const constants = constantsOf(operation, []);
    if (records?.rows === undefined || constants === undefined) return [];
    // A call lists nothing without its key, also if it is the key of another kind of record.
    if (
      /\/(me|search|show_many|by|autocomplete)$|\b(incremental|deleted|export|archived|count)/.test(
        operation.path,
      ) &&
      operation.path !== way.request.path
    )
      return [];
    return [listOf(operation, records, constants)];
  });
  const rankOf = ({ paging, request }: ListCall) =>
    (paging.size === undefined ? 0 : 100) +
    (isNear(request.path, way.request.path) ? 50 : 0) -
    request.path.split('/').length;
  return found.sort((a, b) => rankOf(b) - rankOf(a))[0];
}

/** Whether one path is a prefix of the other, such as `/customers` of `/customers/search`. */
function isNear(path: string, other: string): boolean {
  return other === path || other.startsWith(`${path.replace(/\/$/, '')}/`) || other.startsWith(path);
}

function listOf(
  operation: Operation,
  { record, rows }: Records,
  constants: ListCall['request']['query'],
): ListCall {
  return {
    name: `GET ${operation.path}`,
    request: { method: 'GET', path: operation.path, query: constants },
    ...{ record, rows: rows ?? '.', thing: thingName(record, operation.path) },
    paging: pagingOf(operation),
  };
}

/** Records that customers have. The more useful ones have higher scores. */
const WANTED: readonly (readonly [RegExp, number])[] = [
  [/^(order|invoice|ticket|request|purchase|subscription|contract|policy|booking|reservation|case)$/, 10],
  [
    /^(payment|quote|shipment|delivery|return|refund|appointment|visit|loan|membership|claim|rental|lesson|repair|deal)$/,
    7,
  ],
  [/^(address|note|activity|conversation|review|comment|product|device|card|transaction|message)$/, 3],
];
const UNWANTED =
  /^(session|password|permission|history|attachment|identity|identities|token|skip|event|log|audit|requirement|setting|role|group|tag|field|follower|metric|count|schedule|job|webhook|key|related|restriction|cart)$/;

/** The lists of one customer that can be requested by a key in the record. */
export function relatedListsOf({ operations }: Description, way: PersonWay): RelatedList[] {
  const found = operations.flatMap((operation) => {
    if (operation.method !== 'GET' || operation.isDeprecated) return [];
    const records = recordsIn(operation.answer).find(
      ({ rows, record }) => rows !== undefined && record.kind === 'object',
    );
    if (records?.rows === undefined) return [];
    const word = singularOf(collectionOf(operation.path));
    const score = WANTED.find(([pattern]) => pattern.test(word))?.[1] ?? 1;
    const thing = thingName(records.record, operation.path);
    if (UNWANTED.test(word) || thing === way.thing || personScoreOfRecord(records.record, operation.path) > 0)
      return [];
    const list =
      belowKey(operation, records, way) ??
      byParameter(operation, records, way) ??
      byFilter(operation, records, way);
    return list === undefined
      ? []
      : [{ list, score: score - (operation.path.match(/\//g) ?? []).length / 10 }];
  });
  const byName = new Map<string, RelatedList>();
  for (const { list } of found.sort((a, b) => b.score - a.score))
    if (!byName.has(list.call) && byName.size < MAX_LISTS) byName.set(list.call, list);
  return [...byName.values()];
}

function related(
  operation: Operation,
  records: Records,
  keyKind: string,
  request: Partial<ListCall['request']>,
): RelatedList | undefined {
  const sent = [...operation.path.matchAll(/\{([^{}]+)\}/g)].map(([, name = '']) => name);
  const constants = constantsOf(operation, [...sent, ...Object.keys(request.query ?? {})]);
  const path = request.path ?? operation.path;
  if (constants === undefined || /\{(?!key\})/.test(path)) return undefined;
  const list = listOf(operation, records, { ...constants, ...request.query });
  return {
    ...list,
    request: { ...list.request, path },
    call: camelCase(wordsOf(callWord(operation.path))),
    keyKind,
  };
}

/**
 * Returns `orders` for `/customers/{id}/orders`, and `ticketsRequested` for `/users/{id}/tickets/requested`.
 */
function callWord(path: string): string {
  return collectionOf(path);
}

/** A list below the record: `/customers/{id}/orders`. */
function belowKey(operation: Operation, records: Records, way: PersonWay): RelatedList | undefined {
  const [, collection, name, below] = /\/([^/{}]+)\/\{([^{}]+)\}\/([^{}]+)$/.exec(operation.path) ?? [];
  if (collection === undefined || name === undefined || below === undefined || below.split('/').length > 2)
    return undefined;
  const words = new Set([...wordsOf(way.thing), ...wordsOf(collectionOf(way.request.path))].map(singularOf));
  if (
    !wordsOf(collection)
      .map(singularOf)
      .some((word) => words.has(word)) ||
    operation.path.match(/\{/g)?.length !== 1
  )
    return undefined;
  const kind = keyKindOfName(name, way.thing) ?? 'id';
  const keyKind = keyPathIn(way.record, kind, name, way.thing) === undefined ? 'id' : kind;
  return related(operation, records, keyKind, { path: operation.path.replace(`{${name}}`, '{key}') });
}

/** A list with a parameter for the customer: `/orders?customer_id=`. */
function byParameter(operation: Operation, records: Records, way: PersonWay): RelatedList | undefined {
  if (operation.path.includes('{')) return undefined;
  const parameter = operation.parameters.find(
    ({ name, in: place }) => place === 'query' && isOfCustomer(name, way.thing),
  );
  if (parameter === undefined) return undefined;
  return related(operation, records, /e?mail/i.test(parameter.name) ? 'email' : 'id', {
    query: { [parameter.name]: '{key}' },
  });
}

/** Whether a name is that of the customer: `customer`, `customer_id`, `ContactIDs`, `customerEmail`. */
function isOfCustomer(name: string, thing: string): boolean {
  const words = wordsOf(name).map(singularOf);
  const last = singularOf(wordsOf(thing).at(-1) ?? '');
  return words[0] === last && words.length <= 2 && /^(id|uuid|email|)$/.test(words[1] ?? '');
}

/** A list with filters in brackets, whose records have the customer: `customer_id`. */
function byFilter(operation: Operation, records: Records, way: PersonWay): RelatedList | undefined {
  const names = operation.parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
  const field = names.find((name) => DEPTH_OF_FILTER.test(name) && !/sort|order\[/i.test(name));
  const member = records.record
    .members()
    .find(({ name }) => isOfCustomer(name, way.thing) && /id$/i.test(name));
  if (field === undefined || member === undefined || operation.path.includes('{')) return undefined;
  const prefix = field.replace(DEPTH_OF_FILTER, '');
  const value = names.find((name) => name.startsWith(prefix) && /\[value\]$/i.test(name));
  const condition = names.find(
    (name) => name.startsWith(prefix) && /\[(condition_?type|operator|op)\]$/i.test(name),
  );
  if (value === undefined) return undefined;
  return related(operation, records, 'id', {
    query: {
      [field]: member.name,
      [value]: '{key}',
      ...(condition === undefined ? {} : { [condition]: 'eq' }),
    },
  });
}

/** The path of the key of a list in the record of a way. */
export function keyPathOfList(
  { keyKind }: RelatedList,
  { record, thing, within }: PersonWay,
): string | undefined {
  const path = keyKind === 'id' ? idPathOf(record, thing) : keyPathIn(record, keyKind, keyKind, thing);
  return path === undefined || within === '' ? path : `${within}.${path}`;
}
