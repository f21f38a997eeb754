import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { createFaultControl } from '../../sources/stand-ins/fault-control.js';
import { startStandIns } from '../../sources/stand-ins/index.js';

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-plan-'));
writeFileSync(
  join(folder, 'card.graphql'),
  `query Card($by: CustomerKey!) {
    customer(by: $by) {
      id name orderCount { value } openTicketCount { value } openInvoiceTotal { amounts { amount } }
      orders(first: 2) { nodes { number } } tickets(first: 3) { nodes { subject } }
    }
  }`,
);
writeFileSync(
  join(folder, 'name.graphql'),
  'query Name($by: CustomerKey!) { customer(by: $by) { id name } }',
);
// The calls for a few customers depend on who they are.
const standIns = await startStandIns({ customers: 600 });
writeFileSync(join(folder, 'never.graphql'), 'query Never($by: CustomerKey!) { customer(by: $by) { id } }');
const control = await createFaultControl(standIns.standIns);
const gatewayWith = (settings: Record<string, string>) =>
  createTestGateway(
    { ...control.settings, ...CALLER_SETTINGS, DEADLINE_MS: '20000', ...settings },
    { operations: pathToFileURL(`${folder}/`) },
  );
const fewGateway = gatewayWith({
  ORDER_SYSTEM_LIMITS: '{"quota":{"calls":10,"per":"day"},"bulkShare":0.1,"timeout":"20 s"}',
});
const closers: TestGateway[] = [fewGateway];
afterAll(async () => {
  for (const gateway of closers) await gateway.close();
  await control.close();
  await standIns.close();
  rmSync(folder, { recursive: true });
});

const Plan = z.strictObject({
  operation: z.string(),
  lines: z.number(),
  parts: z.number(),
  points: z.number().positive(),
  seconds: z.number(),
  basis: z.enum(['MEASURED', 'DECLARED']),
  systems: z.array(
    z.strictObject({
      source: z.string(),
      calls: z.number(),
      seconds: z.number().optional(),
      quota: z
        .strictObject({ calls: z.number(), per: z.string(), left: z.number(), atMost: z.number() })
        .optional(),
    }),
  ),
  refused: z.string().optional(),
});

async function requestOf(from: number, count: number): Promise<RequestInit> {
  const emails = Array.from({ length: count }, (_, i) => `customer-${from + i}@example.nl`);
  return {
    method: 'POST',
    headers: { 'content-type': 'text/csv', ...(await headersOf('operator')) },
    body: `email\n${emails.join('\n')}`,
  };
}

const postTo = (gateway: TestGateway) => async (path: string, from: number, count: number) =>
  gateway.fetch(`/bulk/${path}`, await requestOf(from, count));

const callsOf = async (work: () => Promise<unknown>): Promise<Record<string, number>> => {
  await control.heal();
  await work();
  return Object.fromEntries(
    Object.entries(control.counters()).flatMap(([name, { calls }]) => (calls === 0 ? [] : [[name, calls]])),
  );
};

const total = (calls: Record<string, number>) => Object.values(calls).reduce((sum, count) => sum + count, 0);

describe('POST /bulk/<operation>?plan', () => {
  test.each(['Card', 'Name'])(
    'plans the calls of %s within 10 % of those made, and calls no system',
    async (name) => {
      // The identities of other tests are cached.
      const gateway = gatewayWith({});
      closers.push(gateway);
      const post = postTo(gateway);
      await (await post(name, 1, 200)).text();
      let response: Response | undefined;
      expect(await callsOf(async () => (response = await post(`${name}?plan`, 201, 250)))).toEqual({});
      expect(response?.status).toBe(200);
      const plan = Plan.parse(await response?.json());
      expect(plan).toMatchObject({ operation: name, lines: 250, basis: 'MEASURED' });
      const systemCalls = await callsOf(async () => (await post(name, 201, 250)).text());
      const planned = Object.fromEntries(
        plan.systems.flatMap(({ source, calls }) => (calls === 0 ? [] : [[source, calls]])),
      );
      expect(Object.keys(planned).sort()).toEqual(Object.keys(systemCalls).sort());
      expect(Math.abs(total(planned) - total(systemCalls)) / total(systemCalls)).toBeLessThanOrEqual(0.1);
    },
  );

  test('plans by declarations before the first line was answered', async () => {
    const plan = Plan.parse(await (await postTo(fewGateway)('Never?plan', 1, 250)).json());
    expect(plan).toMatchObject({ lines: 250, parts: 2, basis: 'DECLARED' });
    expect(plan.systems.find(({ source }) => source === 'order-system')?.calls).toBeGreaterThan(0);
  });

  test('refuses a request that needs more than its share of a quota, before it calls a system', async () => {
    const systemCalls = await callsOf(async () => {
      const response = await fewGateway.fetch('/bulk/Card', await requestOf(1, 250));
      expect(response.status).toBe(413);
      expect(await response.json()).toMatchObject({
        errors: [
          {
            message: expect.stringMatching(
              /calls to order-system\. Bulk may use 1 of its quota of 10 a day/,
            ) as string,
            extensions: { code: 'LIMIT_EXCEEDED' },
          },
        ],
      });
    });
    expect(systemCalls).toEqual({});
    const planned = await fewGateway.fetch('/bulk/Card?plan', await requestOf(1, 250));
    expect(Plan.parse(await planned.json()).refused).toMatch(/order-system/);
  });
});
