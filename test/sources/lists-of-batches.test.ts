import { describe, expect, it } from 'vitest';
import {
  commentsOfTickets,
  organisationsOfUsers,
  positionOfCursor,
  ticketsCopiedToUsers,
  ticketsOfUsers,
  type CommentPosition,
  type CommentsOf,
} from '../../sources/contact-centre/loaders.js';
import { readTicketsOf } from '../../sources/contact-centre/tickets.js';
import { invoicePages, openTotals } from '../../sources/invoices/loaders.js';
import type { OdataClient, RestClient } from '../../src/index.js';
import type { z } from 'zod';

import { contextWith, customerWith } from './resolver-arguments.js';

describe('the lists of Zendesk', () => {
  it.each([
    [[true, true], true],
    [[true, false], false],
  ])('of users that were read %o are complete: %s', async (complete, isComplete) => {
    const context = contextWith((_, userId) => ({
      ...{ tickets: [{ recordId: userId }], isComplete: complete[Number(userId)] },
    }));
    expect(await readTicketsOf(customerWith(['0', '1']), context, ticketsOfUsers)).toEqual({
      ...{ tickets: [{ recordId: '0' }, { recordId: '1' }], isComplete },
    });
    expect(await readTicketsOf(customerWith([]), context, ticketsOfUsers)).toBeNull();
  });

  const ticket = (id: number, requester: number, copied: number[] = []) => ({
    ...{ id, requester_id: requester, status: 'open', email_cc_ids: copied },
    ...{ created_at: '2026-11-01T00:00:00Z', updated_at: '2026-11-01T00:00:00Z' },
  });
  /** The exports of tickets: `pages` for each call without a link. */
  const zendeskWith = (answers: Readonly<Record<string, unknown[][]>>) => {
    const queries: string[] = [];
    const pageOf = (query: string, at: number) => ({
      results: answers[query]?.[at] ?? [],
      meta: { has_more: at + 1 < (answers[query]?.length ?? 0) },
      links: { next: `${query}|${at + 1}` },
    });
    const client = {
      get: (schema: z.ZodType, _: string, { query }: { query: string }) => {
        queries.push(query);
        return Promise.resolve(schema.parse(pageOf(query, 0)));
      },
      follow: (schema: z.ZodType, link: string) => {
        const [query = '', at] = link.split('|');
        return Promise.resolve(schema.parse(pageOf(query, Number(at))));
      },
    } as unknown as RestClient;
    return { client, queries };
  };
  const tickets = (count: number, requester: number, from = 0) =>
    Array.from({ length: count }, (_, i) => ticket(from + i + 1, requester));
  const summary = (found: readonly unknown[]) =>
    (found as { tickets: unknown[]; isComplete: boolean }[]).map((of) => [of.tickets.length, of.isComplete]);

  it('of tickets are read again without a user who fills a page', async () => {
    const pages = [tickets(1_000, 7), [ticket(2_000, 8)], [], [], [], []];
    const { client, queries } = zendeskWith({
      'requester:7 requester:8': pages,
      'requester:8': [[ticket(2_000, 8), ticket(2_001, 8)]],
    });
    expect(summary(await ticketsOfUsers.load(['7', '8'], client))).toEqual([
      [1_000, false],
      [2, true],
    ]);
    expect(queries).toEqual(['requester:7 requester:8', 'requester:8']);
  });

  it('of tickets are all incomplete if no user fills a page', async () => {
    const pages = [tickets(999, 7), [ticket(2_000, 8)], [], [], [], []];
    const { client, queries } = zendeskWith({ 'requester:7 requester:8': pages });
    expect(summary(await ticketsOfUsers.load(['7', '8'], client))).toEqual([
      [999, false],
      [1, false],
    ]);
    expect(queries).toHaveLength(1);
  });

  it('of copied tickets lack those that a user only follows', async () => {
    const { client } = zendeskWith({ 'cc:7': [[ticket(1, 3, [7]), ticket(2, 3, [9])]] });
    expect(summary(await ticketsCopiedToUsers.load(['7'], client))).toEqual([[1, true]]);
    const wrong = zendeskWith({ 'requester:7': [[ticket(1, 3, [7])]] });
    await expect(ticketsOfUsers.load(['7'], wrong.client)).rejects.toMatchObject({ code: 'SOURCE_CONTRACT' });
  });

  it('of comments are cached for each part, and are about all users of the ticket', () => {
    const key = {
      ticketId: '1',
      requesterId: '7',
      copiedIds: ['8'],
      first: 2,
      position: { page: 'p', skip: 1 },
    };
    const texts = [
      key,
      { ...key, ticketId: '2' },
      { ...key, first: 3 },
      { ...key, position: { page: null, skip: 1 } },
      { ...key, position: { page: 'p', skip: 2 } },
      { ...key, requesterId: '9' },
      { ...key, copiedIds: [] },
    ].map((other) => commentsOfTickets.keyText?.(other));
    expect(new Set(texts).size).toBe(7);
    expect(commentsOfTickets.about?.(key, undefined as never)).toEqual([
      { namespace: 'zendeskUserId', value: '7' },
      { namespace: 'zendeskUserId', value: '8' },
    ]);
    expect(organisationsOfUsers.about?.({ id: '5', userId: '7' }, null)).toEqual([
      { type: 'Organisation', key: '5' },
      { namespace: 'zendeskUserId', value: '7' },
    ]);
    expect(organisationsOfUsers.keyText?.({ id: '5', userId: '7' })).not.toBe(
      organisationsOfUsers.keyText?.({ id: '5', userId: '8' }),
    );
  });
});

