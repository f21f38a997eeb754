import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fakeClock } from '../support/clock.js';
import { createTestGateway, patientSources, type TestGateway } from '../support/gateway.js';
import { faultControl, FOUR_SYSTEMS } from '../support/stand-ins.js';
import { ONE_CUSTOMER } from './queries.js';

const control = await faultControl([], FOUR_SYSTEMS);
const opened: TestGateway[] = [];
beforeEach(() => control.heal());
afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.close()));
});
afterAll(() => control.close());

function openGateway(options: Parameters<typeof createTestGateway>[1] = {}): TestGateway {
  const gateway = createTestGateway(control.settings, {
    sources: patientSources().map((source) => ({ ...source, freshness: { maxAge: '30 s' } })),
    ...options,
  });
  opened.push(gateway);
  return gateway;
}

interface Report {
  status: string;
  age: number;
  calls: number;
  records: number;
  retries: number;
  startedMs: number;
  durationMs: number;
}

async function send(
  gateway: TestGateway,
  query: string,
  headers: Record<string, string> = { 'x-sources': '1' },
) {
  const response = await gateway.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables: { by: { email: 'everywhere@example.nl' } } }),
  });
  const body = (await response.json()) as { extensions?: { sources?: Record<string, Report> } };
  return body.extensions?.sources;
}

const COMPANY = 'query($by: CustomerKey!) { customer(by: $by) { company { name } } }';
const calls = () =>
  Object.fromEntries(Object.entries(control.counters()).map(([name, counter]) => [name, counter.calls]));

describe('extensions.sources', () => {
  test('counts the calls to each system, and its records in the response', async () => {
    const gateway = openGateway();
    const cold = await send(gateway, ONE_CUSTOMER);
    const reported = Object.fromEntries(
      Object.entries(cold ?? {}).map(([name, report]) => [name, report.calls]),
    );
    expect(reported).toEqual(calls());
    for (const { status, records, retries } of Object.values(cold ?? {})) {
      expect({ status, retries }).toEqual({ status: 'live', retries: 0 });
      expect(records).toBeGreaterThan(0);
    }
    const warm = await send(gateway, ONE_CUSTOMER);
    for (const [name, report] of Object.entries(warm ?? {}))
      expect([name, report]).toMatchObject([
        name,
        { status: 'cached', calls: 0, records: cold?.[name]?.records },
      ]);
  });

  test('names the systems that were not needed', async () => {
    const report = await send(openGateway(), COMPANY);
    expect(report?.['crm-hubspot']).toMatchObject({ status: 'live' });
    for (const name of ['webshop', 'contact-centre'])
      expect(report?.[name]).toEqual({
        status: 'skipped',
        age: 0,
        calls: 0,
        records: 0,
        retries: 0,
        startedMs: 0,
        durationMs: 0,
      });
    expect(calls()).toMatchObject({ webshop: 0, 'contact-centre': 0 });
  });

  test('counts retries, also if the last one fails', async () => {
    await control.set('crm-hubspot', { fault: 'status', status: 503 });
    const report = await send(openGateway(), COMPANY);
    const { status, calls: callCount, retries, records } = report?.['crm-hubspot'] ?? {};
    expect({ status, records }).toEqual({ status: 'failed', records: 0 });
    expect(retries).toBeGreaterThan(0);
    expect(callCount).toBe(calls()['crm-hubspot']);
  });

  test('reports the time of the first call to a system, and the total duration', async () => {
    await control.set('crm-hubspot', { latencyMs: 60 });
    const report = await send(openGateway(), COMPANY);
    const crm = report?.['crm-hubspot'];
    // The calls are identification, the id of the company, and the company, in this order.
    expect(crm?.durationMs).toBeGreaterThan(3 * 60 - 5);
    expect(crm?.durationMs).toBeLessThan(10_000);
    expect(crm?.startedMs).toBeLessThan(10_000);
  });

  test('reports the age of the oldest part in whole seconds', async () => {
    const clock = fakeClock();
    const gateway = openGateway({ clock });
    await send(gateway, COMPANY);
    clock.advance(12_900);
    const report = await send(gateway, ONE_CUSTOMER);
    expect(report?.['crm-hubspot']).toMatchObject({ status: 'cached', age: 12 });
    expect(report?.webshop).toMatchObject({ status: 'live', age: 0 });
  });

  test('reports a shared call to both requests', async () => {
    const gateway = openGateway();
    const [first, second] = await Promise.all([send(gateway, COMPANY), send(gateway, COMPANY)]);
    expect(first?.['crm-hubspot']).toMatchObject({ status: 'live', calls: calls()['crm-hubspot'] });
    expect(second?.['crm-hubspot']).toMatchObject({ status: 'live', calls: calls()['crm-hubspot'] });
  });

  test.each<[string, Record<string, string>]>([
    ['it is not requested', {}],
    ['it is requested with another value', { 'x-sources': 'yes' }],
  ])('is absent if %s', async (_, headers) => {
    expect(await send(openGateway(), COMPANY, headers)).toBeUndefined();
  });

  test('contains no personal data', async () => {
    const gateway = openGateway();
    const text = JSON.stringify(await send(gateway, ONE_CUSTOMER));
    expect(text).not.toMatch(/@|everywhere|Eva|Meer/);
  });
});
