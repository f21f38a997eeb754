import {
  sendJson,
  startServer,
  type SeenRequest,
  type SmallServer,
} from '../../../src/testing/small-server.js';

/** A small OData service, version 2 or 4. */

export interface ServiceRules {
  version?: 2 | 4;
  token?: string;
  /** Whether the service supports `in (...)`. Default: in version 4. */
  understandsIn?: boolean;
  /** The maximum number of comparisons in a filter. */
  maxComparisons?: number;
  /** The maximum length of an address, in characters. */
  maxAddress?: number;
  ignoresCase?: boolean;
  /** Returns all records for a filter that finds nothing. */
  ignoresFilter?: boolean;
  /** Properties that cannot be filtered. */
  notFilterable?: readonly string[];
  /** The page size of the service. Default: 50. */
  pageSize?: number;
  honoursPreference?: boolean;
  /** Truncates a list without a link. */
  hasNoLinks?: boolean;
  countsRecords?: boolean;
  answersNobodyWith404?: boolean;
  headers?: Readonly<Record<string, string>>;
}

export type ServiceRow = Readonly<Record<string, unknown>>;

export interface ServiceData {
  metadata: string;
  sets: Readonly<Record<string, readonly ServiceRow[]>>;
}

export async function startOdataService(data: ServiceData, rules: ServiceRules = {}): Promise<SmallServer> {
  const server: SmallServer = await startServer((request, response) => {
    const { status, body, headers } = answer(request, data, rules, server.url);
    if (typeof body === 'string') {
      response.writeHead(status, { 'content-type': 'application/xml', ...rules.headers });
      response.end(body);
    } else sendJson(response, body, { status, headers: { ...rules.headers, ...headers } });
  });
  return server;
}

interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

function answer(
  request: SeenRequest,
  { metadata, sets }: ServiceData,
  rules: ServiceRules,
  origin: string,
): Answer {
  const { version = 4, token, maxAddress = 8_000, pageSize = 50, countsRecords = true } = rules;
  if (request.method !== 'GET') return failure(405, 'Only reading is possible.');
  if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) return failure(401, 'No.');
  if (request.url.length > maxAddress) return failure(414, 'The address is too long.');
  const url = new URL(request.url, origin);
  const set = url.pathname.replace(/^\/service\//, '');
  if (set === '$metadata') return { status: 200, body: metadata };
  if (set === '')
    return {
      status: 200,
      body: {
        '@odata.context': `${origin}/service/$metadata`,
        value: Object.keys(sets).map((name) => ({ name, kind: 'EntitySet', url: name })),
      },
    };
  const rows = sets[set];
  if (rows === undefined) return failure(404, 'There is no such entity set.');
  const filter = url.searchParams.get('$filter');
  const found = filter === null ? rows : filtered(rows, filter, rules);
  if (!Array.isArray(found)) return found as Answer;
  const matching = found as readonly ServiceRow[];
  if (matching.length === 0 && rules.answersNobodyWith404 === true) return failure(404, 'Nothing was found.');
  const all = matching.length === 0 && rules.ignoresFilter === true ? rows : matching;
  const counts = version === 4 ? '$count' : '$inlinecount';
  if (url.searchParams.has(counts) && !countsRecords) return failure(400, `${counts} is not supported.`);
  const sorted = ordered(all, url.searchParams.get('$orderby'));
  const preferred = /odata\.maxpagesize=(\d+)/.exec(String(request.headers['prefer']))?.[1];
  const size =
    rules.honoursPreference === true && preferred !== undefined
      ? Math.min(Number(preferred), pageSize)
      : pageSize;
  const from = Number(url.searchParams.get('$skiptoken') ?? 0);
  const end = Math.min(Number(url.searchParams.get('$top') ?? Infinity), sorted.length);
  const page = sorted.slice(from, Math.min(from + size, end)).map((row) => selected(row, url, set));
  url.searchParams.set('$skiptoken', String(from + size));
  const link =
    from + size < end && rules.hasNoLinks !== true ? { next: `${url.pathname}${url.search}` } : undefined;
  return { status: 200, body: version === 4 ? page4(page, link, all, url) : page2(page, link, all, url) };
}

