import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as send, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse as parseCsv } from 'csv-parse/sync';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readPersistedOperations } from '../../src/operation/persisted-operations.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { createTestGateway } from '../support/gateway.js';
import { faultControl, FOUR_SYSTEMS } from '../support/stand-ins.js';

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-bulk-'));
const auditFile = join(folder, 'audit.jsonl');
const control = await faultControl([], FOUR_SYSTEMS);
writeFileSync(
  join(folder, 'card.graphql'),
  `query Card($by: CustomerKey!, $first: Int = 2) {
    customer(by: $by) {
      id name primaryEmail orderCount { value } openTicketCount { value }
      orders(first: $first) { nodes { number total { amount } } }
    }
  }`,
);
writeFileSync(
  join(folder, 'list.graphql'),
  'query List($by: [CustomerKey!]!) { customers(by: $by) { id name } }',
);
writeFileSync(
  join(folder, 'two.graphql'),
  'query Two($by: CustomerKey!) { customer(by: $by) { id } me { id } }',
);
const operations = pathToFileURL(`${folder}/`);
const gateway = createTestGateway(
  { ...control.settings, ...CALLER_SETTINGS, AUDIT_FILE: auditFile, DEADLINE_MS: '20000' },
  { operations },
);
afterEach(() => control.heal());
afterAll(async () => {
  await gateway.close();
  await control.close();
  rmSync(folder, { recursive: true });
});

const Row = z.strictObject({
  line: z.number(),
  input: z.record(z.string(), z.unknown()).optional(),
  data: z.record(z.string(), z.unknown()).nullable(),
  errors: z
    .array(
      z.strictObject({
        message: z.string(),
        path: z.array(z.union([z.string(), z.number()])).optional(),
        extensions: z.looseObject({ code: z.string() }),
      }),
    )
    .optional(),
  asOf: z.iso.datetime().optional(),
});
type Row = z.infer<typeof Row>;

