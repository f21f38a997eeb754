import { odataCall, type OdataCall, type SetCall } from '../declared/odata-grammar.js';
import type { HttpAnswer, ImitatedSystem, ReceivedRequest } from './http-stand-in.js';
import { decoded, LINK_PARAMETER } from './measured-request.js';
import { measuredSystem } from './measured-system.js';
import type { MeasuredCall } from './read-recording.js';
import { linkOf } from './rest-answers.js';
import type { Recording } from './recording.js';
import { keysWithRows, repeated } from './recorded-rows.js';
import type { CallFacts } from './stand-in.js';

/** Imitates an OData service by its measured calls. */
export function odataSystem(recording: Recording): ImitatedSystem {
  return measuredSystem(recording, { grammar: odataCall, factsOf, readRequest, answerRows });
}

function factsOf({ call, recorded }: MeasuredCall<OdataCall>): CallFacts {
  return {
    keys: keysWithRows(recorded),
    takesBatch: 'set' in call,
    maxBatch: call.maxBatch,
    // A long list of keys does not fit in one address.
    isSplit: true,
    notFoundAnswers: 1,
    page: 'set' in call ? { size: undefined, maxItems: Infinity, acceptsPart: false } : undefined,
  };
}

function readRequest(call: OdataCall, request: ReceivedRequest): { keys: readonly string[] } | undefined {
  const keys = readKeys(call, request);
  return keys === undefined ? undefined : { keys };
}

function readKeys(call: OdataCall, { method, path, query }: ReceivedRequest): readonly string[] | undefined {
  const place = decoded(path)?.slice(1);
  if (method !== 'GET' || place === undefined) return undefined;
  if ('entity' in call) {
    if (!place.startsWith(`${call.entity}(`) || !place.endsWith(')')) return undefined;
    return [valueOf(place.slice(call.entity.length + 1, -1))];
  }
  const expand = query.get('$expand')?.split(',') ?? [];
  const isSame =
    place === call.set &&
    expand.toSorted().join() === (call.expand ?? []).toSorted().join() &&
    (query.get('$orderby') ?? '') === orderText(call);
  return isSame ? readFilter(query.get('$filter') ?? '', call) : undefined;
}

function orderText({ order = [] }: SetCall): string {
  return order.map((field) => (field.startsWith('-') ? `${field.slice(1)} desc` : field)).join(',');
}

const LITERAL = String.raw`(?:datetime|guid)?'(?:[^']|'')*'|[^\s'(),]+`;
const CLAUSE = new RegExp(
  String.raw`^(?: and )?(?:([^\s()]+) in \(((?:${LITERAL})(?:,(?:${LITERAL}))*)\)|(\(?)([^\s()]+) eq (${LITERAL})((?: or [^\s()]+ eq (?:${LITERAL}))*)\)?)`,
  'u',
);

/** The keys in a filter. Its other conditions must be those of the call. */
function readFilter(filter: string, { by, where = {} }: SetCall): readonly string[] | undefined {
  const found = new Map<string, readonly string[]>();
  for (let rest = filter; rest !== '';) {
    const [all, inField, list, , eqField, first, others] = CLAUSE.exec(rest) ?? [];
    const field = inField ?? eqField;
    if (all === undefined || field === undefined) return undefined;
    const text = list ?? [first, ...literalsIn(others ?? '', / eq /)].join(',');
    found.set(field, literalsIn(text).map(valueOf));
    rest = rest.slice(all.length);
  }
  const keys = found.get(by);
  found.delete(by);
  const isSame =
    found.size === Object.keys(where).length &&
    Object.entries(where).every(
      ([field, value]) => found.get(field)?.join('\n') === [value].flat().map(String).join('\n'),
    );
  return isSame ? keys : undefined;
}

/** The literals of a list, or those after each separator. */
function literalsIn(text: string, after?: RegExp): string[] {
  const pattern = new RegExp(after === undefined ? LITERAL : `${after.source}(${LITERAL})`, 'gu');
  return [...text.matchAll(pattern)].map(([all, literal]) => literal ?? all);
}

/** The text of a literal. */
function valueOf(literal: string): string {
  const [, quoted] = /^(?:datetime|guid)?'([^]*)'$/.exec(literal) ?? [];
  return quoted === undefined ? literal : quoted.replaceAll("''", "'");
}

function answerRows(
  { call }: MeasuredCall<OdataCall>,
  { rows, request, isEndless }: { rows: readonly unknown[]; request: ReceivedRequest; isEndless: boolean },
): HttpAnswer & { from: number; to: number } {
  // Only OData 4 has this media type.
  const isVersion4 = request.header('accept')?.includes('odata.metadata') === true;
  if ('entity' in call) {
    if (rows.length === 0) return { status: 404, body: { error: { message: 'Not found.' } }, from: 0, to: 0 };
    return { status: 200, body: isVersion4 ? rows[0] : { d: rows[0] }, from: 0, to: 1 };
  }
  // The system chooses the page size. So each list of several rows has two pages.
  const size = Math.max(1, Math.ceil(rows.length / 2));
  const from = Number(request.query.get(LINK_PARAMETER) ?? 0);
  const page =
    isEndless && rows.length > 0 ? repeated(rows, from % rows.length, size) : rows.slice(from, from + size);
  const to = from + page.length;
  const next = page.length > 0 && (isEndless || to < rows.length) ? linkOf(request, String(to)) : undefined;
  return { status: 200, body: isVersion4 ? listOf4(page, next) : listOf2(page, next), from, to };
}

function listOf4(value: readonly unknown[], next: string | undefined): unknown {
  return { value, ...(next === undefined ? {} : { '@odata.nextLink': next }) };
}

function listOf2(results: readonly unknown[], next: string | undefined): unknown {
  return { d: { results, ...(next === undefined ? {} : { __next: next }) } };
}
