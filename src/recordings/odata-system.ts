import { odataCall, type OdataCall, type SetCall } from '../declared/odata-grammar.js';
import type { HttpAnswer, ImitatedSystem, ReceivedRequest, RequestLog } from './http-stand-in.js';
import { LINK_PARAMETER } from './measured-request.js';
import { measuredCalls, type MeasuredCall } from './read-recording.js';
import { linkOf } from './rest-answers.js';
import type { Recording } from './recording.js';
import { keysWithRows, recordedRows, repeated } from './recorded-rows.js';
import type { CallFacts } from './stand-in.js';

/** The measured calls of a system that speaks OData. */
export function odataSystem(recording: Recording): ImitatedSystem {
  const measured = measuredCalls(recording, odataCall);
  return {
    calls: new Map([...measured].map(([name, call]) => [name, factsOf(call)])),
    rowsOf: (name, key) => {
      const found = measured.get(name);
      return found === undefined ? [] : recordedRows(found.call, found.recorded, [key]);
    },
    answer: (request, log) => {
      for (const [name, found] of measured) {
        const keys = readKeys(found.call, request);
        if (keys !== undefined) return serve(name, found, { keys, request, log });
      }
      return undefined;
    },
  };
}

function factsOf({ call, recorded }: MeasuredCall<OdataCall>): CallFacts {
  return {
    keys: keysWithRows(recorded),
    takesBatch: 'set' in call,
    maxBatch: call.maxBatch,
    // A long list of keys does not fit one address.
    isSplit: true,
    matching: call.matching ?? 'exact',
    nobodyAnswers: 1,
    isList: 'set' in call,
    page: 'set' in call ? { size: undefined, maxItems: Infinity, acceptsPart: false } : undefined,
  };
}

/** The keys of a request. Undefined if it is not a request of this call. */
function readKeys(call: OdataCall, { method, path, query }: ReceivedRequest): readonly string[] | undefined {
  if (method !== 'GET') return undefined;
  const place = decodeURIComponent(path).slice(1);
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

/** The keys in a filter whose other conditions are those of the call. */
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

function serve(
  name: string,
  { call, recorded }: MeasuredCall<OdataCall>,
  { keys, request, log }: { keys: readonly string[]; request: ReceivedRequest; log: RequestLog },
): HttpAnswer {
  const { changeRows, isEndless = false } = log.behaviour;
  // Only OData 4 has this media type.
  const isVersion4 = request.header('accept')?.includes('odata.metadata') === true;
  const isTooLarge = call.maxBatch !== undefined && keys.length > call.maxBatch;
  const found = recordedRows(call, recorded, keys);
  const rows = changeRows?.({ call: name, keys, rows: found }) ?? found;
  const note = (from: number, to: number): void => {
    log.note({ call: name, keys, from, to, of: rows.length, isTooLarge });
  };
  if (isTooLarge || log.isExceeded()) {
    note(0, 0);
    return { status: 400, body: { error: { message: 'Too many keys or requests.' } } };
  }
  if ('entity' in call) {
    note(0, rows.length === 0 ? 0 : 1);
    if (rows.length === 0) return { status: 404, body: { error: { message: 'Not found.' } } };
    return { status: 200, body: isVersion4 ? rows[0] : { d: rows[0] } };
  }
  // The size of a page is the choice of the system. So each list of several rows has two pages.
  const size = Math.max(1, Math.ceil(rows.length / 2));
  const from = Number(request.query.get(LINK_PARAMETER) ?? 0);
  const page =
    isEndless && rows.length > 0 ? repeated(rows, from % rows.length, size) : rows.slice(from, from + size);
  const to = from + page.length;
  note(from, to);
  const next = page.length > 0 && (isEndless || to < rows.length) ? linkOf(request, String(to)) : undefined;
  return { status: 200, body: isVersion4 ? listOf4(page, next) : listOf2(page, next) };
}

function listOf4(value: readonly unknown[], next: string | undefined): unknown {
  return { value, ...(next === undefined ? {} : { '@odata.nextLink': next }) };
}

function listOf2(results: readonly unknown[], next: string | undefined): unknown {
  return { d: { results, ...(next === undefined ? {} : { __next: next }) } };
}