async function post(
  operation: string,
  body: string,
  headers: Record<string, string> = {},
  role: 'operator' | 'campaign' = 'operator',
): Promise<Response> {
  return gateway.fetch(`/bulk/${operation}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson', ...(await headersOf(role)), ...headers },
    body,
  });
}

const rowsIn = (text: string): Row[] =>
  text
    .trim()
    .split('\n')
    .map((line) => Row.parse(JSON.parse(line)));
const rowsOf = async (...request: Parameters<typeof post>) => rowsIn(await (await post(...request)).text());
const linesOf = (emails: readonly string[]) => emails.map((email) => JSON.stringify({ email })).join('\n');
const codesOf = (row: Row | undefined) => row?.errors?.map(({ extensions }) => extensions.code);

const EMAILS = Array.from({ length: 30 }, (_, i) => `customer-${i + 1}@example.nl`);
const card = readPersistedOperations(operations).find(({ name }) => name === 'Card');

describe('POST /bulk/<operation>', () => {
  test('returns for each line what the operation returns for that customer alone, in their order', async () => {
    const response = await post('Card', linesOf([...EMAILS, 'unknown@example.com']));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const rows = rowsIn(await response.text());
    expect(rows.map(({ line }) => line)).toEqual(Array.from({ length: 31 }, (_, i) => i + 1));
    expect(rows[30]).toMatchObject({ input: { email: 'unknown@example.com' }, data: { customer: null } });
    for (const [i, email] of EMAILS.entries()) {
      const single = await gateway.fetch('/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(await headersOf('operator')) },
        body: JSON.stringify({ documentId: card?.documentId, variables: { by: { email } } }),
      });
      const { data } = z.object({ data: z.unknown() }).parse(await single.json());
      expect(rows[i]?.data).toEqual(data);
      expect(rows[i]?.asOf).toBeDefined();
    }
  });

  test('answers an operation of a list of customers, by its name in any case', async () => {
    const [row, unknown] = await rowsOf('list', linesOf(['customer-5@example.nl', 'unknown@example.com']));
    const [expected] = await rowsOf('Card', linesOf(['customer-5@example.nl']));
    expect(row?.data?.['customer']).toMatchObject({
      name: z.object({ name: z.string() }).parse(expected?.data?.['customer']).name,
    });
    expect(unknown?.data).toEqual({ customer: null });
    const csv = await post('List', 'email\ncustomer-5@example.nl', {
      ...{ 'content-type': 'text/csv', accept: 'text/csv' },
    });
    expect((await csv.text()).split('\n')[0]).toBe('line,input.email,id,name,errors,asOf');
  });

  test('calls each system once for many lines', async () => {
    const callsFor = async (emails: readonly string[]) => {
      await control.heal();
      await rowsOf('Card', linesOf(emails));
      return Object.fromEntries(Object.entries(control.counters()).map(([name, { calls }]) => [name, calls]));
    };
    const ofOne = await callsFor(EMAILS.slice(0, 1));
    expect(ofOne['order-system']).toBeGreaterThan(0);
    const ofAll = await callsFor(EMAILS);
    expect(ofAll['order-system']).toBe(ofOne['order-system']);
  });

  test('reports an invalid line in its own row, and answers the others', async () => {
    const body = [
      '{"email":"customer-5@example.nl","segment":"A"}',
      'not json',
      '',
      '{"segment":"B"}',
      '{"email":"customer-5@example.nl","customerNumber":"1"}',
      '{"email":null}',
      '{"email":"not an address"}',
      '{"email":"customer-5@example.nl"}',
    ].join('\n');
    const rows = await rowsOf('Card', body);
    expect(rows.map(({ line }) => line)).toEqual([1, 2, 4, 5, 6, 7, 8]);
    expect(rows[0]?.input).toEqual({ email: 'customer-5@example.nl', segment: 'A' });
    expect(rows.map(codesOf)).toEqual([
      undefined,
      ['BAD_USER_INPUT'],
      ['BAD_USER_INPUT'],
      ['BAD_USER_INPUT'],
      ['BAD_USER_INPUT'],
      ['BAD_USER_INPUT'],
      undefined,
    ]);
    expect(rows[6]?.data).toEqual(rows[0]?.data);
  });

  test('reads and writes CSV, with a column for each selected value', async () => {
    const body =
      'segment,email\r\n"gold, or more",customer-5@example.nl\r\n=1+1,unknown@example.com\r\nshort\r\n';
    const response = await post('Card', body, { 'content-type': 'text/csv', accept: 'text/csv' });
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const [first, second, third] = z
      .array(z.record(z.string(), z.string()))
      .parse(parseCsv(await response.text(), { columns: true }));
    const [row] = await rowsOf('Card', linesOf(['customer-5@example.nl']));
    const customer = z
      .object({ name: z.string(), orderCount: z.object({ value: z.number() }) })
      .parse(row?.data?.['customer']);
    expect(first).toMatchObject({
      line: '2',
      'input.segment': 'gold, or more',
      'input.email': 'customer-5@example.nl',
      name: customer.name,
      'orderCount.value': String(customer.orderCount.value),
      errors: '',
    });
    // A spreadsheet does not execute it.
    expect(second).toMatchObject({ line: '3', 'input.segment': "'=1+1", name: '' });
    expect(third).toMatchObject({ line: '4', errors: 'BAD_USER_INPUT' });
  });

  const cells: [string, string][] = [
    ['+31612345678', '+31612345678'],
    ['+31 (0)20-123 45 67', '+31 (0)20-123 45 67'],
    ['-12.50', '-12.50'],
    ['plain - text', 'plain - text'],
    ['=SUM(A1)', "'=SUM(A1)"],
    ['+A1', "'+A1"],
    ['-2+cmd|x', "'-2+cmd|x"],
    ['@SUM(1)', "'@SUM(1)"],
    ['\uff1d1+1', "'\uff1d1+1"],
  ];
  test.each(cells)('writes the value %s to a CSV as %s', async (value, expected) => {
    const csv = await post('Card', `email,note\nunknown@example.com,"${value}"`, {
      'content-type': 'text/csv',
      accept: 'text/csv',
    });
    expect(
      z.array(z.record(z.string(), z.string())).parse(parseCsv(await csv.text(), { columns: true }))[0],
    ).toMatchObject({ 'input.note': expected });
  });

  test('applies consent, and audits each customer', async () => {
    const before = readFileSync(auditFile, 'utf8').trim().split('\n').length;
    const rows = await rowsOf('Card', linesOf(['no-marketing@example.nl']), {}, 'campaign');
    expect(rows[0]?.errors?.map(({ extensions }) => extensions.code)).toContain('CONSENT_REQUIRED');
    expect(rows[0]?.errors?.[0]?.path?.[0]).toBe('customer');
    const audited = readFileSync(auditFile, 'utf8').trim().split('\n').slice(before);
    expect(audited.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { caller: 'campaign', operation: { name: 'Card' }, customers: [expect.any(String)] },
    ]);
  });

  test('says in each affected row which system failed', async () => {
    await control.set('contact-centre', { fault: 'down' });
    const rows = await rowsOf('Card', linesOf(['everywhere@example.nl', 'customer-5@example.nl']));
    for (const row of rows) {
      expect(row.data?.['customer']).toMatchObject({ id: expect.any(String) as string });
      expect(codesOf(row)).toContain('SOURCE_UNAVAILABLE');
    }
  });

  test('stops when the client disconnects', async () => {
    const server = createServer(gateway.handler);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('There is no port.');
    const emails = Array.from({ length: 5_000 }, (_, i) => `customer-${(i % 100) + 1}@example.nl`);
    const request = send({
      ...{ port: address.port, method: 'POST', path: '/bulk/Card' },
      headers: { 'content-type': 'application/x-ndjson', ...(await headersOf('operator')) },
    });
    request.on('error', () => undefined).end(linesOf(emails));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    await once(response, 'data');
    request.destroy();
    await new Promise((resolve) => server.close(resolve));
    const audited = () => readFileSync(auditFile, 'utf8').trim().split('\n').length;
    const before = audited();
    // All other requests end first, so a further part would have been answered by then.
    await rowsOf('Card', linesOf(EMAILS));
    expect(audited() - before).toBeLessThanOrEqual(2);
  });

  const refusals: [string, string, RequestInit, number, RegExp][] = [
    ['an unknown operation', 'Unknown', {}, 404, /no persisted operation/],
    ['an operation of two fields', 'Two', {}, 400, /one field, customer/],
    ['another method', 'Card', { method: 'GET' }, 405, /by POST/],
    ['another content type', 'Card', { headers: { 'content-type': 'text/plain' } }, 415, /x-ndjson/],
    [
      'a CSV without an identifier',
      'Card',
      { headers: { 'content-type': 'text/csv' }, body: 'name,mail\nEva,eva@example.nl' },
      400,
      /exactly one column after a kind: .*email/,
    ],
    ['variables that are not JSON', 'Card?variables=x', {}, 400, /"variables"/],
    ['text that is not UTF-8', 'Card', { body: new Uint8Array([0xff, 0xfe]) }, 400, /UTF-8/],
  ];
  test.each(refusals)('refuses %s', async (_, path, { headers, body, method = 'POST' }, status, message) => {
    const response = await gateway.fetch(`/bulk/${path}`, {
      method,
      headers: {
        'content-type': 'application/x-ndjson',
        ...(await headersOf('operator')),
        ...(headers as Record<string, string> | undefined),
      },
      ...(method === 'POST' ? { body: body ?? linesOf(['customer-5@example.nl']) } : {}),
    });
    expect(response.status).toBe(status);
    const { errors } = z
      .object({ errors: z.array(z.object({ message: z.string() })) })
      .parse(await response.json());
    expect(errors[0]?.message).toMatch(message);
    expect(errors[0]?.message).not.toContain('eva@');
  });

  test('needs a caller', async () => {
    const response = await gateway.fetch('/bulk/Card', {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: linesOf(['customer-5@example.nl']),
    });
    expect(response.status).toBe(401);
  });
});
