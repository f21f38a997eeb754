import { compareIds, parseGid } from './gid.js';
import type { Collection, SearchField } from './collection.js';
import { describeSearch, parseSearch, type Comparator, type SearchNode, type SearchTerm } from './search.js';

/** The vendor's report under `extensions.search` about a search with terms that it does not support. */
export interface SearchReport {
  query: string;
  parsed: object;
  warnings: { field: string; message: string; code: string }[];
}

export interface SearchResult<T> {
  entries: readonly T[];
  report?: SearchReport;
}

type Matches<T> = (entry: T) => boolean;

export function search<T>(
  collection: Collection<T>,
  { query, sortKey, now }: { query: string | null | undefined; sortKey: string; now: number },
): SearchResult<T> {
  if (query === null || query === undefined || query.trim() === '') {
    return { entries: collection.sorted(sortKey) };
  }
  const parsed = parseSearch(query);
  const unknownFields = new Set<string>();
  const understood = withoutUnknownFields(parsed, collection, unknownFields);

  const report = {
    query,
    parsed: describeSearch(parsed),
    warnings: [...unknownFields].map((field) => ({
      field,
      message: 'Invalid search field for this query.',
      code: 'invalid_field',
    })),
  };
  const entries = understood
    ? findMatching(collection, understood, sortKey, now)
    : collection.sorted(sortKey);
  return unknownFields.size > 0 ? { entries, report } : { entries };
}

/** The vendor ignores such terms, so the answer has more records than intended. */
function withoutUnknownFields<T>(
  node: SearchNode,
  collection: Collection<T>,
  unknown: Set<string>,
): SearchNode | undefined {
  if (node.kind === 'term') {
    if (node.field === undefined || collection.field(node.field)) return node;
    unknown.add(node.field);
    return undefined;
  }
  if (node.kind === 'not') {
    const inner = withoutUnknownFields(node.node, collection, unknown);
    return inner && { kind: 'not', node: inner };
  }
  const nodes = node.nodes.flatMap((inner) => withoutUnknownFields(inner, collection, unknown) ?? []);
  return nodes.length === 0 ? undefined : { kind: node.kind, nodes };
}

function findMatching<T>(
  collection: Collection<T>,
  node: SearchNode,
  sortKey: string,
  now: number,
): readonly T[] {
  const matches = matcher(node, collection, now);
  const candidates = lookUp(node, collection);
  if (candidates) return collection.sort([...candidates].filter(matches), sortKey);
  return collection.sorted(sortKey).filter(matches);
}

/** A set with all matching entries, if an index can find it. */
function lookUp<T>(node: SearchNode, collection: Collection<T>): Set<T> | undefined {
  if (node.kind === 'term') {
    const field = node.field === undefined ? undefined : collection.field(node.field);
    const byIndex = field?.lookUp && node.comparator === '=' && !isWildcard(node);
    return byIndex ? new Set(field.lookUp?.(comparableValue(field, node.value))) : undefined;
  }
  if (node.kind === 'not') return undefined;
  if (node.kind === 'and') {
    for (const inner of node.nodes) {
      const found = lookUp(inner, collection);
      if (found) return found;
    }
    return undefined;
  }
  const union = new Set<T>();
  for (const inner of node.nodes) {
    const found = lookUp(inner, collection);
    if (!found) return undefined;
    for (const entry of found) union.add(entry);
  }
  return union;
}

function matcher<T>(node: SearchNode, collection: Collection<T>, now: number): Matches<T> {
  switch (node.kind) {
    case 'not': {
      const inner = matcher(node.node, collection, now);
      return (entry) => !inner(entry);
    }
    case 'and': {
      const all = node.nodes.map((inner) => matcher(inner, collection, now));
      return (entry) => all.every((matches) => matches(entry));
    }
    case 'or': {
      const any = node.nodes.map((inner) => matcher(inner, collection, now));
      return (entry) => any.some((matches) => matches(entry));
    }
    case 'term': {
      const field = node.field === undefined ? undefined : collection.field(node.field);
      if (field) return fieldMatcher(field, node, now);
      const matches = wordMatcher(node);
      return (entry) => collection.texts(entry).some(matches);
    }
  }
}

