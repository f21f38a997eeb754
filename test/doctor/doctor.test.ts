import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import pg from 'pg';
import { z } from 'zod';
import { startOrderSystem, type OrderSystemStandIn } from '../../sources/order-system/stand-in/index.js';
import { doctor } from '../../src/cli/doctor.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { stekkerdoosHere } from '../cli/cli-process.js';
import { privateCa } from '../connectors/private-ca.js';
import { sendJson, startServer } from '../connectors/server.js';
import { CALLER_SETTINGS } from '../support/callers.js';
import { faultControl } from '../support/stand-ins.js';
import { examine, Installation, startTlsServer } from './installation.js';

type Environment = Readonly<Record<string, string | undefined>>;

const control = await faultControl();
const installation = new Installation(control);
let orders: OrderSystemStandIn;
let closers: (() => unknown)[] = [];

beforeAll(async () => {
  const connectionString = process.env['ORDER_SYSTEM_TEST_URL'];
  orders = await startOrderSystem(
    createWorld({ customers: 20 }),
    connectionString === undefined ? {} : { connectionString },
  );
});
afterEach(async () => {
  for (const close of closers.reverse()) await close();
  closers = [];
  await control.heal();
});
afterAll(async () => {
  await orders.close();
  await control.close();
  installation.remove();
});

/** The order system with a changed database. `back` restores it. */
async function orderSystem(change: string, back: string): Promise<Environment> {
  const run = async (text: string): Promise<void> => {
    const client = new pg.Client({ connectionString: orders.ownerUrl });
    await client.connect();
    try {
      await client.query(text);
    } finally {
      await client.end();
    }
  };
  const settings = orders.settings(orders.url);
  const role = (variable: string) => new URL(settings[variable] ?? '').username;
  const withRoles = (text: string) =>
    text.replaceAll('READER', role('ORDER_SYSTEM_URL')).replaceAll('TAKER', role('ORDER_SYSTEM_OUTBOX_URL'));
  await run(withRoles(change));
  closers.push(() => run(withRoles(back)));
  return { ...installation.settings('NO_SOURCE'), ...settings };
}

/** A CRM without customers that sends these headers. */
async function crm(headers: Record<string, string>): Promise<Environment> {
  const server = await startServer((_, response) => {
    sendJson(response, { total: 0, results: [], paging: {} }, { headers });
  });
  closers.push(() => server.close());
  return {
    ...installation.settings('NO_SOURCE'),
    CRM_HUBSPOT_URL: server.url,
    CRM_HUBSPOT_TOKEN: 'a-token-of-the-crm',
  };
}

/** The contact centre, and a running gateway that answers its webhooks with a status. */
async function behindProxy(status: number): Promise<Environment> {
  const server = await startServer((_, response) => {
    response.writeHead(status).end();
  });
  closers.push(() => server.close());
  return { ...installation.settings('CONTACT_CENTRE'), PUBLIC_URL: server.url };
}

/** The settings with a file of a given content. */
function withFile(name: string, content: string, more: Environment = {}): Environment {
  writeFileSync(installation.path(name), content);
  closers.push(() => {
    if (name === 'suppressed') writeFileSync(installation.path(name), '');
    else rmSync(installation.path(name));
  });
  return { ...installation.settings('CONTACT_CENTRE'), ...more };
}

/** The audit file of an answer, with changed lines. */
async function audited(change: (text: string) => string): Promise<Environment> {
  const settings = { ...installation.settings('CONTACT_CENTRE'), ...CALLER_SETTINGS };
  await stekkerdoosHere(['ask', 'everywhere@example.nl'], settings);
  const AUDIT_FILE = `${settings['AUDIT_FILE'] ?? ''}.command-line`;
  writeFileSync(AUDIT_FILE, change(readFileSync(AUDIT_FILE, 'utf8')));
  return { ...settings, AUDIT_FILE };
}

interface Fault {
  plant: () => Environment | Promise<Environment>;
  words?: string[];
  check: string;
  severity: 'error' | 'warning';
  where: string;
  seen: RegExp;
  remedy: RegExp;
}

