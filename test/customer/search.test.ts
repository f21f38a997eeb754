import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Role } from '../../src/context/caller.js';
import { defineLoader, idNamespace, MAX_SEARCH_RECORDS } from '../../src/index.js';
import type { CustomerSearch } from '../../src/identity/declaration.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { createTestGateway } from '../support/gateway.js';
import { localSource } from '../support/local-source.js';
import { faultControl } from '../support/stand-ins.js';

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-search-'));
const auditFile = join(folder, 'audit.jsonl');
const SYSTEMS = ['order-system', 'webshop', 'contact-centre', 'crm-hubspot', 'crm-salesforce'] as const;
const control = await faultControl([], SYSTEMS);
const gateway = createTestGateway({
  ...control.settings,
  ...CALLER_SETTINGS,
  AUDIT_FILE: auditFile,
  DEADLINE_MS: '20000',
});
afterEach(() => control.heal());
afterAll(async () => {
  await gateway.close();
  await control.close();
  rmSync(folder, { recursive: true });
});

const Result = z.object({
  hits: z.array(
    z.object({
      customer: z.object({ id: z.string(), name: z.string().nullable() }),
      matches: z.array(z.object({ source: z.string(), terms: z.array(z.string()) })),
    }),
  ),
  hasMore: z.boolean(),
  ambiguousCount: z.number(),
  searchedSystems: z.array(z.string()),
  notSearchedSystems: z.array(z.string()),
  unavailable: z.array(z.string()),
});
const Answer = z.object({
  data: z.object({ findCustomers: Result.nullable() }).nullish(),
  errors: z
    .array(z.object({ message: z.string(), extensions: z.looseObject({ code: z.string() }) }))
    .optional(),
});

const QUERY = `query Search($by: CustomerSearch!) {
  findCustomers(by: $by) {
    hits { customer { id name } matches { source terms } }
    hasMore ambiguousCount searchedSystems notSearchedSystems unavailable
  }
}`;

async function post(query: string, variables: object, role: Role, of = gateway): Promise<unknown> {
  const response = await of.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(await headersOf(role)) },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

async function search(by: CustomerSearch, role: Role = 'operator', of = gateway) {
  const { data, errors } = Answer.parse(await post(QUERY, { by }, role, of));
  return { result: data?.findCustomers ?? undefined, errors };
}

/** The data of a customer that searches find again. */
async function known() {
  const answer = await post(
    `{ customer(by: { email: "everywhere@example.nl" }) {
      id name primaryPhone orders(first: 1) { nodes { number } } tickets(first: 20) { nodes { source recordId } }
    } }`,
    {},
    'operator',
  );
  const Known = z.object({
    id: z.string(),
    name: z.string(),
    primaryPhone: z.string(),
    orders: z.object({ nodes: z.array(z.object({ number: z.string() })) }),
    tickets: z.object({ nodes: z.array(z.object({ source: z.string(), recordId: z.string() })) }),
  });
  const { customer } = z.object({ data: z.object({ customer: Known }) }).parse(answer).data;
  const ticket = customer.tickets.nodes.find(({ source }) => source === 'CONTACT_CENTRE');
  return {
    ...customer,
    orderNumber: customer.orders.nodes[0]?.number ?? '',
    ticketNumber: ticket?.recordId ?? '',
  };
}
const eva = await known();
const ALL = ['ORDER_SYSTEM', 'CRM_SALESFORCE', 'CRM_HUBSPOT', 'CONTACT_CENTRE'];