function failure(status: number, message: string): Answer {
  return { status, body: { error: { code: '', message } } };
}

interface Link {
  next: string;
}

function page4(
  value: readonly ServiceRow[],
  link: Link | undefined,
  all: readonly ServiceRow[],
  { searchParams }: URL,
) {
  return {
    '@odata.context': '$metadata#Set',
    ...(searchParams.has('$count') ? { '@odata.count': all.length } : {}),
    value: value.map((row) => ({ '@odata.etag': 'W/"1"', ...row })),
    ...(link === undefined ? {} : { '@odata.nextLink': link.next }),
  };
}

function page2(
  rows: readonly ServiceRow[],
  link: Link | undefined,
  all: readonly ServiceRow[],
  { searchParams }: URL,
) {
  return {
    d: {
      results: rows.map((row) => ({ __metadata: { uri: 'Set(1)' }, ...row })),
      ...(searchParams.has('$inlinecount') ? { __count: String(all.length) } : {}),
      ...(link === undefined ? {} : { __next: link.next }),
    },
  };
}

function selected(row: ServiceRow, { searchParams }: URL, set: string): ServiceRow {
  const names = searchParams.get('$select')?.split(',') ?? Object.keys(row);
  for (const name of names) if (!(name in row)) throw new Error(`${set} has no ${name}.`);
  return Object.fromEntries(names.map((name) => [name, row[name]]));
}

function ordered(rows: readonly ServiceRow[], order: string | null): ServiceRow[] {
  const columns = order?.split(',').map((text) => text.split(' ')) ?? [];
  return rows.toSorted((a, b) => {
    for (const [name = '', direction] of columns) {
      const [left, right] = [String(a[name]), String(b[name])];
      if (left !== right) return (left < right ? -1 : 1) * (direction === 'desc' ? -1 : 1);
    }
    return 0;
  });
}

const LITERAL = /(?:guid)?'(?:[^']|'')*'|-?[\w-]+/g;

/** The rows that a filter finds: `(A eq 1 or A eq 2)`, or `A in (1,2)`. */
function filtered(rows: readonly ServiceRow[], filter: string, rules: ServiceRules): ServiceRow[] | Answer {
  const {
    version = 4,
    understandsIn = version === 4,
    maxComparisons = Infinity,
    ignoresCase = false,
  } = rules;
  const list = /^([\w/]+) in \((.*)\)$/.exec(filter);
  if (list !== null && !understandsIn) return failure(400, 'There is a syntax error in the filter.');
  const comparisons =
    list === null
      ? filter
          .replace(/^\(|\)$/g, '')
          .split(/ or (?=[\w/]+ eq )/)
          .map((text) => /^([\w/]+) eq (.*)$/.exec(text))
      : [...(list[2] ?? '').matchAll(LITERAL)].map(([literal]) => ['', list[1], literal]);
  if (comparisons.some((comparison) => comparison === null))
    return failure(400, 'The filter is not understood.');
  if (comparisons.length > maxComparisons)
    return failure(400, `The node count limit of ${maxComparisons} has been exceeded.`);
  const field = comparisons[0]?.[1] ?? '';
  if (rules.notFilterable?.includes(field) === true) return failure(400, `${field} cannot be filtered.`);
  const fold = (text: string) => (ignoresCase ? text.toLowerCase() : text);
  const values = new Set(comparisons.map((comparison) => fold(valueOf(comparison?.[2] ?? ''))));
  return rows.filter((row) => values.has(fold(String(valueAt(row, field)))));
}

function valueOf(literal: string): string {
  const quoted = /^(?:guid)?'(.*)'$/s.exec(literal)?.[1];
  return quoted === undefined ? literal : quoted.replaceAll("''", "'");
}

function valueAt(row: ServiceRow, path: string): unknown {
  return path.split('/').reduce<unknown>((value, name) => (value as ServiceRow | undefined)?.[name], row);
}
