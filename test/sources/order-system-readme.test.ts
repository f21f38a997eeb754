import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { orderSystem } from '../../sources/order-system/index.js';
import { startEmbeddedServer } from '../../sources/stand-ins/embedded-server.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';

// A database and a login that are created only by the statements in the order system's README.
const README = readFileSync('sources/order-system/README.md', 'utf8');
const mark = randomBytes(5).toString('hex');
const database = `readme_${mark}`;
const reader = { name: `readme_reader_${mark}`, password: randomBytes(18).toString('hex') };

let server: { url: URL; close(): Promise<void> };
let gateway: TestGateway;

async function run(url: URL, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  const input = process.env.ORDER_SYSTEM_TEST_URL;
  if (input === undefined) {
    const embedded = await startEmbeddedServer();
    server = { url: new URL(embedded.connectionString), close: () => embedded.close() };
  } else {
    const drop = [`DROP DATABASE ${database} WITH (FORCE)`, `DROP ROLE ${reader.name}`];
    server = { url: new URL(input), close: () => run(new URL(input), drop) };
  }
  const blocks = [...README.matchAll(/```sql\n(.*?)```/gs)].map(([, text = '']) => text);
  const tables = blocks.filter((text) => text.includes('CREATE TABLE'));
  const grants = blocks.filter((text) => text.includes('GRANT'));
  const url = new URL(server.url);
  url.pathname = `/${database}`;
  await run(server.url, [`CREATE DATABASE ${database}`]);
  await run(url, [
    ...tables,
    ...grants.map((text) =>
      text.replaceAll('stekkerdoos', reader.name).replace("'...'", `'${reader.password}'`),
    ),
    `INSERT INTO customers (cust_no, email, email_verified, phone_verified, first_name, last_name, created_at)
     VALUES ('1', 'willing@example.nl', true, false, 'Wil', 'Ling', now()),
       ('2', 'unwilling@example.nl', true, false, 'Un', 'Willing', now())`,
    `INSERT INTO customer_consents (cust_no, purpose, status, changed_at)
     SELECT cust_no, purpose, CASE cust_no WHEN '1' THEN 'GIVEN' ELSE 'REFUSED' END, now()
     FROM customers, unnest(ARRAY['PERSONALISATION', 'MARKETING']) AS purpose`,
    `INSERT INTO orders VALUES ('A1', '1', NULL, 'PAID', 'EUR', now())`,
    `INSERT INTO order_lines VALUES ('A1', 1, 'SKU-1', 'A lamp', 2, 10.50)`,
    `INSERT INTO payments VALUES ('A1', 1, 'IDEAL', 21.00, now())`,
  ]);
  url.username = reader.name;
  url.password = reader.password;
  gateway = createTestGateway(
    { ...CALLER_SETTINGS, AUDIT_FILE: '/dev/null', DEADLINE_MS: '10000', ORDER_SYSTEM_URL: url.href },
    { sources: [orderSystem] },
  );
}, 60_000);

afterAll(async () => {
  await gateway.close();
  await server.close();
});

describe('a database and a login that are created by the README of the order system', () => {
  const query = (email: string) =>
    `{ customer(by: { email: "${email}" }) { name orders(first: 1) { nodes {
      number total { amount currency } lines { quantity } payments { method }
    } } } }`;

  test.each([
    ['operator', 'PERSONALISATION'],
    ['operator', 'MARKETING'],
    ['campaign', 'MARKETING'],
  ] as const)('answer the role %s for the purpose %s', async (role, purpose) => {
    const headers = await headersOf(role, { purpose });
    const shown = await gateway.query(query('willing@example.nl'), {}, headers);
    expect(shown.errors).toEqual([]);
    expect(shown.data).toEqual({
      customer: {
        name: 'Wil Ling',
        orders: {
          nodes: [
            {
              number: 'A1',
              total: { amount: '21.00', currency: 'EUR' },
              lines: [{ quantity: 2 }],
              payments: [{ method: 'IDEAL' }],
            },
          ],
        },
      },
    });
    const withheld = await gateway.query(query('unwilling@example.nl'), {}, headers);
    expect(withheld.data).toEqual({ customer: { name: null, orders: null } });
    expect(withheld.errors.map(({ extensions }) => extensions.code)).toEqual([
      'CONSENT_REQUIRED',
      'CONSENT_REQUIRED',
    ]);
  });
});
