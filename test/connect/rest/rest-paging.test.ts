import { afterEach, describe, expect, it } from 'vitest';
import { restCall, type Page } from '../../../src/declared/rest-grammar.js';
import { startServer, type SmallServer } from '../../../src/testing/small-server.js';
import { connectBy } from './connected.js';
import { LIBRARY_TOKEN, libraryOpenapi, librarySystem } from './library.js';
import { STYLES, type PagingName } from './pages.js';

let server: SmallServer | undefined;
afterEach(() => server?.close());

/** The parameters in the description, and the declaration of the list of loans. */
const EXPECTED: Readonly<
  Record<PagingName, { rows: string; parameters: readonly string[]; page: Partial<Page> }>
> = {
  'cursor in the body': {
    rows: 'items',
    parameters: ['limit', 'cursor'],
    page: { cursor: 'next', as: 'cursor' },
  },
  'next token, nested': {
    rows: 'data',
    parameters: ['limit', 'page_token'],
    page: { cursor: 'meta.pagination.next_page_token', as: 'page_token' },
  },
  'number as cursor': {
    rows: 'results',
    parameters: ['limit', 'after'],
    page: { cursor: 'paging.next.after', as: 'after' },
  },
  'empty text after the last page': {
    rows: 'members',
    parameters: ['limit', 'cursor'],
    page: { cursor: 'response_metadata.next_cursor', as: 'cursor' },
  },
  'offset and limit': {
    rows: '.',
    parameters: ['limit', 'offset'],
    page: { offset: 'offset', size: 50, limit: 'limit' },
  },
  'offset with a total': {
    rows: 'items',
    parameters: ['limit', 'skip'],
    page: { offset: 'skip', size: 50, limit: 'limit' },
  },
  'index from 1': {
    rows: 'Resources',
    parameters: ['limit', 'startIndex'],
    page: { offset: 'startIndex', size: 50, limit: 'limit' },
  },
  'page from 1': {
    rows: '.',
    parameters: ['limit', 'page'],
    page: { number: 'page', size: 50, limit: 'limit' },
  },
  'page from 0': {
    rows: '.',
    parameters: ['limit', 'page'],
    page: { number: 'page', size: 50, first: 0, limit: 'limit' },
  },
  'page with a total of pages': {
    rows: 'data',
    parameters: ['limit', 'page'],
    page: { number: 'page', size: 50, limit: 'limit' },
  },
  'page from 0 with its number': {
    rows: 'content',
    parameters: ['limit', 'page'],
    page: { number: 'page', size: 50, first: 0, limit: 'limit' },
  },
  'page in brackets': { rows: 'data', parameters: ['limit', 'page[number]'], page: { next: 'links.next' } },
  'header Link': { rows: '.', parameters: ['limit', 'since'], page: { link: 'header' } },
  'absolute address in the body': { rows: 'results', parameters: ['limit'], page: { next: 'next' } },
  'relative address in the body': { rows: 'items', parameters: ['limit'], page: { next: 'links.next' } },
  OData: { rows: 'value', parameters: ['limit', '$skip'], page: { next: '"@odata.nextLink"' } },
  'address of one record': {
    rows: '_embedded.members',
    parameters: ['limit'],
    page: { next: '_links.next.href' },
  },
  'last id': {
    rows: 'data',
    parameters: ['limit', 'starting_after'],
    page: { lastId: 'loan_number', as: 'starting_after', more: 'has_more' },
  },
  'last id of a plain list': {
    rows: '.',
    parameters: ['limit', 'since_id'],
    page: { lastId: 'loan_number', as: 'since_id', size: 50, limit: 'limit' },
  },
  'token in a header': {
    rows: '.',
    parameters: ['limit', 'continuation'],
    page: { header: 'x-continuation-token', as: 'continuation' },
  },
};

async function connectWith(paging: PagingName, maxPage = 100) {
  const { parameters, rows } = EXPECTED[paging];
  server = await startServer(librarySystem({ paging, maxPage }));
  const text = JSON.stringify(libraryOpenapi(parameters, rows));
  const environment = { LIBRARY_TOKEN, LIBRARY_URL: `${server.url}/api` };
  return connectBy({ what: 'library.json', path: '/x/library.json', text }, { environment });
}

describe('how a list continues', () => {
  it.each(Object.keys(STYLES) as PagingName[])('is measured: %s', async (paging) => {
    const { draft, budget } = await connectWith(paging);
    const { page } = EXPECTED[paging];
    const loans = draft.calls['loans']?.call;
    expect(budget.used).toBeLessThanOrEqual(20);
    const declared = restCall.parse(loans);
    const { maxItems, maxPages, ...style } = declared.page ?? { maxItems: 0 };
    expect(style).toEqual(page);
    expect(maxItems).toBe(200);
    expect(maxPages ?? 5).toBe(5);
  });
});
