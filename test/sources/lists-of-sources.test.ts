import { describe, expect, it } from 'vitest';
import { identity as zendesk } from '../../sources/contact-centre/identity.js';
import { organisations as zendeskOrganisations } from '../../sources/contact-centre/organisations.js';
import { resolvers as clickstream } from '../../sources/clickstream/resolvers.js';
import { eventPages, visitPages } from '../../sources/clickstream/loaders.js';
import { aboutPerson } from '../../sources/clickstream/people.js';
import { newestOfContacts, organisations as accounts } from '../../sources/crm-salesforce/lists.js';
import { chunksOf, runQueries } from '../../sources/crm-salesforce/soql.js';
import { errorKindOf } from '../../sources/crm-salesforce/wire.js';
import { timeline as cases } from '../../sources/crm-salesforce/timeline.js';
import { olderMentions } from '../../sources/x/loaders.js';
import { resolvers as x } from '../../sources/x/resolvers.js';
import type { Context } from '../../src/customer/customer.js';
import type { RestClient } from '../../src/index.js';
import { z } from 'zod';
import { contextWith, customerWith } from './resolver-arguments.js';

/** Calls a resolver as the gateway does. */
function resolve(resolver: unknown, parent: unknown, args: object, context: Context): unknown {
  return (resolver as (parent: unknown, args: object, context: Context) => unknown)(parent, args, context);
}

describe('the posts of X', () => {
  const post = (id: number, at: string) => ({ recordId: String(id), createdAt: at });
  const page = async (
    args: object,
    newest: { items: unknown[]; isComplete: boolean },
    ...older: { items: unknown[]; isComplete: boolean }[]
  ) => {
    const loaded: unknown[] = [];
    const context = contextWith((name, key) => {
      if (name === 'newestMentions') return newest;
      loaded.push((key as { beforeId: string }).beforeId);
      return older[loaded.length - 1];
    });
    const found = await resolve(x.XProfile?.mentions, { username: 'Jan' }, args, context);
    const { nodes, pageInfo } = found as {
      nodes: { recordId: string }[];
      pageInfo: { hasNextPage: boolean; endCursor: string };
    };
    return { ids: nodes.map(({ recordId }) => recordId).join(), ...pageInfo, loaded };
  };
  const newest = { items: [post(9, 'b'), post(8, 'a'), post(7, 'a')], isComplete: false };
  const older = { items: [post(6, 'a'), post(5, '0')], isComplete: true };

  it('are read until the page is full, and after each of one moment', async () => {
    const first = await page({ first: 2 }, newest, older);
    expect(first).toMatchObject({ ids: '9,8', hasNextPage: true, loaded: [] });
    const second = await page({ first: 2, after: first.endCursor }, newest, older);
    expect(second).toMatchObject({ ids: '7,6', hasNextPage: true, loaded: ['7'] });
    const third = await page({ first: 2, after: second.endCursor }, newest, older);
    expect(third).toMatchObject({ ids: '5', hasNextPage: false, loaded: ['7'] });
  });

  it('are read further if none were found before older ones', async () => {
    const nothing = { items: [], isComplete: false };
    expect(await page({ first: 5 }, nothing, older)).toMatchObject({ ids: '6,5', loaded: [null] });
    await expect(page({ first: 5 }, newest, nothing)).rejects.toMatchObject({ kind: 'incomplete' });
    expect(await page({ first: 5 }, newest, { items: [], isComplete: true })).toMatchObject({ ids: '9,8,7' });
  });

  it.each([
    ['20', ['9'], undefined],
    ['20', ['19', '20'], 'wrong-record'],
    ['9', ['10'], 'wrong-record'],
    ['10', ['9'], undefined],
    [null, ['30'], undefined],
  ])('before %s may be %o: %s', async (beforeId, ids, kind) => {
    const answer = {
      data: ids.map((id) => ({ id, text: '', author_id: '1', created_at: '2026-11-01T00:00:00Z' })),
      includes: { users: [{ id: '1', username: 'Jan' }] },
      meta: { next_token: 'more' },
    };
    const queries: Record<string, unknown>[] = [];
    const client = {
      api: {
        get: (schema: z.ZodType, _: string, query: Record<string, unknown>) => {
          queries.push(query);
          return Promise.resolve(schema.parse(answer));
        },
      },
      organisation: { value: 'winkel' },
    } as never;
    const [found] = olderMentions.loadEach?.([{ username: 'jan', beforeId }], client) ?? [];
    if (kind !== undefined) await expect(found).rejects.toMatchObject({ kind });
    else expect(await found).toMatchObject({ items: [{ recordId: ids[0] }], isComplete: false });
    expect(queries).toMatchObject([
      { query: '(from:jan) @winkel -is:retweet', sort_order: 'recency', until_id: beforeId ?? undefined },
    ]);
  });
});

