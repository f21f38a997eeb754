import type { z } from 'zod';
import { describe, expect, test } from 'vitest';
import { conditions as contactCentre } from '../../sources/contact-centre/conditions.js';
import { conditions as crm } from '../../sources/crm-hubspot/conditions.js';
import type { AnyCondition, RestClient } from '../../src/index.js';

/** The list of the only condition of a source. */
function listOf([condition]: readonly AnyCondition<RestClient>[]) {
  if (condition === undefined || typeof condition.list === 'string') throw new Error('There is no list.');
  return condition.list as Extract<typeof condition.list, object> & { loader: { load: Load } };
}
type Load = (keys: readonly object[], client: RestClient) => PromiseLike<readonly unknown[]>;

/** A Zendesk that notes the queries, and whose export has these pages. */
function zendesk(pages: readonly number[][], queries: unknown[] = []): RestClient {
  const page = (schema: z.ZodType, index: number) =>
    Promise.resolve(
      schema.parse({
        results: (pages[index] ?? pages.at(-1) ?? []).map((requester_id) => ({ requester_id })),
        meta: { has_more: index + 1 < pages.length, after_cursor: 'x' },
        links: { next: String(index + 1) },
      }),
    );
  return {
    get: (schema: z.ZodType, _path: string, parameters: object) => {
      queries.push(parameters);
      return page(schema, 0);
    },
    follow: (schema: z.ZodType, link: string) => page(schema, Number(link)),
  } as unknown as RestClient;
}

describe('the list of customers with tickets at Zendesk', () => {
  const load: Load = (keys, client) => listOf(contactCentre).loader.load(keys, client);

  test('has each requester once, by id, behind the last one', async () => {
    const system = zendesk([
      [30, 7, 30],
      [200, 7],
    ]);
    const request = (after: string | null, first: number) => ({
      comparison: { some: { isOpen: true } },
      after,
      first,
    });
    expect(await load([request(null, 2), request('30', 2), request('200', 2)], system)).toEqual([
      { recordIds: ['7', '30'], hasMore: true },
      { recordIds: ['200'], hasMore: false },
      { recordIds: [], hasMore: false },
    ]);
  });

  test('is refused if there are more tickets than can be read, so that no customer is missing', async () => {
    const system = zendesk(Array.from({ length: 11 }, (_, i) => [i + 1]));
    await expect(
      load([{ comparison: { some: { isOpen: true } }, after: null, first: 5 }], system),
    ).rejects.toMatchObject({ code: 'SOURCE_CONTRACT' });
  });

  test('is searched by whole seconds that contain the requested time, and not at all without a possible state', async () => {
    const queries: unknown[] = [];
    const createdAt = { since: '2026-09-01T00:00:00.900Z', before: '2026-09-02T00:00:00.100Z' };
    await load(
      [
        { comparison: { some: { status: ['OPEN'], createdAt } }, after: null, first: 5 },
        { comparison: { some: { status: ['OPEN'], isOpen: false } }, after: null, first: 5 },
      ],
      zendesk([[1]], queries),
    );
    expect(queries).toEqual([
      expect.objectContaining({
        query: 'status:open created>=2026-09-01T00:00:00Z created<2026-09-02T00:00:01Z',
      }),
    ]);
  });
});

test('the list of contacts of HubSpot continues behind an id, past 10,000 results', async () => {
  const searches: unknown[] = [];
  const hubspot = {
    post: (schema: z.ZodType, _path: string, body: unknown) => {
      searches.push(body);
      return Promise.resolve(schema.parse({ total: 20_000, results: [], paging: null }));
    },
  } as unknown as RestClient;
  const list = listOf(crm);
  await list.loader.load([{ comparison: { in: ['customer'] }, after: '512', first: 200 }], hubspot);
  expect(searches).toMatchObject([
    {
      filterGroups: [
        { filters: [{ operator: 'IN' }, { propertyName: 'hs_object_id', operator: 'GT', value: '512' }] },
      ],
      sorts: [{ propertyName: 'hs_object_id', direction: 'ASCENDING' }],
    },
  ]);
  expect(await list.count.load([{ in: ['customer'] } as never], hubspot)).toEqual([20_000]);
});
