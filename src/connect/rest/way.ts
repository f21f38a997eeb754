import type { QueryValue } from '../../declared/rest-grammar.js';
import type { Shape } from './shape.js';
import type { Operation } from './description.js';

/** A call that finds one person, or several by a list of keys. */
export interface PersonWay {
  /** A text that is stable and safe to print, such as `GET /v1/customers?email={key}`. */
  name: string;
  request: RequestTemplate;
  takes: 'key' | 'keys';
  /** The kind of the key, such as `id` or `email`. */
  kind: string;
  /** The path of the key in a row. */
  keyPath: string;
  record: Shape;
  /** What a record is, such as `Customer`. */
  thing: string;
  /** The path of the list in the answer. Undefined if the answer is one record. */
  rows: string | undefined;
  /** The path of the record in an answer that is one record. Records of other calls have other paths if it differs. */
  within: string;
  /** Whether the system searches texts, so that the rows may have other keys. */
  isSearch: boolean;
  /** Whether the address identifies one record. */
  isUnique: boolean;
  /** The maximum number of keys in a call, from the description. */
  declaredMax?: number;
  paging: PagingParameters;
  score: number;
  evidence: string;
}

/** A request in the syntax of a declaration. */
export interface RequestTemplate {
  method: 'GET' | 'POST';
  path: string;
  query: Readonly<Record<string, QueryValue>>;
  body?: unknown;
}

/** A call that lists records without a key, or those of one customer. */
export interface ListCall {
  name: string;
  request: RequestTemplate;
  record: Shape;
  thing: string;
  rows: string;
  paging: PagingParameters;
}

/** The related records of a customer. */
export interface RelatedList extends ListCall {
  call: string;
  /** The name of the key that the call sends: `id`, or another kind of key of the customer. */
  keyKind: string;
}

/** The names of the parameters by which the pages of a list are requested. */
export interface PagingParameters {
  size?: string;
  /** The maximum number of rows on a page, from the description. */
  maxSize?: number;
  page?: string;
  offset?: string;
  cursor?: string;
  /** A cursor that is the id of the last row. */
  lastId?: string;
}

const SIZE =
  /^(limit|size|take|count|top|\$top|maxresults|perpage|pagesize|resultsperpage|itemsperpage|pagelimit|numresults|rows|max|results|first)$/;
const PAGE = /^(page|pagenumber|pageno|pagenum|pagenr|currentpage|pageindex|p|pagina)$/;
const OFFSET = /^(offset|skip|start|startindex|startat|from|\$skip|pageoffset|first)$/;
const CURSOR =
  /^(cursor|after|pagecursor|pageafter|pagetoken|nexttoken|paginationtoken|continuationtoken|continuation|nextcursor|nextpagetoken|pageinfo|bookmark|marker|scrollid|token|startkey|startfrom|next|position|seek|endcursor)$/;
const LAST_ID = /^(startingafter|sinceid|afterid|lastid|fromid|minid|idafter)$/;

/** The paging parameters of a call. Of a name such as `searchCriteria[pageSize]`, the last part counts. */
export function pagingParametersOf(
  names: readonly { name: string; description?: string; maximum?: number }[],
): PagingParameters {
  const find = (pattern: RegExp) =>
    names.find(({ name }) => pattern.test(plainName(name)) || pattern.test(lastPart(name)));
  const size = find(SIZE);
  const [page, offset, cursor, lastId] = [PAGE, OFFSET, CURSOR, LAST_ID].map(
    (pattern) => find(pattern)?.name,
  );
  return {
    ...(size === undefined ? {} : { size: size.name }),
    ...(size?.maximum === undefined ? {} : { maxSize: size.maximum }),
    ...(page === undefined ? {} : { page }),
    ...(offset === undefined || offset === size?.name ? {} : { offset }),
    ...(cursor === undefined ? {} : { cursor }),
    ...(lastId === undefined ? {} : { lastId }),
  };
}

export function isPagingName(name: string): boolean {
  return [SIZE, PAGE, OFFSET, CURSOR, LAST_ID].some(
    (pattern) => pattern.test(plainName(name)) || pattern.test(lastPart(name)),
  );
}

const plainName = (name: string) => name.toLowerCase().replaceAll(/[^a-z$]/g, '');
/** `pageSize` of `searchCriteria[pageSize]`. */
const lastPart = (name: string) =>
  name.includes('[') ? plainName(/\[([^[\]]*)\]$/.exec(name)?.[1] ?? '') : '';

/** The values of the other required parameters. Undefined if one of them is not known. */
export function constantsOf(
  operation: Operation,
  sent: readonly string[],
): Readonly<Record<string, QueryValue>> | undefined {
  const constants: Record<string, QueryValue> = {};
  for (const { name, in: place, isRequired, value } of operation.parameters) {
    if (!isRequired || place === 'header' || sent.includes(name) || isPagingName(name)) continue;
    if (place === 'path' || value === undefined) return undefined;
    constants[name] = value;
  }
  return constants;
}