describe('the product views of the click log', () => {
  const event = (id: string, at: string, skus: string[]) => ({
    ...{ recordId: id, at, happenedAt: at, products: skus.map((sku) => ({ sku })) },
  });
  const all = [
    event('e4', '4', ['a', 'b']),
    event('e3', '3', []),
    event('e2', '2', []),
    event('e1', '1', ['c', 'd']),
  ];
  const page = async (args: object) => {
    const loaded: string[] = [];
    const context = contextWith((_, key) => {
      const { size, after, names } = key as {
        size: number;
        after: { at: string; id: string } | null;
        names: string[];
      };
      loaded.push(`${size} ${after?.id ?? '-'} ${names.join()}`);
      return all
        .filter(
          ({ at, recordId }) => after === null || at < after.at || (at === after.at && recordId < after.id),
        )
        .slice(0, size);
    });
    const found = await resolve(clickstream.Customer?.productViews, customerWith(['1']), args, context);
    const { nodes, pageInfo } = found as {
      nodes: { product: { sku: string } }[];
      pageInfo: { hasNextPage: boolean; endCursor: string };
    };
    return { skus: nodes.map(({ product }) => product.sku).join(), ...pageInfo, loaded };
  };

  it('continue within an event, and after events without a product', async () => {
    const first = await page({ first: 1 });
    expect(first).toMatchObject({ skus: 'a', hasNextPage: true, loaded: ['2 - product_view'] });
    const second = await page({ first: 1, after: first.endCursor });
    expect(second).toMatchObject({ skus: 'b', hasNextPage: true });
    expect(second.loaded).toEqual(['2 e4  product_view', '2 e3 product_view']);
    const third = await page({ first: 2, after: second.endCursor });
    expect(third).toMatchObject({ skus: 'c,d', hasNextPage: false });
    expect((await page({ first: 9 })).skus).toBe('a,b,c,d');
  });

  it('are those of a person with a number, and of the device that the caller named', async () => {
    const loaded: unknown[] = [];
    const context = contextWith((_, key) => {
      loaded.push((key as { person: unknown }).person);
      return [];
    });
    const of = (ids: string[], namespace: string) => ({
      ...customerWith(ids),
      identity: { start: { namespace, value: 'v' } },
    });
    const visits = clickstream.Customer?.visits;
    await resolve(visits, of(['1'], 'email'), { first: 1 }, context);
    await resolve(visits, of(['1'], 'visitorId'), { first: 1 }, context);
    await resolve(visits, of([], 'visitorId'), { first: 1 }, context);
    expect(loaded).toEqual([
      { customerNumbers: ['1'], visitorId: null },
      { customerNumbers: ['1'], visitorId: 'v' },
    ]);
  });

  it('are cached for each part, and are about each number and the device', () => {
    const person = { customerNumbers: ['1', '2'], visitorId: 'v' };
    const key = { person, size: 1, after: { at: '1', id: 'e' }, since: '0', names: ['a'] };
    const others = [
      { ...key, person: { ...person, visitorId: null } },
      { ...key, person: { ...person, customerNumbers: ['1'] } },
      { ...key, size: 2 },
      { ...key, after: { at: '2', id: 'e' } },
      { ...key, after: { at: '1', id: 'f' } },
    ];
    for (const loader of [visitPages, eventPages] as { keyText?(key: unknown): string }[]) {
      const texts = [key, ...others].map((other) => loader.keyText?.(other));
      expect(new Set(texts).size).toBe(6);
      expect(loader.keyText?.({ ...key, person: { ...person, customerNumbers: ['2', '1'] } })).toBe(texts[0]);
    }
    expect(visitPages.keyText?.({ ...key, since: null })).not.toBe(visitPages.keyText?.(key));
    expect(eventPages.keyText?.({ ...key, names: null })).not.toBe(eventPages.keyText?.(key));
    expect(aboutPerson(person).map(({ namespace, value }) => `${namespace} ${value}`)).toEqual([
      'customerNumber 1',
      'customerNumber 2',
      'visitorId v',
    ]);
  });
});

