import { randomBytes } from 'node:crypto';
import { Refusal } from './answers.js';
import type { Org, SalesforceObject, SalesforceRecord, Value } from './objects.js';
import { parseSoql, type Condition, type Query } from './soql.js';

/** One answer to a query: a page of records, or a page of the children of one. */
export interface QueryPage {
  totalSize: number;
  done: boolean;
  nextRecordsUrl?: string;
  records: object[];
}

export interface Queries {
  /** `version` is that of the path. Links in the answer have the same one. */
  run(soql: string, version: string): QueryPage;
  /** The page of a locator. Undefined if the locator is unknown. */
  more(locator: string, version: string): QueryPage | undefined;
}

/** The oldest locators are dropped. Salesforce stores 10 for each user. */
const mostLocators = 1_000;

export function createQueries(
  org: Org,
  { rowsAPage, childrenAPage }: { rowsAPage: number; childrenAPage: number },
): Queries {
  const waiting = new Map<string, { records: object[]; from: number; rows: number }>();

  const page = (records: object[], from: number, rows: number, version: string): QueryPage => {
    const until = from + rows;
    const done = until >= records.length;
    if (done) return { totalSize: records.length, done, records: records.slice(from) };
    const locator = `01g${randomBytes(8).toString('hex')}-${until}`;
    waiting.set(locator, { records, from: until, rows });
    const [oldest] = waiting.keys();
    if (waiting.size > mostLocators && oldest !== undefined) waiting.delete(oldest);
    return {
      totalSize: records.length,
      done,
      nextRecordsUrl: `/services/data/${version}/query/${locator}`,
      records: records.slice(from, until),
    };
  };

  const answerOf = (
    query: Query,
    object: SalesforceObject,
    record: SalesforceRecord,
    version: string,
  ): object => {
    const answer: Record<string, unknown> = { attributes: attributes(object, record, version) };
    for (const path of query.fields) addField(answer, org, object, record, path, version);
    for (const sub of query.subqueries) {
      const relation = namedIn(object.children, sub.from);
      if (relation === undefined) throw noRelation(sub.from);
      const child = objectOf(org, relation.object);
      const rows = select(sub, child, child.childrenOf(relation.field, record.Id), org);
      // A relationship without records is null, not an empty list.
      answer[relation.name] =
        rows.length === 0
          ? null
          : page(
              rows.map((row) => answerOf(sub, child, row, version)),
              0,
              childrenAPage,
              version,
            );
    }
    return answer;
  };

  return {
    run: (soql, version) => {
      const query = parseSoql(soql);
      const object = objectOf(org, query.from);
      const rows = select(query, object, candidates(query.where, object), org);
      // Checks that the requested fields exist, even if the query finds no record.
      checkFields(query, object, org);
      // COUNT() answers with the number alone.
      if (query.fields.length === 0 && query.subqueries.length === 0)
        return { totalSize: rows.length, done: true, records: [] };
      return page(
        rows.map((row) => answerOf(query, object, row, version)),
        0,
        rowsAPage,
        version,
      );
    },
    more: (locator, version) => {
      const found = waiting.get(locator);
      return found && page(found.records, found.from, found.rows, version);
    },
  };
}

export function objectOf(org: Org, name: string): SalesforceObject {
  const object = org.get(name.toLowerCase());
  if (object === undefined) throw new Refusal('INVALID_TYPE', `sObject type '${name}' is not supported.`);
  return object;
}

export function attributes(object: SalesforceObject, record: SalesforceRecord, version: string): object {
  return { type: object.name, url: `/services/data/${version}/sobjects/${object.name}/${record.Id}` };
}

/** Avoids reading all records if the query is by id. */
function candidates(where: Condition | undefined, object: SalesforceObject): readonly SalesforceRecord[] {
  if (where?.kind !== 'in' || where.isNot || where.path.toLowerCase() !== 'id') return object.records;
  return where.values.flatMap((id) => object.find(String(id)) ?? []);
}

function select(
  query: Query,
  object: SalesforceObject,
  among: readonly SalesforceRecord[],
  org: Org,
): SalesforceRecord[] {
  const fits = query.where === undefined ? () => true : matcher(query.where, object, org);
  const rows = [...new Set(among.filter(fits))];
  if (query.orderBy.length > 0)
    rows.sort((a, b) => {
      for (const { path, isDescending } of query.orderBy) {
        const order = compare(valueAt(org, object, a, path), valueAt(org, object, b, path));
        if (order !== 0) return isDescending ? -order : order;
      }
      return 0;
    });
  return query.limit === undefined ? rows : rows.slice(0, query.limit);
}