const FAULTS: Record<string, Fault> = {
  'a missing setting': {
    plant: () => ({ ...installation.settings('CONTACT_CENTRE'), CRM_HUBSPOT_URL: 'http://127.0.0.1:1' }),
    ...{ check: 'settings', severity: 'error', where: 'CRM_HUBSPOT_TOKEN' },
    ...{ seen: /is missing/, remedy: /Correct it/ },
  },
  'a setting that has no effect': {
    plant: () => ({ ...installation.settings('CONTACT_CENTRE'), CONTACT_CENTRE_LIMITZ: '{}' }),
    ...{ check: 'settings', severity: 'error', where: 'CONTACT_CENTRE_LIMITZ' },
    ...{ seen: /Did you mean CONTACT_CENTRE_LIMITS\?/, remedy: /Correct/ },
  },
  'an open gateway without authentication': {
    plant: () => ({ ...installation.settings('CONTACT_CENTRE'), HOST: '0.0.0.0' }),
    ...{ check: 'settings', severity: 'error', where: 'AUTH' },
    ...{ seen: /without authentication/, remedy: /AUTH=on/ },
  },
  'an unavailable system': {
    plant: async () => {
      await control.set('contact-centre', { fault: 'down' });
      return installation.settings('CONTACT_CENTRE');
    },
    ...{ check: 'reachability', severity: 'error', where: 'contact-centre' },
    ...{ seen: /unreachable.*ECONNREFUSED/, remedy: /Check the address/ },
  },
  'wrong credentials': {
    plant: () => ({ ...installation.settings('WEBSHOP'), WEBSHOP_ACCESS_TOKEN: 'shpat_wrong' }),
    ...{ check: 'credentials', severity: 'error', where: 'webshop' },
    ...{ seen: /status 401/, remedy: /Renew the key/ },
  },
  'a table that may not be read': {
    plant: () =>
      orderSystem(
        'REVOKE SELECT ON customer_devices FROM READER',
        'GRANT SELECT ON customer_devices TO READER',
      ),
    ...{ check: 'permissions', severity: 'error', where: 'order-system' },
    ...{ seen: /missing-grant.*customer_devices/, remedy: /Grant SELECT/ },
  },
  'a role that may write': {
    plant: () => orderSystem('GRANT DELETE ON orders TO READER', 'REVOKE DELETE ON orders FROM READER'),
    ...{ check: 'permissions', severity: 'warning', where: 'order-system' },
    ...{ seen: /may write: tables orders/, remedy: /only SELECT/ },
  },
  'a missing column': {
    plant: () =>
      orderSystem(
        'ALTER TABLE customers RENAME COLUMN house_no TO street_no',
        'ALTER TABLE customers RENAME COLUMN street_no TO house_no',
      ),
    ...{ check: 'contract', severity: 'error', where: 'order-system' },
    ...{ seen: /missing-column.*house_no/, remedy: /Add the named column/ },
  },
  'a missing index of a large table': {
    plant: () =>
      orderSystem(
        `INSERT INTO customers (cust_no, email, email_verified, phone_verified, first_name, last_name, country, created_at, updated_at)
           SELECT 'MANY-' || n, 'many-' || n || '@example.nl', true, false, 'A', 'B', 'NL', now(), now()
           FROM generate_series(1, 10500) AS n;
         DROP INDEX customers_email; ANALYZE customers`,
        `DELETE FROM customers WHERE cust_no LIKE 'MANY-%';
         CREATE INDEX customers_email ON customers (lower(email)); ANALYZE customers`,
      ),
    ...{ check: 'indexes', severity: 'error', where: 'order-system' },
    ...{ seen: /table-scan.*customers/, remedy: /Create an index/ },
  },
  'an outbox whose rows may not be deleted': {
    plant: () => orderSystem('REVOKE DELETE ON outbox FROM TAKER', 'GRANT DELETE ON outbox TO TAKER'),
    ...{ check: 'permissions', severity: 'error', where: 'ORDER_SYSTEM_OUTBOX_URL' },
    ...{ seen: /may not take rows from the table outbox/, remedy: /Grant SELECT, UPDATE and DELETE/ },
  },
  'a clock that is wrong': {
    plant: () => crm({ date: new Date(Date.now() + 10 * 60_000).toUTCString() }),
    ...{ check: 'clocks', severity: 'error', where: 'crm-hubspot' },
    ...{ seen: /(599|600|601) s ahead/, remedy: /NTP/ },
  },
  'a quota that is nearly spent': {
    plant: () => crm({ 'x-quota-daily': '250000', 'x-quota-daily-remaining': '1200' }),
    ...{ check: 'quotas', severity: 'warning', where: 'crm-hubspot' },
    ...{ seen: /248800 of 250000 calls/, remedy: /Cache records longer/ },
  },
  'a token that may write': {
    plant: () => crm({ 'x-oauth-scopes': 'contacts.read, contacts.write' }),
    ...{ check: 'permissions', severity: 'warning', where: 'crm-hubspot' },
    ...{ seen: /more permissions than reading: contacts\.write\./, remedy: /only read/ },
  },
  'a certificate near its end': {
    plant: async () => {
      const server = await startTlsServer();
      closers.push(() => server.close());
      vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2119-12-20T00:00:00Z') });
      closers.push(() => vi.useRealTimers());
      return {
        ...installation.settings('NO_SOURCE'),
        ...{ KVK_URL: server.url, KVK_API_KEY: 'a-key-of-the-register', KVK_CA: privateCa.authority },
      };
    },
    ...{ check: 'certificates', severity: 'warning', where: 'KVK_URL' },
    ...{ seen: /valid for 12 more days/, remedy: /Renew the certificate/ },
  },
  'events without a store': {
    plant: () => ({
      ...installation.settings('CONTACT_CENTRE'),
      WEBHOOK_FILE: undefined,
      WEBHOOK_SECRET: undefined,
    }),
    ...{ check: 'webhook store', severity: 'warning', where: 'contact-centre' },
    ...{ seen: /are not received/, remedy: /Set WEBHOOK_FILE/ },
  },
  'a store in a folder that does not exist': {
    plant: () => ({
      ...installation.settings('CONTACT_CENTRE'),
      WEBHOOK_FILE: installation.path('none/webhooks.db'),
    }),
    ...{ check: 'webhook store', severity: 'error', where: 'WEBHOOK_FILE' },
    ...{ seen: /cannot be written ENOENT/, remedy: /Create the folder/ },
  },
  'a running gateway with another webhook secret': {
    plant: () => behindProxy(401),
    ...{ check: 'webhook secrets', severity: 'error', where: 'CONTACT_CENTRE_WEBHOOK_SECRETS' },
    ...{ seen: /running gateway refuses a test event/, remedy: /Restart the gateway/ },
  },
  'a proxy that does not pass webhooks on': {
    plant: () => behindProxy(404),
    ...{ check: 'webhook secrets', severity: 'error', where: 'CONTACT_CENTRE_WEBHOOK_SECRETS' },
    ...{ seen: /status 404/, remedy: /pass \/webhooks\/ on/ },
  },
  'an audit line that was changed': {
    plant: () => audited((text) => text.replace('"caller":"command line"', '"caller":"another caller"')),
    ...{ check: 'audit', severity: 'error', where: 'AUDIT_FILE' },
    ...{ seen: /line 1: changed/, remedy: /audit verify/ },
  },
  'an audit file whose folder does not exist': {
    plant: () => ({
      ...installation.settings('CONTACT_CENTRE'),
      AUDIT_FILE: installation.path('none/audit.jsonl'),
    }),
    ...{ check: 'audit', severity: 'error', where: 'AUDIT_FILE' },
    ...{ seen: /ENOENT/, remedy: /Create the folder/ },
  },
  'a suppression list of another secret': {
    plant: () => withFile('suppressed', 'key:of-another-secret\n'),
    ...{ check: 'settings', severity: 'error', where: 'SUPPRESSION_FILE' },
    ...{ seen: /another ID_SECRET/, remedy: /Correct/ },
  },
  'an operation that the schema cannot answer': {
    plant: () =>
      withFile(
        'operations/shoe-size.graphql',
        'query ShoeSize { customer(by: {email: "a@b.nl"}) { shoeSize } }',
      ),
    ...{ check: 'operations', severity: 'error', where: 'shoe-size.graphql' },
    ...{ seen: /Cannot query field "shoeSize"/, remedy: /Correct the file/ },
  },
  'a trigger for an unknown endpoint': {
    plant: () =>
      withFile(
        'triggers/solved.graphql',
        'subscription Solved @deliver(to: "nowhere", purpose: SERVICE) { ticketSolved { recordId } }',
      ),
    ...{ check: 'operations', severity: 'error', where: '.*/solved.graphql' },
    ...{ seen: /does not start.*nowhere/, remedy: /Correct the file/ },
  },
  'an identity key that several people have': {
    plant: () => installation.settings('ORDER_SYSTEM'),
    words: ['--key', 'email=shared@example.nl'],
    ...{ check: 'identity', severity: 'warning', where: 'order-system email' },
    ...{ seen: /"usual", and 1 of 1 sampled values/, remedy: /Merge the duplicate records/ },
  },
  'an issuer whose keys cannot be fetched': {
    plant: () => ({
      ...installation.settings('CONTACT_CENTRE'),
      ...CALLER_SETTINGS,
      ...{ JWT_JWKS_URL: 'http://127.0.0.1:1/jwks.json', JWT_KEY: undefined, JWT_ALGORITHMS: undefined },
    }),
    ...{ check: 'credentials', severity: 'error', where: 'JWT_JWKS_URL' },
    ...{ seen: /Tokens are refused/, remedy: /issuer runs/ },
  },
};