describe('the comments of a ticket of Zendesk', () => {
  const comment = (id: number, isPublic = true) => ({
    ...{ id, author_id: 7, body: 'x', public: isPublic, created_at: '2026-11-01T00:00:00Z' },
  });
  /** Two pages of the system, whose second one begins at the cursor c. */
  const answers: Readonly<Record<string, unknown[]>> = {
    '': [comment(1), comment(2, false), comment(3), comment(4)],
    c: [comment(5), comment(6)],
  };
  const zendeskComments = {
    get: (schema: z.ZodType, _: string, query: Record<string, string>) => {
      const cursor = query['page[after]'] ?? '';
      const meta = { has_more: cursor === '', after_cursor: cursor === '' ? 'c' : null };
      return Promise.resolve(schema.parse({ comments: answers[cursor], meta, links: {} }));
    },
  } as unknown as RestClient;

  it.each([1, 2, 3, 4, 5, 6])('are each shown once in pages of %d', async (first) => {
    const ids: string[] = [];
    let position: CommentPosition | undefined = { page: null, skip: 0 };
    while (position !== undefined) {
      const key: CommentsOf = { ticketId: '1', requesterId: '7', copiedIds: [], first, position };
      const [connection] = await Promise.all(commentsOfTickets.loadEach?.([key], zendeskComments) ?? []);
      const { hasNextPage, endCursor } = connection?.pageInfo ?? {};
      ids.push(...(connection?.nodes ?? []).map(({ recordId }) => recordId));
      position = hasNextPage === true ? positionOfCursor('1', endCursor ?? '') : undefined;
    }
    expect(ids).toEqual(['1', '3', '4', '5', '6']);
  });
});

