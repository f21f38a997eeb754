import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { sources } from '../../sources/index.js';
import { startStandIns } from '../../sources/stand-ins/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { fakeClock } from '../support/clock.js';
import { createTestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { faultControl } from '../support/stand-ins.js';

const COUNT = 500;
/**
 * The maximum number of keys in one call: https://developers.hubspot.com, https://developer.zendesk.com, and the cost
 * limit of the webshop.
 */
const MAX_BATCH = { 'order-system': Infinity, webshop: 250, 'contact-centre': 100, 'crm-hubspot': 100 };

const standIns = await startStandIns({ customers: COUNT });
const control = await faultControl(standIns.standIns);
const clock = fakeClock();
const openGateway = () =>
  createTestGateway(
    { ...control.settings, DEADLINE_MS: '60000', CLICKSTREAM_TIMEOUT_MS: '30000' },
    {
      clock,
      // The stand-ins share this process and may be slow, so the timeout is long.
      sources: sources.map((source) => ({ ...source, limits: { ...source.limits, timeout: '30 s' } })),
    },
  );
const gateway = openGateway();
afterAll(async () => {
  await gateway.close();
  await control.close();
  await standIns.close();
});

const people = createWorld({ customers: COUNT }).people.filter(({ email }) => email.startsWith('customer-'));
/** Needs one round of calls: all four systems are called by e-mail, and no record has another linking identifier. */
const ROUNDS = 1;

async function send(): Promise<Record<string, number>> {
  await control.heal();
  const { data, errors } = await gateway.query(
    'query($by: [CustomerKey!]!) { customers(by: $by) { id systems { status } } }',
    { by: people.map(({ email }) => ({ email })) },
  );
  expect(errors).toEqual([]);
  expect(listAt(data, 'customers').filter((customer) => customer !== null)).toHaveLength(COUNT);
  return Object.fromEntries(Object.entries(control.counters()).map(([name, { calls }]) => [name, calls]));
}

test('five hundred customers need one call for each batch of each system, and none if they are cached', async () => {
  expect(await send()).toMatchObject(
    Object.fromEntries(
      Object.entries(MAX_BATCH).map(([source, most]) => [
        source,
        ROUNDS * Math.max(1, Math.ceil(COUNT / most)),
      ]),
    ),
  );
  expect(await send()).toMatchObject(Object.fromEntries(Object.keys(MAX_BATCH).map((source) => [source, 0])));
});

const EVERYTHING = readFileSync('src/http/graphiql/examples/17-all-systems.graphql', 'utf8');
/** The fields of each customer. */
const FIELDS = EVERYTHING.slice(EVERYTHING.indexOf(') {') + 2, EVERYTHING.lastIndexOf('}'));

/** The calls to each system for one query about several customers, with an empty cache. */
async function callsFor(emails: readonly string[]): Promise<Record<string, number>> {
  const cold = openGateway();
  await control.heal();
  const response = await cold.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-sources': '1' },
    body: JSON.stringify({
      query: `query($by: [CustomerKey!]!) { customers(by: $by) ${FIELDS} }`,
      variables: { by: emails.map((email) => ({ email })) },
    }),
  });
  const { data, extensions } = (await response.json()) as Record<string, unknown>;
  expect(listAt(data, 'customers').filter((customer) => customer !== null)).toHaveLength(emails.length);
  await cold.close();
  const counted = Object.entries(control.counters()).map(([name, { calls }]) => [name, calls] as const);
  // The stand-ins cannot count reads of a folder of files, so the gateway counts them.
  return {
    ...Object.fromEntries(counted),
    clickstream: Number(at(extensions, 'sources', 'clickstream', 'calls')),
  };
}

test('a query over all twelve systems makes one call for each batch, for one customer and for a hundred', async () => {
  expect(await callsFor(['everywhere@example.nl'])).toEqual({
    // One call finds the customer. Further calls read orders, carts, tickets, companies and deals. The CRM needs ids
    // first.
    'order-system': 2,
    webshop: 2,
    'contact-centre': 2,
    'crm-hubspot': 5,
    // These calls load a token, the contact, its cases and its opportunities.
    'crm-salesforce': 4,
    // These calls load a token, the customer and the invoices.
    invoices: 3,
    clickstream: 1,
    facebook: 1,
    x: 1,
    buienradar: 1,
    kvk: 1,
    vies: 1,
  });
  const some = people.slice(0, 100);
  const { kvk, vies, ...others } = await callsFor(some.map(({ email }) => email));
  expect(others).toEqual({
    // Some customers are organisations. Another round finds records with their VAT number.
    'order-system': 3,
    invoices: 4,
    webshop: 2,
    'contact-centre': 2,
    // The customers have more than one hundred deals, which is the limit of one call.
    'crm-hubspot': 6,
    'crm-salesforce': 4,
    clickstream: 1,
    buienradar: 1,
    // These systems have no record of the customers.
    facebook: 0,
    x: 0,
  });
  // These systems do not accept batches. Each company needs one call, even if several customers work there.
  const companies = new Set(some.flatMap(({ crm }) => crm?.companyId ?? [])).size;
  expect(kvk).toBe(companies);
  expect(vies).toBeLessThanOrEqual(companies);
  expect(vies).toBeGreaterThan(0);
});