describe('stekkerdoos doctor', { timeout: 60_000 }, () => {
  test('has no finding for a healthy installation of twelve systems, in less than 30 s', async () => {
    const files = readdirSync(installation.folder);
    const { code, findings, notChecked, err } = await examine(installation.settings(), [
      '--key',
      'email=everywhere@example.nl',
    ]);
    expect(findings).toEqual([]);
    expect({ code, notChecked }).toEqual({ code: 0, notChecked: [] });
    // It writes neither audit lines nor events.
    expect(readdirSync(installation.folder)).toEqual(files);
    const steps = err.trim().split('\n');
    expect(steps.length).toBeGreaterThan(12);
    expect(steps.at(-1)).toMatch(new RegExp(`^${steps.length}/${steps.length} .*: no finding$`));
  }, 30_000);

  test.each(Object.entries(FAULTS))('finds %s, and prints the remedy', async (_, fault) => {
    const { plant, words = [], seen, remedy, ...place } = fault;
    const { code, findings } = await examine(await plant(), words);
    expect(findings).toContainEqual({
      ...place,
      where: expect.stringMatching(new RegExp(`^${place.where}`)) as string,
      seen: expect.stringMatching(seen) as string,
      remedy: expect.stringMatching(remedy) as string,
    });
    // A planted fault causes no finding in another part.
    expect(new Set(findings.map(({ check }) => check))).toEqual(new Set([place.check]));
    expect(code).toBe(place.severity === 'error' ? 2 : 1);
  });

  test('samples the customers of the audit log, and reports a missing sample', async () => {
    const unchanged = await audited((text) => text);
    expect((await examine(unchanged)).notChecked).toEqual([]);
    const without = await examine(installation.settings('CONTACT_CENTRE'));
    expect(without.notChecked).toEqual([expect.stringContaining('--key')]);
    expect(without.findings).toEqual([]);
  });

  test('sends a test event to the running gateway that is signed as the system signs', async () => {
    const received: string[] = [];
    const server = await startServer(({ url, headers }, response) => {
      received.push(`${url} ${String('x-zendesk-webhook-signature' in headers)}`);
      response.writeHead(204).end();
    });
    closers.push(() => server.close());
    const { findings } = await examine({
      ...installation.settings('CONTACT_CENTRE'),
      PUBLIC_URL: server.url,
    });
    expect(findings).toEqual([]);
    expect(received).toEqual(['/webhooks/contact-centre true']);
  });

  test('ends in time if systems accept calls and never answer', async () => {
    const names = ['contact-centre', 'crm-hubspot', 'order-system'];
    for (const name of names) await control.set(name, { fault: 'hang' });
    const startedAt = performance.now();
    const { code, findings } = await examine(
      installation.settings('CONTACT_CENTRE', 'CRM_HUBSPOT', 'ORDER_SYSTEM'),
    );
    expect(performance.now() - startedAt).toBeLessThan(30_000);
    expect(code).toBe(2);
    for (const where of names)
      expect(findings).toContainEqual(expect.objectContaining({ check: 'reachability', where }));
  });

  test('prints a finding as three lines: place, observation, remedy', async () => {
    await control.set('contact-centre', { fault: 'down' });
    const { out } = await stekkerdoosHere(['doctor'], installation.settings('CONTACT_CENTRE'));
    expect(out).toMatch(
      /^error reachability contact-centre\n {2}A call failed: unreachable .*\n {2}Check the address.*\n/,
    );
    expect(out).toMatch(/1 finding\.\n$/);
  });

  test('describes its exit codes, with an example', () => {
    const { description } = z.object({ description: z.string() }).parse(doctor.meta);
    expect(description).toMatch(
      /Exit code 0: no finding, 1: warnings, 2: errors.*Example: stekkerdoos doctor /,
    );
  });
});