describe('the lists of Business Central', () => {
  const invoice = (number: string, customer: string, invoiceDate: string) => ({
    ...{ number, invoiceDate, dueDate: null, billToCustomerNumber: customer, currencyCode: 'EUR' },
    ...{ orderNumber: null, totalAmountIncludingTax: '1', remainingAmount: '1', status: 'Open' },
  });
  /** Answers each call with the next list of parts. */
  const centralWith = (...answers: unknown[][]) => {
    const queries: Record<string, unknown>[] = [];
    const list = (_: z.ZodType, _set: string, query: Record<string, unknown>) => {
      queries.push(query);
      return Promise.resolve(answers[queries.length - 1] ?? answers.at(-1));
    };
    return { central: { list } as unknown as OdataClient, queries };
  };
  const key = { customerNumbers: ['D1'], first: 1, after: null, since: null, status: null };
  const numbersOf = (found: readonly unknown[]) =>
    found.map((page) =>
      page instanceof Error ? 'error' : (page as { number: string }[]).map((of) => of.number).join(),
    );

  it('are requested for the days of the page, newest first', async () => {
    const { central, queries } = centralWith([{ values: ['D1'], records: [], isComplete: true }]);
    const after = { at: '2026-11-05T00:00:00.000000Z', id: '9' };
    const page = { ...key, after, since: '2026-11-01T12:00:00Z', status: 'CANCELLED' as const };
    await invoicePages.load([page, { ...page, first: 4 }], central);
    const day = (text: string) => ({ 2: `datetime'${text}T00:00:00'`, 4: text });
    expect(queries).toMatchObject([
      {
        keys: { field: 'billToCustomerNumber', values: ['D1'] },
        where: [
          ['status', 'eq', 'Canceled'],
          ['invoiceDate', 'le', day('2026-11-05')],
          ['invoiceDate', 'ge', day('2026-11-01')],
        ],
        orderBy: ['invoiceDate desc'],
        pageSize: 27,
        maxPages: 5,
      },
    ]);
  });

  it.each([
    ['a whole list', [invoice('1', 'D1', '2026-11-03')], true, ['1']],
    [
      'a part with complete days',
      [invoice('1', 'D1', '2026-11-03'), invoice('2', 'D1', '2026-11-03'), invoice('3', 'D1', '2026-11-02')],
      false,
      ['2,1'],
    ],
    [
      'a part whose last day is incomplete',
      [invoice('1', 'D1', '2026-11-03'), invoice('2', 'D1', '2026-11-03')],
      false,
      ['error'],
    ],
    ['an empty part', [], false, ['error']],
  ])('show of %s only what is certain', async (_, records, isComplete, expected) => {
    const { central, queries } = centralWith([{ values: ['D1'], records, isComplete }]);
    expect(numbersOf(await invoicePages.load([key], central))).toEqual(expected);
    expect(queries).toHaveLength(expected[0] === 'error' ? 5 : 1);
  });

  it('are read again only for customers whose page is not full', async () => {
    const busy = ['3', '2', '1'].map((number) => invoice(number, 'D1', `2026-11-0${number}`));
    const { central, queries } = centralWith(
      [{ values: ['D1', 'D2'], records: busy, isComplete: false }],
      [{ values: ['D2'], records: [invoice('9', 'D2', '2025-01-01')], isComplete: true }],
    );
    const found = await invoicePages.load([key, { ...key, customerNumbers: ['D2'] }], central);
    expect(numbersOf(found)).toEqual(['3,2', '9']);
    expect(queries.map(({ keys }) => (keys as { values: string[] }).values)).toEqual([['D1', 'D2'], ['D2']]);
  });

  it('stop when the pages of all customers are full', async () => {
    const { central, queries } = centralWith([{ values: ['D1', 'D2'], records: [], isComplete: true }]);
    await invoicePages.load([key, { ...key, customerNumbers: ['D2', 'D3'] }], central);
    const isEnough = queries[0]?.['isEnough'] as (records: unknown[], values: string[]) => boolean;
    const of = (customer: string) =>
      ['3', '2', '1'].map((number) => invoice(`${customer}${number}`, customer, `2026-11-0${number}`));
    expect(isEnough(of('D1'), ['D1', 'D2'])).toBe(false);
    expect(isEnough(of('D1'), ['D1'])).toBe(true);
    const both = [...of('D1'), ...of('D2')].sort((a, b) => b.invoiceDate.localeCompare(a.invoiceDate));
    expect(isEnough(both, ['D1', 'D2'])).toBe(true);
  });

  it('leave out what comes before a position or a moment', async () => {
    const records = ['4', '3', '2'].map((number) => invoice(number, 'D1', '2026-11-03'));
    const at = '2026-11-03T00:00:00.000000Z';
    const read = async (more: object) => {
      const { central } = centralWith([{ values: ['D1'], records, isComplete: true }]);
      return numbersOf(await invoicePages.load([{ ...key, first: 9, ...more }], central));
    };
    expect(await read({ after: { at, id: '4' } })).toEqual(['3,2']);
    expect(await read({ since: at })).toEqual(['4,3,2']);
    expect(await read({ since: '2026-11-03T00:00:01Z' })).toEqual(['']);
    expect(await read({ customerNumbers: ['D1', 'D1'] })).toEqual(['4,3,2']);
  });

  it('are cached for each part', () => {
    const page = { ...key, customerNumbers: ['D1', 'D2'], after: { at: '2026-11-01', id: '2' } };
    const others = [
      { ...page, customerNumbers: ['D1'] },
      { ...page, first: 2 },
      { ...page, after: { at: '2026-11-02', id: '2' } },
      { ...page, after: { at: '2026-11-01', id: '3' } },
      { ...page, since: '2025-01-01' },
      { ...page, status: 'OPEN' as const },
    ];
    const texts = [page, ...others].map((other) => invoicePages.keyText?.(other));
    expect(new Set(texts).size).toBe(7);
    expect(invoicePages.keyText?.({ ...page, customerNumbers: ['D2', 'D1'] })).toBe(texts[0]);
    const groups = [page, ...others.slice(1)].map((other) => invoicePages.batchOf?.(other).id);
    expect(groups[1]).toBe(groups[0]);
    expect(groups.slice(4).every((group) => group !== groups[0])).toBe(true);
  });

  const open = (customer: string, number: string, remainingAmount: string, currencyCode = 'EUR') => ({
    ...{ number, billToCustomerNumber: customer, remainingAmount, currencyCode },
  });
  it('of open amounts are certain except for a customer that fills a part, and the last one of it', async () => {
    const part = (values: string[], records: unknown[], isComplete: boolean) => [
      { values, records, isComplete },
    ];
    const { central, queries } = centralWith(
      part(
        ['D1', 'D2', 'D3'],
        [open('D1', '1', '1.5'), open('D1', '2', '2', 'USD'), open('D2', '3', '9')],
        false,
      ),
      part(['D2', 'D3'], [open('D2', '3', '9')], false),
      part(['D3'], [], true),
    );
    expect(await openTotals.load(['D1', 'D2', 'D3'], central)).toEqual([
      {
        amounts: [
          { amount: '1.50', currency: 'EUR' },
          { amount: '2.00', currency: 'USD' },
        ],
        isComplete: true,
      },
      { amounts: [{ amount: '9.00', currency: 'EUR' }], isComplete: false },
      { amounts: [], isComplete: true },
    ]);
    expect(queries).toMatchObject([
      {
        where: [['status', 'eq', 'Open']],
        orderBy: ['billToCustomerNumber'],
        keys: { values: ['D1', 'D2', 'D3'] },
      },
      { keys: { values: ['D2', 'D3'] } },
      { keys: { values: ['D3'] } },
    ]);
    expect(openTotals.isComplete?.({ amounts: [], isComplete: false })).toBe(false);
  });
});
