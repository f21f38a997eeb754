import type { HttpAnswer } from '../../stand-ins/http.js';
import { invalid, notImitated, ok } from './answers.js';
import type { Associations } from './associations.js';
import { findObjectType, recordAnswer, type Collection, type CrmObject, type ObjectType } from './objects.js';
import { isObject, readBody, textOf, textsOf } from './request-body.js';

interface Filter {
  property: string;
  /** Values in lower case, because EQ and IN are case-insensitive. */
  values: ReadonlySet<string>;
  /** The value of LTE, which compares times: milliseconds since 1970. */
  atMost?: number;
  /** The value of GT, which compares numbers. */
  above?: number;
  /** Of CONTAINS_TOKEN. */
  token?: RegExp;
}

const mostGroups = 6;
const mostResults = 200;
const deepest = 10_000;

interface Searched {
  type: ObjectType;
  records: Collection;
  associations: Associations;
}

/**
 * A record must match all filters of at least one group. The oldest record is first, unless the request has
 * an order.
 */
export function searchObjects(searched: Searched, body: string): HttpAnswer {
  const { type, records } = searched;
  const read = readBody(body);
  if ('status' in read) return read;
  const { members } = read;

  if (textOf(members['query']) !== undefined) return notImitated('the query of a search');
  const order = readOrder(members['sorts'], records);
  if (typeof order !== 'function') return order;
  const limit = members['limit'] ?? 10;
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 0 || limit > mostResults) {
    return invalid(`The limit of a search is a whole number of at most ${mostResults}`);
  }
  const after = textOf(members['after']) ?? '0';
  if (!/^\d{1,6}$/.test(after)) return invalid('The after of a search is not valid', { after: [after] });
  const start = Number(after);
  if (start + limit > deepest) return invalid(`A search pages through at most ${deepest} results`);
  const properties = textsOf(members['properties']);
  if (properties === undefined) return invalid('Invalid input JSON: properties must be a list of names');
  const groups = readGroups(members['filterGroups'], searched);
  if (!Array.isArray(groups)) return groups;

  const matches = (groups.length === 0 ? [...records.all] : matching(records, groups)).sort(order);
  const end = start + limit;
  return ok({
    total: matches.length,
    results: matches.slice(start, end).map((record) => recordAnswer(type, record, properties)),
    ...(end < matches.length && { paging: { next: { after: String(end) } } }),
  });
}

function readGroups(value: unknown, searched: Searched): Filter[][] | HttpAnswer {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return invalid('Invalid input JSON: filterGroups must be a list');
  if (value.length > mostGroups) return invalid(`A search has at most ${mostGroups} filterGroups`);
  const groups: Filter[][] = [];
  for (const group of value as unknown[]) {
    const filters = isObject(group) ? group['filters'] : undefined;
    if (!Array.isArray(filters)) return invalid('Invalid input JSON: a filterGroup has a list of filters');
    const read: Filter[] = [];
    for (const filter of filters as unknown[]) {
      const outcome = readFilter(filter, searched);
      if ('status' in outcome) return outcome;
      read.push(outcome);
    }
    groups.push(read);
  }
  return groups;
}