function matcher(
  condition: Condition,
  object: SalesforceObject,
  org: Org,
): (record: SalesforceRecord) => boolean {
  if (condition.kind === 'in') {
    const { path, isNot } = condition;
    checkPath(path, object, org);
    const isIdField = /Id$/.test(path);
    // Compares texts case-insensitively, and ids by their first fifteen characters.
    const same = (value: Value): Value =>
      typeof value !== 'string' ? value : isIdField ? idText(value) : value.toLowerCase();
    const wanted = new Set(condition.values.map(same));
    return (record) => wanted.has(same(valueAt(org, object, record, path))) !== isNot;
  }
  if (condition.kind === 'range') {
    const { path, operator, value: wanted } = condition;
    checkPath(path, object, org);
    if (/Id$/.test(path)) idText(String(wanted));
    return (record) => isInRange(valueAt(org, object, record, path), operator, wanted);
  }
  if (condition.kind === 'joined') {
    const { path, by, isNot } = condition;
    const [selected = '', ...others] = by.fields;
    if (others.length > 0 || !/Id$/.test(selected) || !/Id$/.test(path))
      throw new Refusal('MALFORMED_QUERY', 'The inner and outer field of a semi-join must be ids.');
    const inner = objectOf(org, by.from);
    const ids = new Set(
      select(by, inner, inner.records, org).map((row) => valueAt(org, inner, row, selected)),
    );
    return (record) => ids.has(valueAt(org, object, record, path)) !== isNot;
  }
  if (condition.kind === 'like') {
    const { path, pattern } = condition;
    checkPath(path, object, org);
    return (record) => pattern.test(String(valueAt(org, object, record, path) ?? ''));
  }
  const parts = condition.parts.map((part) => matcher(part, object, org));
  return condition.kind === 'and'
    ? (record) => parts.every((fits) => fits(record))
    : (record) => parts.some((fits) => fits(record));
}

function isInRange(value: Value, operator: '<' | '<=' | '>' | '>=', wanted: Value): boolean {
  if (value === null || wanted === null) return false;
  const order = compare(comparable(value), comparable(wanted));
  if (operator === '<') return order < 0;
  if (operator === '<=') return order <= 0;
  return operator === '>' ? order > 0 : order >= 0;
}

/** Moments have several spellings. */
function comparable(value: Value): Value {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT/.test(value)) return value;
  return new Date(value.replace(/([+-]\d\d)(\d\d)$/, '$1:$2')).toISOString();
}

function idText(value: string): string {
  if (!isId(value)) throw new Refusal('INVALID_QUERY_FILTER_OPERATOR', `invalid ID field: ${value}`);
  return value.slice(0, 15);
}

export function isId(value: string): boolean {
  return /^[A-Za-z0-9]{15}([A-Z0-5]{3})?$/.test(value);
}

function compare(a: Value, b: Value): number {
  if (a === b) return 0;
  if (a === null || b === null) return a === null ? -1 : 1;
  return a < b ? -1 : 1;
}

/** The value of a field of the record or of its parent. */
function valueAt(org: Org, object: SalesforceObject, record: SalesforceRecord, path: string): Value {
  const [first = '', ...rest] = path.split('.');
  if (rest.length === 0) return record[fieldOf(object, first)] ?? null;
  const relation = namedIn(object.parents, first);
  if (relation === undefined) throw noRelation(first);
  const parent = objectOf(org, relation.object);
  const found = parent.find(String(record[relation.field]));
  return found === undefined ? null : valueAt(org, parent, found, rest.join('.'));
}

function addField(
  answer: Record<string, unknown>,
  org: Org,
  object: SalesforceObject,
  record: SalesforceRecord,
  path: string,
  version: string,
): void {
  const [first = '', ...rest] = path.split('.');
  if (rest.length === 0) {
    const field = fieldOf(object, first);
    answer[field] = record[field] ?? null;
    return;
  }
  const relation = namedIn(object.parents, first);
  if (relation === undefined) throw noRelation(first);
  const parent = objectOf(org, relation.object);
  const found = parent.find(String(record[relation.field]));
  if (found === undefined) {
    answer[relation.name] = null;
    return;
  }
  answer[relation.name] ??= { attributes: attributes(parent, found, version) };
  addField(answer[relation.name] as Record<string, unknown>, org, parent, found, rest.join('.'), version);
}

function checkFields(query: Query, object: SalesforceObject, org: Org): void {
  for (const path of [...query.fields, ...query.orderBy.map((order) => order.path)])
    checkPath(path, object, org);
  for (const sub of query.subqueries) {
    const relation = namedIn(object.children, sub.from);
    if (relation === undefined) throw noRelation(sub.from);
    checkFields(sub, objectOf(org, relation.object), org);
  }
}

function checkPath(path: string, object: SalesforceObject, org: Org): void {
  const [first = '', ...rest] = path.split('.');
  if (rest.length === 0) {
    fieldOf(object, first);
    return;
  }
  const relation = namedIn(object.parents, first);
  if (relation === undefined) throw noRelation(first);
  checkPath(rest.join('.'), objectOf(org, relation.object), org);
}

export function fieldOf(object: SalesforceObject, name: string): string {
  const field = object.fields.get(name.toLowerCase());
  if (field === undefined)
    throw new Refusal(
      'INVALID_FIELD',
      `No such column '${name}' on entity '${object.name}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name.`,
    );
  return field;
}

function namedIn<T>(
  relations: Readonly<Record<string, T>>,
  name: string,
): (T & { name: string }) | undefined {
  const found = Object.entries(relations).find(([relation]) => relation.toLowerCase() === name.toLowerCase());
  return found && { ...found[1], name: found[0] };
}

function noRelation(name: string): Refusal {
  return new Refusal('INVALID_FIELD', `Didn't understand relationship '${name}' in field path.`);
}