describe('findCustomers', () => {
  const searches: [CustomerSearch, string[]][] = [
    [{ email: 'everywhere@ex' }, ['ORDER_SYSTEM', 'CRM_SALESFORCE', 'CRM_HUBSPOT']],
    [{ email: 'everywhere@example.nl' }, [...ALL, 'WEBSHOP']],
    [{ name: eva.name, email: 'everywhere' }, ['ORDER_SYSTEM', 'CRM_SALESFORCE', 'CRM_HUBSPOT']],
    [{ phone: eva.primaryPhone, name: eva.name }, ['ORDER_SYSTEM', 'CRM_SALESFORCE', 'CONTACT_CENTRE']],
    [{ orderNumber: eva.orderNumber }, ['ORDER_SYSTEM']],
    [{ ticketNumber: eva.ticketNumber }, ['CONTACT_CENTRE']],
    [{ orderNumber: eva.orderNumber, email: 'everywhere' }, ['ORDER_SYSTEM']],
  ];
  test.each(searches)(
    'finds one customer by %j in all systems that can search by it',
    async (by, systems) => {
      const { result, errors } = await search(by);
      expect(errors).toBeUndefined();
      const hit = result?.hits.find(({ customer }) => customer.id === eva.id);
      expect(hit?.customer.name).toBe(eva.name);
      expect(hit?.matches.map(({ source }) => source).toSorted()).toEqual(systems.toSorted());
      expect(new Set(result?.hits.map(({ customer }) => customer.id)).size).toBe(result?.hits.length);
      expect(result?.searchedSystems.toSorted()).toEqual(systems.toSorted());
      expect([...(result?.searchedSystems ?? []), ...(result?.notSearchedSystems ?? [])].toSorted()).toEqual(
        [...ALL, 'WEBSHOP'].toSorted(),
      );
    },
  );

  test('names the terms that match', async () => {
    const { result } = await search({ orderNumber: eva.orderNumber, email: 'everywhere' });
    expect(result?.hits[0]?.matches).toEqual([{ source: 'ORDER_SYSTEM', terms: ['EMAIL', 'ORDER_NUMBER'] }]);
  });

  test('finds no customer by an unknown value, and treats wildcards as text', async () => {
    for (const by of [
      { name: '%vered' },
      { name: 'ev_' },
      { email: '*where@' },
      { email: "o'brien%" },
      { orderNumber: 'ORD-0' },
      { orderNumber: "' OR 1=1" },
      { ticketNumber: '999' },
      { ticketNumber: '../users/1' },
      { name: eva.name, email: 'customer-1@' },
    ]) {
      const { result, errors } = await search(by);
      expect(errors).toBeUndefined();
      expect(result?.hits).toEqual([]);
      expect(result?.hasMore).toBe(false);
    }
  });

  test('shows at most 20 customers, and says that there are more', async () => {
    const { result } = await search({ email: '@example.nl' });
    expect(result?.hits).toHaveLength(20);
    expect(result?.hasMore).toBe(true);
  });

  test('calls the systems each time', async () => {
    await search({ email: 'everywhere@ex' });
    await control.heal();
    await search({ email: 'everywhere@ex' });
    for (const system of ['crm-hubspot', 'crm-salesforce'])
      expect(control.counters()[system]?.calls).toBeGreaterThan(0);
  });

  test('names a system that fails, and returns the hits of the others', async () => {
    await control.set('crm-hubspot', { fault: 'down' });
    const { result, errors } = await search({ email: 'everywhere@ex' });
    expect(errors).toBeUndefined();
    expect(result?.unavailable).toEqual(['CRM_HUBSPOT']);
    expect(result?.hits.map(({ customer }) => customer.id)).toEqual([eva.id]);
    expect(result?.searchedSystems).not.toContain('CRM_HUBSPOT');
  });

  test('fails with the error of the system when all systems of the search fail', async () => {
    await control.set('contact-centre', { fault: 'down' });
    const { result, errors } = await search({ ticketNumber: eva.ticketNumber });
    expect(result).toBeUndefined();
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['SOURCE_UNAVAILABLE']);
  });

  test('refuses terms that no system can combine', async () => {
    const { errors } = await search({ orderNumber: '1', ticketNumber: '2' });
    expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    expect(errors?.[0]?.message).toBe(
      'No plugged-in system can search by ORDER_NUMBER and TICKET_NUMBER together. Give other terms.',
    );
  });

  test.each<Role>(['frontend', 'analyst', 'campaign', 'visitor'])('is forbidden for a %s', async (role) => {
    await control.heal();
    const { result, errors } = await search({ email: 'everywhere@ex' }, role);
    expect(result).toBeUndefined();
    expect(errors).toBeDefined();
    for (const { calls } of Object.values(control.counters())) expect(calls).toBe(0);
  });

  test('has an audit line with its terms and without their values, also if nothing is found', async () => {
    const lines = () => readFileSync(auditFile, 'utf8').trim().split('\n');
    const before = lines().length;
    await search({ name: 'Qwertyuiop', email: 'asdfgh@' });
    await search({ email: 'everywhere@ex' });
    const [first = '', second = ''] = lines().slice(before);
    expect(JSON.parse(first)).toMatchObject({ terms: ['NAME', 'EMAIL'], customers: [] });
    expect(JSON.parse(second)).toMatchObject({ terms: ['EMAIL'], customers: [eva.id] });
    expect(first.toLowerCase()).not.toMatch(/qwerty|asdfgh/);
  });
});

