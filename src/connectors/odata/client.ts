import { z } from 'zod';
import type { Setting } from '../../settings.js';
import { SourceContractError } from '../../errors.js';
import type { Auth } from '../auth.js';
import type { CallScope, Client, Connector } from '../connector.js';
import { httpConnector } from '../http-connector.js';
import { check, type HttpTransport } from '../http.js';
import { pages } from '../paging.js';
import {
  cut,
  filterText,
  literal,
  optionsText,
  type Condition,
  type ListStyle,
  type OdataValue,
  type OdataVersion,
} from './query.js';

/** Selects records of a set. */
export interface OdataChoice<V extends OdataValue = OdataValue> {
  /** Records whose field has one of these values. A list that is too long for one address is split into several calls. */
  keys?: { field: string; values: readonly V[] };
  /** All of these conditions must be true. */
  where?: readonly Condition[];
}

/** Selects records, and the fields to read. */
export interface OdataQuery<T, V extends OdataValue = OdataValue> extends OdataChoice<V> {
  select?: readonly string[];
  expand?: readonly string[];
  /** Fields to sort by, with ` desc` after them for descending order. */
  orderBy?: readonly string[];
  top?: number;
  /** Requested number of records on a page. Default: the system's own. */
  pageSize?: number;
  /** Maximum number of pages to read for each part. Default 10. */
  maxPages?: number;
  /** Whether these records of the keys are enough, so that reading can stop. Default: all records are read. */
  isEnough?: (records: readonly T[], values: readonly V[]) => boolean;
}

/** Sums over records, by group. */
export interface OdataAggregate extends OdataChoice {
  /** Include the field of the keys, so that no group occurs in two parts. */
  groupBy: readonly string[];
  /** Fields to sum, by the name of the result. */
  sums: Readonly<Record<string, string>>;
}

/** The answer of one of the calls that a list of keys was split into. */
export interface OdataPart<T, V extends OdataValue = OdataValue> {
  /** The keys that this part covers. Without keys there is one part, with none. */
  values: readonly V[];
  records: readonly T[];
  /** False if there are more pages than were read. */
  isComplete: boolean;
}

/** Reads sets of records by OData. Every answer is validated before it is returned. */
export interface OdataClient extends Client {
  /** The records of a set, page by page through the system's links. A link to another origin is refused. */
  list<T, V extends OdataValue>(
    record: z.ZodType<T>,
    set: string,
    query: OdataQuery<T, V>,
  ): Promise<readonly OdataPart<T, V>[]>;
  /** The record with this key; null if there is none. */
  getByKey<T>(record: z.ZodType<T>, set: string, key: OdataValue): Promise<T | null>;
  /** The number of records that match. */
  count(set: string, choice: OdataChoice): Promise<number>;
  /** Sums computed by the system (`$apply`), for systems that support it. */
  aggregate<T>(group: z.ZodType<T>, set: string, aggregate: OdataAggregate): Promise<readonly T[]>;
}

export interface OdataOptions extends Partial<ListStyle> {
  /** The base address of the sets, with an optional path. */
  baseUrl: Setting<string>;
  auth: Auth;
  /** A cheap path for the health check. */
  pingPath: string;
  /** Additional CA certificates: see `caSetting`. */
  ca?: Setting<string | undefined>;
  /** Query parameters of every call, such as a vendor's `$schemaversion`. */
  parameters?: Readonly<Record<string, string>>;
  /** The longest address, in characters. Default 4,000: half of the usual limit of servers and proxies. */
  maxUrlLength?: number;
  /**
   * Maximum number of values in one list, for systems that count the parts of a filter. Default: as many as fit the
   * address.
   */
  maxValues?: number;
  /** Whether numbers that JavaScript would round are returned as text. Default false. */
  exactNumbers?: boolean;
}

/** A connector to a system that speaks OData. */
export function odata({ baseUrl, auth, ca, exactNumbers, ...options }: OdataOptions): Connector<OdataClient> {
  const headers = ACCEPT[options.version ?? 4];
  // A system's links may lead outside the path of its sets.
  const connect = { url: baseUrl, auth, ca, headers, exactNumbers, isAtOrigin: true };
  return httpConnector(connect, ({ http, address, source }) => {
    const prefix = new URL(address).pathname.replace(/\/$/, '');
    return (scope) => new HttpOdataClient(http, scope, { source, prefix, ...options });
  });
}

/** Without `IEEE754Compatible` a decimal is a JSON number, which may lose digits when it is parsed. */
const ACCEPT: Record<OdataVersion, Record<string, string>> = {
  2: {},
  4: { accept: 'application/json;odata.metadata=minimal;IEEE754Compatible=true' },
};