function fieldMatcher<T>(field: SearchField<T>, term: SearchTerm, now: number): Matches<T> {
  const matches = valueMatcher(field, term, now);
  return (entry) => {
    const value = field.read(entry);
    return value !== null && matches(value);
  };
}

function valueMatcher<T>(field: SearchField<T>, term: SearchTerm, now: number): (value: string) => boolean {
  if (term.value === '*' && isWildcard(term)) return () => true;
  switch (field.kind) {
    case 'words':
      return wordMatcher(term);
    case 'text':
      return textMatcher(term);
    case 'time':
      return timeMatcher(term, now);
    case 'id': {
      const wanted = comparableValue(field, term.value);
      return /^\d+$/.test(wanted)
        ? (value) => holds(term.comparator, compareIds(value, wanted))
        : () => false;
    }
    case 'number': {
      const wanted = Number(term.value);
      return (value) => holds(term.comparator, Number(value) - wanted);
    }
  }
}

/** Ids may be plain numbers, with or without leading zeros, or global ids. */
function comparableValue<T>(field: SearchField<T>, value: string): string {
  return field.kind === 'id' ? (parseGid(value)?.id ?? value).replace(/^0+(?=\d)/, '') : value;
}

function isWildcard({ value, quoted }: SearchTerm): boolean {
  return !quoted && value.endsWith('*');
}

function textMatcher(term: SearchTerm): (value: string) => boolean {
  const wanted = term.value.toLowerCase();
  if (isWildcard(term)) {
    const prefix = wanted.slice(0, -1);
    return (value) => value.toLowerCase().startsWith(prefix);
  }
  return (value) => {
    const text = value.toLowerCase();
    return holds(term.comparator, text === wanted ? 0 : text < wanted ? -1 : 1);
  };
}

function wordMatcher(term: SearchTerm): (value: string) => boolean {
  const matches = textMatcher(term);
  return (value) => matches(value) || value.split(/[\s@.,_-]+/).some(matches);
}

function holds(comparator: Comparator, difference: number): boolean {
  switch (comparator) {
    case '=':
      return difference === 0;
    case '<':
      return difference < 0;
    case '<=':
      return difference <= 0;
    case '>':
      return difference > 0;
    case '>=':
      return difference >= 0;
  }
}

/** A date means its whole day, and a year its whole year. A time without a zone is in UTC. */
function timeMatcher(term: SearchTerm, now: number): (value: string) => boolean {
  const span = term.value === 'now' ? { start: now, end: now } : timeSpan(term.value);
  if (!span) return () => false;
  const { start, end } = span;
  return (value) => {
    const time = Date.parse(value);
    switch (term.comparator) {
      case '=':
        return time >= start && time <= end;
      case '<':
        return time < start;
      case '<=':
        return time <= end;
      case '>':
        return time > end;
      case '>=':
        return time >= start;
    }
  };
}

const dateParts = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?$/;

function timeSpan(text: string): { start: number; end: number } | undefined {
  const [, year, month, day] = dateParts.exec(text) ?? [];
  if (year === undefined) {
    const zoned = /(?:Z|[+-]\d\d:?\d\d)$/.test(text);
    const time = Date.parse(zoned ? text : `${text.replace(/T\d\d$/, '$&:00')}Z`);
    return Number.isNaN(time) ? undefined : { start: time, end: time };
  }
  const at = [Number(year), Number(month ?? 1) - 1, Number(day ?? 1)] as const;
  const start = Date.UTC(...at);
  const next =
    day !== undefined
      ? Date.UTC(at[0], at[1], at[2] + 1)
      : month !== undefined
        ? Date.UTC(at[0], at[1] + 1, 1)
        : Date.UTC(at[0] + 1, 0, 1);
  return { start, end: next - 1 };
}