describe('a source that can be searched', () => {
  const record = (id: string, name: string, email?: string) => ({
    id,
    identifiers: email === undefined ? [] : [{ namespace: 'email', value: email }],
    profile: { name },
  });
  const MEMBERS = [
    record('1', 'Ana One', 'ana@example.nl'),
    record('2', 'Ana Two', 'two@example.nl'),
    // The system found it by another field than the name.
    record('3', 'Bob'),
    record('not an id', 'Ana Three'),
  ];
  let calls = 0;
  /** The records that a search returns. */
  let found = MEMBERS;
  const byId = defineLoader({
    name: 'membersById',
    load: (ids: readonly string[]) =>
      Promise.resolve(ids.map((wanted) => MEMBERS.filter(({ id }) => id === wanted))),
  });
  const { source, environment } = localSource('club', {
    namespaces: [idNamespace('memberId', 'An id.', /^\d+$/, {})],
    identity: {
      recordKey: 'memberId',
      foundBy: { memberId: { uniqueness: 'enforced', loader: byId } },
      yields: { email: 'one' },
      searches: [
        {
          by: ['name'],
          loader: defineLoader({
            name: 'membersBySearch',
            load: (searches: readonly CustomerSearch[]) => {
              calls += 1;
              return Promise.resolve(searches.map(() => found));
            },
          }),
        },
      ],
    },
  });
  const club = createTestGateway(environment, {
    sources: [source],
    sdl: {
      club: 'type Customer @foundBy(identifier: "memberId") @personalData(category: NONE) { isMember: Boolean }',
    },
  });
  afterAll(() => club.close());

  test('says that there may be more when the system returned as many records as a search may have', async () => {
    const others = Array.from({ length: MAX_SEARCH_RECORDS - MEMBERS.length }, (_, i) =>
      record(`${100 + i}`, 'Bob'),
    );
    expect((await search({ name: 'ana' }, 'operator', club)).result?.hasMore).toBe(false);
    found = [...MEMBERS, ...others];
    const { result } = await search({ name: 'ana' }, 'operator', club);
    expect(result?.hits).toHaveLength(2);
    expect(result?.hasMore).toBe(true);
    found = MEMBERS;
  });

  test('shows its records that match, and calls it once for each search', async () => {
    const before = calls;
    const { result, errors } = await search({ name: 'ana' }, 'operator', club);
    expect(errors).toBeUndefined();
    expect(result?.hits.map(({ customer }) => customer.name)).toEqual(['Ana One', 'Ana Two']);
    expect(calls).toBe(before + 1);
    await search({ name: 'ana' }, 'operator', club);
    expect(calls).toBe(before + 2);
  });
});
