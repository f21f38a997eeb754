import type { HttpAnswer } from '../../stand-ins/http.js';
import { invalid, notImitated, ok } from './answers.js';
import { toldRecord, type Collection, type CrmObject, type ObjectType } from './objects.js';
import { isObject, readBody, textOf, textsOf } from './request-body.js';

interface Filter {
  property: string;
  /** In lower case: EQ and IN compare texts without regard to case. */
  values: ReadonlySet<string>;
}

const mostGroups = 6;
const mostResults = 200;
const deepest = 10_000;

/** Groups are alternatives; within a group every filter must fit. Oldest record first. */
export function searchObjects(type: ObjectType, records: Collection, body: string): HttpAnswer {
  const read = readBody(body);
  if ('status' in read) return read;
  const { members } = read;

  if (textOf(members['query']) !== undefined) return notImitated('the query of a search');
  if ((textsOf(members['sorts']) ?? ['']).length > 0) return notImitated('the sorts of a search');
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
  const groups = readGroups(members['filterGroups'], records);
  if (!Array.isArray(groups)) return groups;

  const matches = (groups.length === 0 ? [...records.all] : matching(records, groups)).sort(oldestFirst);
  const end = start + limit;
  return ok({
    total: matches.length,
    results: matches.slice(start, end).map((record) => toldRecord(type, record, properties)),
    ...(end < matches.length && { paging: { next: { after: String(end) } } }),
  });
}

function readGroups(value: unknown, records: Collection): Filter[][] | HttpAnswer {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return invalid('Invalid input JSON: filterGroups must be a list');
  if (value.length > mostGroups) return invalid(`A search has at most ${mostGroups} filterGroups`);
  const groups: Filter[][] = [];
  for (const group of value as unknown[]) {
    const filters = isObject(group) ? group['filters'] : undefined;
    if (!Array.isArray(filters)) return invalid('Invalid input JSON: a filterGroup has a list of filters');
    const read: Filter[] = [];
    for (const filter of filters as unknown[]) {
      const outcome = readFilter(filter, records);
      if ('status' in outcome) return outcome;
      read.push(outcome);
    }
    groups.push(read);
  }
  return groups;
}

function readFilter(filter: unknown, records: Collection): Filter | HttpAnswer {
  const { propertyName, operator, value, values } = isObject(filter) ? filter : {};
  if (typeof propertyName !== 'string' || typeof operator !== 'string') {
    return invalid('Invalid input JSON: Some required fields were not set: [propertyName, operator]');
  }
  if (!records.hasProperty(propertyName)) {
    return invalid(`There is no property ${propertyName} to filter by`, {
      invalidPropertyName: [propertyName],
    });
  }
  const wanted = operator === 'EQ' ? [textOf(value)] : operator === 'IN' ? textsOf(values) : null;
  if (wanted === null) return notImitated(`the operator ${operator}`);
  const texts = (wanted ?? []).flatMap((text) => text?.toLowerCase() ?? []);
  if (texts.length === 0) return invalid(`The operator ${operator} has nothing to compare with`);
  return { property: propertyName, values: new Set(texts) };
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

/** A filter by something unique names its records at once; without one all are looked through. */
function candidates(records: Collection, filters: readonly Filter[]): readonly CrmObject[] {
  const indexed = filters.find(({ property }) => property === 'email' || property === 'hs_object_id');
  if (indexed === undefined) return records.all;
  return [...indexed.values].flatMap((value) => records.find(value, indexed.property) ?? []);
}

function fits(record: CrmObject, { property, values }: Filter): boolean {
  return values.has(record.properties[property]?.toLowerCase() ?? '');
}

function oldestFirst(one: CrmObject, other: CrmObject): number {
  if (one.createdAt !== other.createdAt) return one.createdAt < other.createdAt ? -1 : 1;
  return Number(one.id) - Number(other.id);
}