interface ClientOptions extends Omit<OdataOptions, 'baseUrl' | 'auth' | 'ca' | 'exactNumbers'> {
  source: string;
  prefix: string;
}

/** A client for the calls of one batch. */
class HttpOdataClient implements OdataClient {
  readonly #http: HttpTransport;
  readonly #scope: CallScope;
  readonly #options: ClientOptions;
  readonly #style: ListStyle;

  constructor(http: HttpTransport, scope: CallScope, options: ClientOptions) {
    this.#http = http;
    this.#scope = scope;
    this.#options = options;
    this.#style = { version: options.version ?? 4, lists: options.lists ?? 'or' };
  }

  async list<T, V extends OdataValue>(
    record: z.ZodType<T>,
    set: string,
    query: OdataQuery<T, V>,
  ): Promise<OdataPart<T, V>[]> {
    const { select, expand, orderBy, top } = query;
    const parts = this.#addresses(set, query, (filter) => ({
      $filter: filter,
      $select: select?.join(','),
      $expand: expand?.join(','),
      $orderby: orderBy?.join(','),
      $top: top,
    }));
    return Promise.all(parts.map((part) => this.#readPages(record, part, query)));
  }

  async getByKey<T>(record: z.ZodType<T>, set: string, key: OdataValue): Promise<T | null> {
    const { source, prefix, parameters = {} } = this.#options;
    const { version } = this.#style;
    const options = optionsText(parameters);
    const path = `${prefix}/${set}(${encodeURIComponent(literal(key, version))})${options && `?${options}`}`;
    return this.#http.send(
      this.#scope,
      { method: 'GET', path },
      ({ status, body }) =>
        status === 404
          ? null
          : version === 4
            ? check(record, body, source)
            : check(z.object({ d: record }), body, source).d,
      [404],
    );
  }

  async count(set: string, choice: OdataChoice): Promise<number> {
    const { source } = this.#options;
    const counting = this.#style.version === 4 ? { $count: 'true' } : { $inlinecount: 'allpages' };
    const parts = this.#addresses(set, choice, ($filter) => ({ $filter, $top: 0, ...counting }));
    const counts = await Promise.all(
      parts.map(async ({ path }) => {
        const { count } = await this.#getPage(z.unknown(), path);
        if (count === undefined) throw new SourceContractError(source, `${source} returned no count.`);
        return count;
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async aggregate<T>(
    group: z.ZodType<T>,
    set: string,
    { groupBy, sums, ...choice }: OdataAggregate,
  ): Promise<T[]> {
    const { source } = this.#options;
    const added = Object.entries(sums).map(([name, field]) => `${field} with sum as ${name}`);
    const grouping = `groupby((${groupBy.join(',')}),aggregate(${added.join(',')}))`;
    const parts = this.#addresses(set, choice, (filter) => ({
      $apply: filter === undefined ? grouping : `filter(${filter})/${grouping}`,
    }));
    const answers = await Promise.all(parts.map(({ path }) => this.#getPage(group, path)));
    // The first page alone would look complete.
    if (answers.some(({ next }) => next !== undefined))
      throw new SourceContractError(source, `${source} returned its sums on more than one page.`, {
        kind: 'incomplete',
      });
    return answers.flatMap(({ records }) => records);
  }

  ping(): Promise<void> {
    const { prefix, pingPath } = this.#options;
    return this.#http.send(this.#scope, { method: 'GET', path: `${prefix}${pingPath}` }, () => undefined);
  }

  /** The addresses to request for a choice, each with the keys that it covers. */
  #addresses<V extends OdataValue>(
    set: string,
    { keys, where = [] }: OdataChoice<V>,
    optionsFor: (filter: string | undefined) => Readonly<Record<string, string | number | undefined>>,
  ): Address<V>[] {
    const { prefix, parameters = {}, maxUrlLength = 4_000, maxValues = Infinity } = this.#options;
    const pathFor = (values: readonly V[] | undefined): string => {
      const all: readonly Condition[] =
        keys === undefined || values === undefined ? where : [[keys.field, 'in', values], ...where];
      const options = optionsText({ ...parameters, ...optionsFor(filterText(all, this.#style)) });
      return `${prefix}/${set}${options === '' ? '' : `?${options}`}`;
    };
    if (keys === undefined) return [{ path: pathFor(undefined), values: [] }];
    const lengthOf = (values: readonly V[]) => this.#http.baseUrl.origin.length + pathFor(values).length;
    return cut(keys.values, { maxLength: maxUrlLength, maxValues, lengthOf }).map((values) => ({
      path: pathFor(values),
      values,
    }));
  }

  async #readPages<T, V extends OdataValue>(
    record: z.ZodType<T>,
    { path, values }: Address<V>,
    { pageSize, maxPages, isEnough }: OdataQuery<T, V>,
  ): Promise<OdataPart<T, V>> {
    const { items: records, isComplete } = await pages({
      source: this.#options.source,
      what: 'records',
      acceptPart: true,
      maxPages,
      // A link is checked only when it is followed. If enough records were read, it is not followed.
      read: async (link: string | undefined) => {
        const at = link === undefined ? path : this.#pathOf(link);
        return { at, page: await this.#getPage(record, at, pageSize) };
      },
      items: ({ page }) => page.records,
      next: ({ at, page }) => (page.next === undefined ? undefined : this.#resolve(page.next, at)),
      isEnough: isEnough && ((read: readonly T[]) => isEnough(read, values)),
    });
    return { values, records, isComplete };
  }

  #getPage<T>(record: z.ZodType<T>, path: string, pageSize?: number): Promise<Page<T>> {
    return this.#http.send(
      this.#scope,
      {
        method: 'GET',
        path,
        ...(pageSize !== undefined && { headers: { prefer: `odata.maxpagesize=${pageSize}` } }),
      },
      ({ body }) => readPage(check(pageSchema(record, this.#style.version), body, this.#options.source)),
    );
  }

  /** A link of the page at a path, which may be relative to it. */
  #resolve(link: string, at: string): string {
    const here = new URL(at, this.#http.baseUrl);
    return URL.canParse(link, here.href) ? new URL(link, here).href : link;
  }

  /** The path of a link on the same origin. */
  #pathOf(link: string): string {
    const { source } = this.#options;
    const url = URL.canParse(link) ? new URL(link) : undefined;
    if (url?.origin !== this.#http.baseUrl.origin)
      throw new SourceContractError(source, `${source} returned a link to a page outside its own origin.`, {
        kind: 'wrong-record',
      });
    return `${url.pathname}${url.search}`;
  }
}

interface Address<V extends OdataValue> {
  path: string;
  values: readonly V[];
}

interface Page<T> {
  records: readonly T[];
  next: string | undefined;
  count: number | undefined;
}

/** Some systems send 64-bit counts as text. */
const count = z
  .union([
    z.int(),
    z
      .string()
      .regex(/^\d{1,15}$/)
      .transform(Number),
  ])
  .optional();

const pageSchemas = { 2: new WeakMap<z.ZodType, z.ZodType>(), 4: new WeakMap<z.ZodType, z.ZodType>() };

type WirePage<T> =
  | { value: T[]; '@odata.nextLink'?: string | undefined; '@odata.count'?: number | undefined }
  | { d: T[] | { results: T[]; __next?: string | undefined; __count?: number | undefined } };

function pageSchema<T>(record: z.ZodType<T>, version: OdataVersion): z.ZodType<WirePage<T>> {
  const cached = pageSchemas[version].get(record) as z.ZodType<WirePage<T>> | undefined;
  if (cached !== undefined) return cached;
  const records = z.array(record);
  const next = z.string().optional();
  const page: z.ZodType<WirePage<T>> =
    version === 4
      ? z.object({ value: records, '@odata.nextLink': next, '@odata.count': count })
      : // In version 1 of the protocol, and in some systems since then, a list without pages is a bare array.
        z.object({ d: z.union([records, z.object({ results: records, __next: next, __count: count })]) });
  pageSchemas[version].set(record, page);
  return page;
}

function readPage<T>(page: WirePage<T>): Page<T> {
  if ('value' in page)
    return { records: page.value, next: page['@odata.nextLink'], count: page['@odata.count'] };
  if (Array.isArray(page.d)) return { records: page.d, next: undefined, count: undefined };
  return { records: page.d.results, next: page.d.__next, count: page.d.__count };
}

const DECIMAL = /^-?\d+(\.\d+)?$/;
/** Number of digits that a JavaScript number represents exactly. */
const EXACT_DIGITS = 15;

/** An Edm.Decimal as text. If a system sends a number instead, it is refused when digits may have been lost. */
export const odataDecimalText: z.ZodType<string> = z.union([
  z.string().regex(DECIMAL),
  z
    .number()
    .transform(String)
    .refine((text) => DECIMAL.test(text) && text.replace(/^-?0*\.?0*|\./g, '').length <= EXACT_DIGITS),
]);