describe('the lists of Salesforce', () => {
  const dated = (count: number) => Array.from({ length: count }, (_, i) => ({ createdAt: String(i) }));

  it.each([
    [999, 999, []],
    [1_000, 1_000, []],
    [1_001, 1_000, ['999']],
  ])('of a contact with %d records have %d', async (count, items, readBackTo) => {
    const part = await newestOfContacts(
      customerWith(['1', '2']),
      (id) => Promise.resolve(dated(id === '1' ? count : 1)),
      ({ createdAt }) => createdAt,
    );
    expect([part.items.length, part.readBackTo]).toEqual([items + 1, readBackTo]);
  });

  it('have cases by phone as calls, with the status of the organisation', async () => {
    const record = {
      recordId: '5',
      channel: 'Phone',
      createdAt: 'a',
      subject: 's',
      statusText: 'Nieuw',
      status: 'NEW',
    };
    const context = contextWith(() => [record, { ...record, channel: 'Web' }]);
    const request = { kinds: new Set(cases.kinds), first: 1, before: null, since: null };
    expect(await cases.page(customerWith(['1']), request, context)).toEqual({
      items: ['CALL', 'TICKET'].map((kind) => ({ kind, at: 'a', id: '5', title: 's', status: 'Nieuw' })),
      readBackTo: [],
    });
  });

  it.each([
    ['Salesforce', accounts, { accountId: 'A' }, { accountId: null }],
    ['Zendesk', zendeskOrganisations, { organisationId: 'A' }, { organisationId: null }],
  ])('of organisations in %s have each one once', async (_, declared, member, empty) => {
    const records = [
      { id: '1', ...member },
      { id: '2', ...member },
      { id: '3', ...empty },
      { id: '4', ...member },
    ];
    const context = contextWith((_name, key) => {
      const { contactId, userId } = key as { contactId?: string; userId?: string };
      return (contactId ?? userId) === '4' ? null : { recordId: 'A' };
    });
    expect(await declared.ofCustomer(customerWith([], records), context)).toEqual([{ recordId: 'A' }]);
    expect(zendesk.yields).toMatchObject({ phone: 'shown' });
  });

  it.each([
    [403, 'REQUEST_LIMIT_EXCEEDED', 'rate-limited'],
    [400, 'QUERY_TIMEOUT', 'unavailable'],
    [400, 'SERVER_UNAVAILABLE', 'unavailable'],
    [503, 'SERVER_UNAVAILABLE', undefined],
    [400, 'MALFORMED_QUERY', undefined],
  ])('fail by status %d and code %s as %s', (status, errorCode, kind) => {
    expect(errorKindOf(status, [{ errorCode }])).toBe(kind);
    expect(errorKindOf(status, [{ errorCode: 'OTHER' }, { errorCode }])).toBe(kind);
    expect(errorKindOf(status, { errorCode })).toBeUndefined();
  });

  const query = (list: string) => `SELECT Id FROM Contact WHERE A IN (${list}) OR B IN (${list})`;
  it('fill as few queries as fit, each with all values of its keys', () => {
    const keys = Array.from({ length: 400 }, (_, i) => `${i}`.padStart(30, 'k'));
    const chunks = chunksOf(keys, (key) => [key, "it's"], query);
    expect(chunks.flatMap((chunk) => chunk.keys)).toEqual(keys);
    const lengths = chunks.map(({ soql }) => encodeURIComponent(soql).length);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(12_000);
    // One more key would not fit.
    for (const length of lengths.slice(0, -1)) expect(length).toBeGreaterThan(12_000 - 200);
    expect(chunksOf(['a', ''], (key) => [key, 'x'.repeat(81)], query).map((chunk) => chunk.keys)).toEqual([
      ['a'],
    ]);
    expect(chunksOf(['a'], () => ['x'.repeat(80)], query)).toHaveLength(1);
    expect(chunksOf(['a'], () => ['x\n'], query)).toEqual([]);
  });

  it.each([
    [404, { errorCode: 'NOT_FOUND' }, 'SOURCE_CONTRACT'],
    [403, { errorCode: 'INSUFFICIENT_ACCESS' }, 'SOURCE_FORBIDDEN'],
    [403, { errorCode: 'REQUEST_LIMIT_EXCEEDED' }, 'SOURCE_RATE_LIMITED'],
    [500, { errorCode: 'UNKNOWN_EXCEPTION' }, 'SOURCE_UNAVAILABLE'],
    [503, { errorCode: 'OTHER' }, 'SOURCE_UNAVAILABLE'],
  ])('fail in part by status %d and %o as %s', async (httpStatusCode, error, code) => {
    const body = { done: true, records: [{ Id: 'a' }] };
    const salesforce = {
      post: () =>
        Promise.resolve({
          compositeResponse: [
            { referenceId: 'q1', httpStatusCode, body: [error] },
            { referenceId: 'q0', httpStatusCode: 200, body },
          ],
        }),
    } as unknown as RestClient;
    const chunks = [
      { keys: ['1'], soql: 'a' },
      { keys: ['2'], soql: 'b' },
    ];
    const record = z.object({ Id: z.string() });
    const [first, second, third] = runQueries(salesforce, record, {
      ...{ keys: ['1', '2', '3'], chunks, nothing: 'nothing' },
      read: (_, records) => records.map(({ Id }) => Id),
    });
    expect(await first).toBe('a');
    await expect(second).rejects.toMatchObject({ code });
    expect(await third).toBe('nothing');
  });

  it('fail if a query has no answer', async () => {
    const body = { done: true, records: [] };
    const salesforce = {
      post: () => Promise.resolve({ compositeResponse: [{ referenceId: 'q0', httpStatusCode: 200, body }] }),
    } as unknown as RestClient;
    const chunks = ['1', '2'].map((key) => ({ keys: [key], soql: key }));
    const all = runQueries(salesforce, z.object({}), {
      keys: ['1', '2'],
      chunks,
      nothing: 0,
      read: () => [],
    });
    for (const result of all) await expect(result).rejects.toMatchObject({ code: 'SOURCE_CONTRACT' });
  });
});
