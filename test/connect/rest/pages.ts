/** Pages of a list in the styles of many systems. */

interface Paged {
  url: URL;
  rows: readonly object[];
  size: number;
  origin: string;
}

interface SentPage {
  body: unknown;
  headers?: Record<string, string>;
}

/** The rows from a position, and the position of the next page. */
function cut({ rows, size }: Paged, from: number): { rows: readonly object[]; next: number | null } {
  const to = from + size;
  return { rows: rows.slice(from, to), next: to < rows.length ? to : null };
}

function byCursor(paged: Paged, parameter: string) {
  return cut(paged, Number(paged.url.searchParams.get(parameter) ?? 0));
}

function byNumber(paged: Paged, parameter: string, first: number) {
  const number = Number(paged.url.searchParams.get(parameter) ?? first);
  return { number, ...cut(paged, (number - first) * paged.size) };
}

function linkTo({ url, origin }: Paged, changes: Record<string, number>, isAbsolute = true): string {
  const search = new URLSearchParams(url.searchParams);
  for (const [name, value] of Object.entries(changes)) search.set(name, String(value));
  return `${isAbsolute ? origin : ''}${url.pathname}?${search.toString()}`;
}

const token = (next: number | null) =>
  next === null ? null : Buffer.from(String(next)).toString('base64url');
const fromToken = (text: string | null) =>
  text === null ? 0 : Number(Buffer.from(text, 'base64url').toString());

export const STYLES = {
  'cursor in the body': (paged: Paged): SentPage => {
    const { rows, next } = byCursor(paged, 'cursor');
    return { body: { items: rows, next: next === null ? null : String(next) } };
  },
  'next token, nested': (paged: Paged): SentPage => {
    const { rows, next } = cut(paged, fromToken(paged.url.searchParams.get('page_token')));
    return { body: { data: rows, meta: { pagination: { next_page_token: token(next) } } } };
  },
  'number as cursor': (paged: Paged): SentPage => {
    const { rows, next } = byCursor(paged, 'after');
    return { body: { results: rows, paging: { next: { after: next } } } };
  },
  'empty text after the last page': (paged: Paged): SentPage => {
    const { rows, next } = cut(paged, fromToken(paged.url.searchParams.get('cursor')));
    return { body: { members: rows, response_metadata: { next_cursor: token(next) ?? '' } } };
  },
  'offset and limit': (paged: Paged): SentPage => ({ body: byCursor(paged, 'offset').rows }),
  'offset with a total': (paged: Paged): SentPage => ({
    body: { items: byCursor(paged, 'skip').rows, total: paged.rows.length },
  }),
  'index from 1': (paged: Paged): SentPage => {
    const from = Number(paged.url.searchParams.get('startIndex') ?? 1);
    return {
      body: {
        Resources: cut(paged, Math.max(0, from - 1)).rows,
        totalResults: paged.rows.length,
        startIndex: from,
      },
    };
  },
  'page from 1': (paged: Paged): SentPage => ({ body: byNumber(paged, 'page', 1).rows }),
  'page from 0': (paged: Paged): SentPage => ({ body: byNumber(paged, 'page', 0).rows }),
  'page with a total of pages': (paged: Paged): SentPage => {
    const { rows, number } = byNumber(paged, 'page', 1);
    return { body: { data: rows, page: number, total_pages: Math.ceil(paged.rows.length / paged.size) } };
  },
  'page from 0 with its number': (paged: Paged): SentPage => {
    const { rows, number } = byNumber(paged, 'page', 0);
    return { body: { content: rows, number, totalElements: paged.rows.length } };
  },
  'page in brackets': (paged: Paged): SentPage => {
    const { rows, number, next } = byNumber(paged, 'page[number]', 1);
    return {
      body: {
        data: rows,
        links: {
          self: paged.url.pathname,
          next: next === null ? null : linkTo(paged, { 'page[number]': number + 1 }),
        },
      },
    };
  },
  'header Link': (paged: Paged): SentPage => {
    const { rows, next } = byCursor(paged, 'since');
    return {
      body: rows,
      ...(next === null
        ? {}
        : {
            headers: {
              link: `<${linkTo(paged, { since: next })}>; rel="next", <${linkTo(paged, { since: 0 })}>; rel="first"`,
            },
          }),
    };
  },
  'absolute address in the body': (paged: Paged): SentPage => {
    const { rows, next } = byCursor(paged, 'from_row');
    return {
      body: { results: rows, next: next === null ? null : linkTo(paged, { from_row: next }), previous: null },
    };
  },
  'relative address in the body': (paged: Paged): SentPage => {
    const { rows, next } = byCursor(paged, 'from_row');
    return {
      body: { items: rows, links: next === null ? {} : { next: linkTo(paged, { from_row: next }, false) } },
    };
  },
  OData: (paged: Paged): SentPage => {
    const { rows, next } = byCursor(paged, '$skip');
    return {
      body: { value: rows, ...(next === null ? {} : { '@odata.nextLink': linkTo(paged, { $skip: next }) }) },
    };
  },
  'address of one record': (paged: Paged): SentPage => {
    const { rows, next } = byCursor(paged, 'cursor');
    return {
      body: {
        _embedded: { members: rows },
        _links: next === null ? {} : { next: { href: linkTo(paged, { cursor: next }) } },
      },
    };
  },
  'last id': (paged: Paged): SentPage => {
    const after = paged.url.searchParams.get('starting_after');
    const from = after === null ? 0 : paged.rows.findIndex((row) => idOf(row) === after) + 1;
    const { rows, next } = cut(paged, from);
    return { body: { data: rows, has_more: next !== null } };
  },
  'last id of a plain list': (paged: Paged): SentPage => {
    const after = paged.url.searchParams.get('since_id');
    const from = after === null ? 0 : paged.rows.findIndex((row) => idOf(row) === after) + 1;
    return { body: cut(paged, from).rows };
  },
  'token in a header': (paged: Paged): SentPage => {
    const { rows, next } = byCursor(paged, 'continuation');
    return { body: rows, ...(next === null ? {} : { headers: { 'x-continuation-token': String(next) } }) };
  },
} satisfies Record<string, (paged: Paged) => SentPage>;

export type PagingName = keyof typeof STYLES;

function idOf(row: object): string {
  return String(Reflect.get(row, 'id') ?? Reflect.get(row, 'loan_number'));
}

export function pageOf(name: PagingName, paged: Paged): SentPage {
  return STYLES[name](paged);
}