function readFilter(filter: unknown, { type, records, associations }: Searched): Filter | HttpAnswer {
  const { propertyName, operator, value, values } = isObject(filter) ? filter : {};
  if (typeof propertyName !== 'string' || typeof operator !== 'string') {
    return invalid('Invalid input JSON: Some required fields were not set: [propertyName, operator]');
  }
  const [, other = ''] = /^associations\.(\w+)$/.exec(propertyName) ?? [];
  const otherType = findObjectType(other);
  if (otherType === undefined && !records.hasProperty(propertyName)) {
    return invalid(`There is no property ${propertyName} to filter by`, {
      invalidPropertyName: [propertyName],
    });
  }
  if (operator === 'LTE' && otherType === undefined) {
    const atMost = Number(textOf(value));
    return Number.isInteger(atMost)
      ? { property: propertyName, values: new Set(), atMost }
      : invalid('The operator LTE of a moment takes milliseconds since 1970');
  }
  if (operator === 'GT' && propertyName === 'hs_object_id') {
    const above = Number(textOf(value) ?? NaN);
    return Number.isInteger(above)
      ? { property: propertyName, values: new Set(), above }
      : invalid('The operator GT of an id takes a number');
  }
  if (operator === 'CONTAINS_TOKEN' && otherType === undefined) {
    const token = textOf(value)?.toLowerCase() ?? '';
    if (token === '') return invalid('The operator CONTAINS_TOKEN has nothing to compare with');
    return { property: propertyName, values: new Set(), token: tokenPattern(token) };
  }
  const wanted = operator === 'EQ' ? [textOf(value)] : operator === 'IN' ? textsOf(values) : null;
  if (wanted === null) return notImitated(`the operator ${operator}`);
  const texts = (wanted ?? []).flatMap((text) => text?.toLowerCase() ?? []);
  if (texts.length === 0) return invalid(`The operator ${operator} has nothing to compare with`);
  if (otherType === undefined) return { property: propertyName, values: new Set(texts) };
  const pairs = associations.get(`${otherType}->${type}`);
  return { property: 'hs_object_id', values: new Set(texts.flatMap((id) => pairs?.get(id) ?? [])) };
}

/** A token is a word; an asterisk stands for any characters of it. */
function tokenPattern(token: string): RegExp {
  const parts = token.split('*').map((part) => part.replaceAll(/[^\p{L}\p{N}]/gu, '\\$&'));
  return new RegExp(`(?<!\\S)${parts.join('\\S*')}(?!\\S)`);
}

function matching(records: Collection, groups: readonly Filter[][]): CrmObject[] {
  const matches = new Set<CrmObject>();
  for (const filters of groups) {
    for (const record of candidates(records, filters)) {
      if (filters.every((filter) => fits(record, filter))) matches.add(record);
    }
  }
  return [...matches];
}

/** A filter by a unique property finds its records directly. Without one, all records are scanned. */
function candidates(records: Collection, filters: readonly Filter[]): readonly CrmObject[] {
  const indexed = filters.find(
    ({ property, atMost, above, token }) =>
      atMost === undefined &&
      above === undefined &&
      token === undefined &&
      (property === 'email' || property === 'hs_object_id'),
  );
  if (indexed === undefined) return records.all;
  return [...indexed.values].flatMap((value) => records.find(value, indexed.property) ?? []);
}

function fits(record: CrmObject, { property, values, atMost, above, token }: Filter): boolean {
  if (token !== undefined) return token.test(record.properties[property]?.toLowerCase() ?? '');
  if (above !== undefined) return Number(record.id) > above;
  if (atMost !== undefined) return Date.parse(record.properties[property] ?? '') <= atMost;
  return values.has(record.properties[property]?.toLowerCase() ?? '');
}

type Order = (a: CrmObject, b: CrmObject) => number;

function readOrder(value: unknown, records: Collection): Order | HttpAnswer {
  const sorts: unknown[] = Array.isArray(value) ? value : [];
  const [sort] = sorts;
  if (sort === undefined) return oldestFirst;
  if (sorts.length > 1 || !isObject(sort)) return notImitated('such sorts of a search');
  const { propertyName, direction } = sort;
  if (typeof propertyName !== 'string' || !records.hasProperty(propertyName))
    return invalid('There is no such property to sort by');
  const valueOf = ({ properties }: CrmObject): string => properties[propertyName] ?? '';
  if (propertyName === 'hs_object_id') return direction === 'DESCENDING' ? (a, b) => byId(b, a) : byId;
  const order: Order = (a, b) => valueOf(a).localeCompare(valueOf(b)) || oldestFirst(a, b);
  return direction === 'DESCENDING' ? (a, b) => order(b, a) : order;
}

/** HubSpot sorts ids as numbers. */
function byId(a: CrmObject, b: CrmObject): number {
  return Number(a.id) - Number(b.id);
}

function oldestFirst(a: CrmObject, b: CrmObject): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  return Number(a.id) - Number(b.id);
}
