import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Role } from '../../src/context/caller.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { createTestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-bulk-audience-'));
// The operations and the audiences are in separate folders.
const [operations, audiences] = ['card', 'buyers'].map((name) => {
  const path = mkdtempSync(join(folder, name));
  writeFileSync(
    join(path, `${name}.graphql`),
    name === 'card'
      ? 'query Card($by: CustomerKey!) { customer(by: $by) { id orderCount { value } } }'
      : 'query Buyers { audience(where: { orderCount: { atLeast: 1 } }) { nodes { id } } }',
  );
  return pathToFileURL(`${path}/`);
});
const gateway = createTestGateway(
  {
    ...directSettings(),
    ...CALLER_SETTINGS,
    AUDIT_FILE: join(folder, 'audit.jsonl'),
    DEADLINE_MS: '30000',
    IDENTITY_PATIENCE_MS: '20000',
  },
  { ...(operations && { operations }), ...(audiences && { audiences }) },
  { freshness: 'as declared' },
);
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true });
});

const Row = z.object({
  line: z.number(),
  input: z.object({ id: z.string() }),
  data: z.object({
    customer: z.object({ id: z.string(), orderCount: z.object({ value: z.number() }).nullable() }),
  }),
});

async function post(query: string, role: Role = 'operator', headers: Record<string, string> = {}) {
  return gateway.fetch(`/bulk/Card?${query}`, {
    method: 'POST',
    headers: { ...(await headersOf(role)), ...headers },
  });
}

async function membersByQuery(role: Role, purpose: string): Promise<string[]> {
  const ids: string[] = [];
  for (let after: string | null = null; ;) {
    const response = await gateway.fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(await headersOf(role)), 'data-purpose': purpose },
      body: JSON.stringify({
        query:
          'query ($after: String) { audience(name: "Buyers", after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }',
        variables: { after },
      }),
    });
    const { audience } = z
      .object({
        data: z.object({
          audience: z.object({
            nodes: z.array(z.object({ id: z.string() })),
            pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string() }),
          }),
        }),
      })
      .parse(await response.json()).data;
    ids.push(...audience.nodes.map(({ id }) => id));
    if (!audience.pageInfo.hasNextPage) return ids;
    after = audience.pageInfo.endCursor;
  }
}

describe('bulk from an audience', () => {
  test.each<[Role, string]>([
    ['operator', 'SERVICE'],
    // Only customers who gave consent.
    ['campaign', 'MARKETING'],
  ])('for a %s with the purpose %s has a line for each member', async (role, purpose) => {
    const response = await post('audience=Buyers', role, { 'data-purpose': purpose });
    expect(response.status).toBe(200);
    const rows = (await response.text())
      .trim()
      .split('\n')
      .map((line) => Row.parse(JSON.parse(line)));
    const expected = await membersByQuery(role, purpose);
    expect(rows.length).toBeGreaterThan(10);
    expect(rows.map(({ input }) => input.id)).toEqual(expected);
    expect(rows.map(({ line }) => line)).toEqual(rows.map((_, i) => i + 1));
    for (const { data } of rows) expect(data.customer.orderCount?.value).toBeGreaterThan(0);
  });

  test('is a CSV with the id, if the client accepts that', async () => {
    const response = await post('audience=Buyers', 'operator', { accept: 'text/csv' });
    const [head = '', ...rows] = (await response.text()).trim().split(/\r?\n/);
    expect(head).toBe('line,input.id,id,orderCount.value,errors,asOf');
    expect(rows.length).toBeGreaterThan(10);
  });

  test.each<[string, string, Role, number, string]>([
    ['an unknown name', 'audience=Buyer', 'operator', 400, 'Did you mean'],
    ['a plan', 'audience=Buyers&plan', 'operator', 400, 'audiencePlan'],
    ['an endpoint', 'audience=Buyers&deliver=tool', 'operator', 400, 'endpoint'],
    ['the notification of an endpoint', 'audience=Buyers&notify=tool', 'operator', 400, 'endpoint'],
    ['masked values', 'audience=Buyers', 'analyst', 403, 'masked values'],
    ['a missing scope', 'audience=Buyers', 'frontend', 403, ''],
  ])('is refused for %s before the first line', async (_, query, role, status, message) => {
    const response = await post(query, role);
    expect(response.status).toBe(status);
    expect(await response.text()).toContain(message);
  });
});
