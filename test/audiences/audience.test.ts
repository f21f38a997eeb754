import { inject, afterAll, afterEach, describe, expect, test } from 'vitest';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Role } from '../../src/context/caller.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { createTestGateway } from '../support/gateway.js';
import { faultControl } from '../support/stand-ins.js';

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-audience-'));
const auditFile = join(folder, 'audit.jsonl');
const control = await faultControl(
  [],
  ['order-system', 'invoices', 'crm-hubspot', 'crm-salesforce', 'contact-centre', 'webshop'],
);
const gateway = createTestGateway(
  {
    ...control.settings,
    ...CALLER_SETTINGS,
    AUDIT_FILE: auditFile,
    DEADLINE_MS: '30000',
    IDENTITY_PATIENCE_MS: '20000',
  },
  {},
  { freshness: 'as declared' },
);
afterEach(() => control.heal());
afterAll(async () => {
  await gateway.close();
  await control.close();
  rmSync(folder, { recursive: true });
});

async function post(
  query: string,
  variables: object,
  role: Role,
  purpose?: string,
  of = gateway,
): Promise<unknown> {
  const response = await of.fetch('/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(await headersOf(role)),
      ...(purpose === undefined ? {} : { 'data-purpose': purpose }),
    },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

const Errors = z
  .array(z.object({ message: z.string(), extensions: z.looseObject({ code: z.string() }) }))
  .optional();
const Page = z.object({
  nodes: z.array(z.object({ customer: z.object({ id: z.string().nullable() }).nullable() })),
  pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
  certainty: z.string(),
  counts: z.object({
    matchingCount: z.number().nullable(),
    unknownCount: z.number().nullable(),
    ambiguousCount: z.number().nullable(),
  }),
  unavailable: z.array(z.string()),
  isWithheld: z.boolean(),
});

const QUERY = `query Audience($where: AudienceCondition!, $first: Int! = 100, $after: String, $maxCalls: Int! = 5000) {
  audience(where: $where, first: $first, after: $after, maxCalls: $maxCalls) {
    nodes { customer { id } }
    pageInfo { hasNextPage endCursor } certainty counts { matchingCount unknownCount ambiguousCount } unavailable isWithheld
  }
}`;

async function page(variables: object, role: Role = 'operator', purpose?: string) {
  const answer = z
    .object({ data: z.object({ audience: Page.nullable() }).nullish(), errors: Errors })
    .parse(await post(QUERY, variables, role, purpose));
  return { page: answer.data?.audience ?? undefined, errors: answer.errors };
}

/** The ids of all members, and the last page. */
async function allMembers(where: object, first = 100, role: Role = 'operator', purpose?: string) {
  const ids: string[] = [];
  let count = 0;
  let after: string | null = null;
  for (let pages = 0; pages < 100; pages += 1) {
    const answer = await page({ where, first, after }, role, purpose);
    if (answer.page === undefined) throw new Error(JSON.stringify(answer.errors));
    ids.push(...answer.page.nodes.flatMap(({ customer }) => customer?.id ?? []));
    count += answer.page.nodes.length;
    if (!answer.page.pageInfo.hasNextPage) return { ids, count, last: answer.page };
    after = answer.page.pageInfo.endCursor;
  }
  throw new Error('The pages do not end.');
}

const PLAN = `query Plan($where: AudienceCondition!, $maxCalls: Int! = 5000) {
  audiencePlan(where: $where, maxCalls: $maxCalls) {
    refusals listedBy recordCount callCount systems { source callCount duration }
  }
}`;
const Plan = z.object({
  refusals: z.array(z.string()),
  listedBy: z.array(z.string()),
  recordCount: z.number(),
  callCount: z.number(),
  systems: z.array(z.object({ source: z.string(), callCount: z.number(), duration: z.string().nullable() })),
});

async function planOf(where: object, role: Role = 'operator', maxCalls = 5_000) {
  const answer = await post(PLAN, { where, maxCalls }, role);
  return z.object({ data: z.object({ audiencePlan: Plan }) }).parse(answer).data.audiencePlan;
}

const Single = z.object({
  // Null if a system that names the customer holds several people by one of the identifiers.
  id: z.string().nullable(),
  orderCount: z.object({ value: z.number() }).nullable(),
  lifetimeValue: z
    .object({ amounts: z.array(z.object({ amount: z.string(), currency: z.string() })) })
    .nullable(),
  lastOrderAt: z.string().nullable(),
  becameCustomerAt: z.string().nullable(),
  openInvoiceTotal: z
    .object({ amounts: z.array(z.object({ amount: z.string(), currency: z.string() })) })
    .nullable(),
  amountSpent: z
    .object({ amounts: z.array(z.object({ amount: z.string(), currency: z.string() })) })
    .nullable(),
  onlineOrderCount: z.object({ value: z.number() }).nullable(),
  lifecycleStage: z.string().nullable(),
  tickets: z.object({
    nodes: z.array(
      z.object({ status: z.string().nullable(), isOpen: z.boolean(), createdAt: z.string().nullable() }),
    ),
    pageInfo: z.object({ hasNextPage: z.literal(false) }),
    missing: z.array(z.unknown()).length(0),
  }),
});
type SingleCustomer = z.infer<typeof Single>;

/** Every seeded customer of the systems, by queries of single customers. */
async function everyCustomer(): Promise<SingleCustomer[]> {
  const { people } = createWorld({ customers: inject('customers') });
  const keys = people.flatMap(({ orderSystem, invoices, crm, salesforce, contactCentre }) => [
    ...(orderSystem === undefined ? [] : [{ customerNumber: orderSystem.customerNumber }]),
    ...(invoices === undefined ? [] : [{ invoiceCustomerNumber: invoices.customerNumber }]),
    ...(crm === undefined ? [] : [{ hubspotContactId: crm.contactId }]),
    ...(salesforce === undefined ? [] : [{ salesforceContactId: salesforce.contactId }]),
    ...(contactCentre === undefined ? [] : [{ zendeskUserId: String(contactCentre.userId) }]),
  ]);
  const found = new Map<string, SingleCustomer>();
  for (let from = 0; from < keys.length; from += 100) {
    const answer = await post(
      `query All($by: [CustomerKey!]!) { customers(by: $by) {
        id orderCount { value } lifetimeValue { amounts { amount currency } } lastOrderAt becameCustomerAt
        openInvoiceTotal { amounts { amount currency } } amountSpent { amounts { amount currency } }
        onlineOrderCount { value } lifecycleStage
        tickets(first: 100) { nodes { status isOpen createdAt } pageInfo { hasNextPage } missing { source } }
      } }`,
      { by: keys.slice(from, from + 100) },
      'operator',
      'SERVICE',
    );
    const { customers } = z
      .object({ data: z.object({ customers: z.array(Single.nullable()) }) })
      .parse(answer).data;
    for (const customer of customers) if (customer?.id != null) found.set(customer.id, customer);
  }
  return [...found.values()];
}
const customers = await everyCustomer();

/** The CRM holds more addresses of this person than are followed, so its contact does not lead to the order system. */
const unlinkedId = z
  .object({ data: z.object({ customer: z.object({ id: z.string() }) }) })
  .parse(
    await post(
      'query One($by: CustomerKey!) { customer(by: $by) { id } }',
      { by: { customerNumber: customerNumberOf('many-addresses@example.nl') } },
      'operator',
    ),
  ).data.customer.id;

function customerNumberOf(email: string): string | undefined {
  const { people } = createWorld({ customers: inject('customers') });
  return people.find((person) => person.email === email)?.orderSystem?.customerNumber;
}

const euros = (total: SingleCustomer['openInvoiceTotal']): number =>
  Number(total?.amounts.find(({ currency }) => currency === 'EUR')?.amount ?? 0);
const MOMENT = '2026-09-01T00:00:00Z';
const isBefore = (moment: string | null): boolean =>
  moment !== null && Date.parse(moment) < Date.parse(MOMENT);
const isSince = (moment: string | null): boolean =>
  moment !== null && Date.parse(moment) >= Date.parse(MOMENT);

const DEBTORS = { openInvoiceTotal: { atLeast: '50' } };
const AUDIENCES: [object, (customer: SingleCustomer) => boolean][] = [
  [{ orderCount: { atLeast: 2 } }, ({ orderCount }) => (orderCount?.value ?? 0) >= 2],
  [{ lastOrderAt: { since: MOMENT } }, ({ lastOrderAt }) => isSince(lastOrderAt)],
  [{ becameCustomerAt: { before: MOMENT } }, ({ becameCustomerAt }) => isBefore(becameCustomerAt)],
  [
    { all: [DEBTORS, { lastOrderAt: { before: MOMENT } }] },
    ({ openInvoiceTotal, lastOrderAt }) => euros(openInvoiceTotal) >= 50 && isBefore(lastOrderAt),
  ],
  [
    { all: [DEBTORS, { not: { lastOrderAt: { since: MOMENT } } }] },
    ({ openInvoiceTotal, lastOrderAt }) => euros(openInvoiceTotal) >= 50 && !isSince(lastOrderAt),
  ],
  [
    {
      all: [
        { lifetimeValue: { atLeast: '100', currency: 'EUR' } },
        { any: [DEBTORS, { orderCount: { equals: 1 } }] },
      ],
    },
    ({ lifetimeValue, openInvoiceTotal, orderCount }) =>
      euros(lifetimeValue) >= 100 && (euros(openInvoiceTotal) >= 50 || orderCount?.value === 1),
  ],
];

const OPEN = { tickets: { some: { status: 'OPEN', createdAt: { since: '2026-01-01T00:00:00Z' } } } };
const LATE = '2026-08-01T00:00:00Z';
AUDIENCES.push(
  [
    OPEN,
    ({ tickets }) =>
      tickets.nodes.some(
        ({ status, createdAt }) =>
          status === 'OPEN' && Date.parse(createdAt ?? '') >= Date.parse('2026-01-01'),
      ),
  ],
  [{ tickets: { some: { isOpen: true } } }, ({ tickets }) => tickets.nodes.some(({ isOpen }) => isOpen)],
  [
    { tickets: { some: { status: ['SOLVED', 'CLOSED'], createdAt: { before: LATE } } } },
    ({ tickets }) =>
      tickets.nodes.some(
        ({ status, createdAt }) =>
          (status === 'SOLVED' || status === 'CLOSED') && Date.parse(createdAt ?? '') < Date.parse(LATE),
      ),
  ],
  [
    { all: [DEBTORS, { tickets: { none: { status: 'OPEN' } } }, { lastOrderAt: { before: MOMENT } }] },
    ({ openInvoiceTotal, tickets, lastOrderAt }) =>
      euros(openInvoiceTotal) >= 50 &&
      !tickets.nodes.some(({ status }) => status === 'OPEN') &&
      isBefore(lastOrderAt),
  ],
  [
    { lifecycleStage: { in: ['customer', 'evangelist'] } },
    ({ id, lifecycleStage }) =>
      (lifecycleStage === 'customer' || lifecycleStage === 'evangelist') && id !== unlinkedId,
  ],
  [
    { all: [{ lifecycleStage: { in: ['lead'] } }, { not: { tickets: { some: { isOpen: true } } } }] },
    ({ lifecycleStage, tickets }) => lifecycleStage === 'lead' && !tickets.nodes.some(({ isOpen }) => isOpen),
  ],
  [
    {
      all: [
        { orderCount: { atLeast: 1 } },
        { amountSpent: { atLeast: '200' } },
        { onlineOrderCount: { atMost: 3 } },
      ],
    },
    ({ orderCount, amountSpent, onlineOrderCount }) =>
      (orderCount?.value ?? 0) >= 1 && euros(amountSpent) >= 200 && (onlineOrderCount?.value ?? 0) <= 3,
  ],
);

describe('an audience', () => {
  test.each(AUDIENCES)('of %j has the customers whose single queries meet it', async (where, isMember) => {
    const { ids, count, last } = await allMembers(where, 100, 'operator', 'SERVICE');
    const expected = customers.filter(isMember).map(({ id }) => id);
    expect(expected.length).toBeGreaterThan(0);
    expect(ids.toSorted()).toEqual(expected.toSorted());
    expect(last).toMatchObject({
      certainty: 'EXACT',
      counts: { matchingCount: count, unknownCount: 0 },
      unavailable: [],
    });
  });

  test.each([
    { orderCount: { atLeast: 2 } },
    // Listed by two systems, one after the other.
    { tickets: { some: { isOpen: true } } },
    { lifecycleStage: { in: ['customer'] } },
  ])('of %j has the same members in small pages, each once', async (where) => {
    const { ids, count, last } = await allMembers(where, 7, 'operator', 'SERVICE');
    expect(ids).toEqual((await allMembers(where, 100, 'operator', 'SERVICE')).ids);
    expect(new Set(ids).size).toBe(ids.length);
    expect(last.counts.matchingCount).toBe(count);
  });

  test('makes no more calls than its plan, which makes none', async () => {
    const where = { all: [DEBTORS, { lastOrderAt: { before: MOMENT } }] };
    await control.heal();
    const plan = await planOf(where);
    expect(Object.values(control.counters()).reduce((sum, { calls }) => sum + calls, 0)).toBe(0);
    expect(plan).toMatchObject({ refusals: [], listedBy: ['openInvoiceTotal', 'lastOrderAt'] });
    await page({ where });
    for (const { source, callCount } of plan.systems) {
      const calls = control.counters()[source.toLowerCase().replaceAll('_', '-')]?.calls ?? 0;
      expect(calls).toBeLessThanOrEqual(callCount);
    }
  });

  test('differs by unknown customers alone while a system is unavailable', async () => {
    const where = {
      all: [
        DEBTORS,
        { not: { lastOrderAt: { since: MOMENT } } },
        { tickets: { none: { status: ['PENDING'] } } },
      ],
    };
    const healthy = await allMembers(where);
    const sources = ['order-system', 'crm-hubspot', 'contact-centre', 'crm-salesforce'] as const;
    for (const source of sources) {
      await control.heal();
      const fresh = createTestGateway({
        ...control.settings,
        ...CALLER_SETTINGS,
        AUDIT_FILE: `${auditFile}.${source}`,
        DEADLINE_MS: '30000',
        IDENTITY_PATIENCE_MS: '20000',
      });
      await control.set(source, { fault: 'down' });
      const answer = z
        .object({ data: z.object({ audience: Page }) })
        .parse(await post(QUERY, { where }, 'operator', undefined, fresh)).data.audience;
      await fresh.close();
      const ids = answer.nodes.flatMap(({ customer }) => customer?.id ?? []);
      expect(ids.filter((id) => !healthy.ids.includes(id))).toEqual([]);
      expect(answer.counts.unknownCount).toBeGreaterThanOrEqual(healthy.ids.length - ids.length);
      expect(answer).toMatchObject({
        certainty: 'AT_LEAST',
        unavailable: [source.toUpperCase().replaceAll('-', '_')],
      });
    }
  });

  test('has only customers who gave consent, for a purpose that needs it', async () => {
    const where = { orderCount: { atLeast: 2 } };
    const { ids } = await allMembers(where, 100, 'campaign', 'MARKETING');
    const all = await allMembers(where, 100, 'campaign', 'SERVICE');
    const answer = z
      .object({
        data: z.object({ customers: z.array(z.object({ consented: z.object({}).nullable() }).nullable()) }),
      })
      .parse(
        await post(
          'query All($by: [CustomerKey!]!) { customers(by: $by) { consented: orderCount { value } } }',
          { by: all.ids.map((id) => ({ id })) },
          'campaign',
          'MARKETING',
        ),
      ).data;
    const consented = all.ids.filter((_, i) => answer.customers[i]?.consented != null);
    expect(consented.length).toBeGreaterThan(0);
    expect(consented.length).toBeLessThan(all.ids.length);
    expect(ids.toSorted()).toEqual(consented.toSorted());
  });

  test('of fewer than 10 customers is withheld from callers who see masked values', async () => {
    const small = { all: [DEBTORS, { lastOrderAt: { before: MOMENT } }] };
    expect((await allMembers(small)).ids.length).toBeLessThan(10);
    const { page: withheld } = await page({ where: small }, 'analyst');
    expect(withheld).toMatchObject({ nodes: [], isWithheld: true, counts: { matchingCount: null } });
    const { page: shown } = await page({ where: { orderCount: { atLeast: 2 } } }, 'analyst');
    expect(shown?.isWithheld).toBe(false);
    expect(shown?.counts.matchingCount).toBe(shown?.nodes.length);
    expect(shown?.counts.unknownCount).toBeNull();
  });

  test('has an audit line with its comparisons and members', async () => {
    const lines = () => readFileSync(auditFile, 'utf8').trim().split('\n');
    const before = lines().length;
    const { page: found } = await page({ where: { orderCount: { atLeast: 2 } }, first: 2 });
    const [line = ''] = lines().slice(before);
    expect(JSON.parse(line)).toMatchObject({
      terms: ['orderCount'],
      customers: found?.nodes.map(({ customer }) => customer?.id),
    });
  });
});

describe('a refused audience', () => {
  test.each<[string, object, string]>([
    ['no list', { not: { orderCount: { atLeast: 1 } } }, 'No system can list these customers'],
    ['several in any', { any: [DEBTORS, { orderCount: { atLeast: 1 } }] }, 'Put one of these into "all"'],
    ['a maximum', { orderCount: { atMost: 3 } }, 'customers without orders are not all in the order system'],
    ['no bound', { orderCount: {} }, 'is not complete'],
    ['a wrong decimal', { openInvoiceTotal: { atLeast: '5e9' } }, 'is not complete'],
    ['a wrong moment', { lastOrderAt: { since: 'yesterday' } }, 'is not complete'],
    ['an empty list', { all: [] }, 'at least one condition'],
    ['tickets that are not there', { tickets: { none: { isOpen: true } } }, 'Give "some"'],
    ['tickets of any kind', { tickets: { some: {} } }, 'is not complete'],
    [
      'an amount of the webshop',
      { amountSpent: { atLeast: '5' } },
      "the webshop's search finds customers only",
    ],
  ])('for %s calls no system and says why', async (_, where, message) => {
    await control.heal();
    const { page: refused, errors } = await page({ where });
    expect(refused).toBeUndefined();
    expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    expect(errors?.[0]?.message).toContain(message);
    for (const { calls } of Object.values(control.counters())) expect(calls).toBe(0);
  });

  test('for too few calls names how many are needed, in the plan too', async () => {
    const where = { orderCount: { atLeast: 2 } };
    const { errors } = await page({ where, maxCalls: 5 });
    expect(errors?.[0]?.message).toMatch(/A page may need \d+ calls, and maxCalls is 5/);
    expect((await planOf(where, 'operator', 5)).refusals[0]).toBe(errors?.[0]?.message);
  });

  test('has a cursor of another condition, or none', async () => {
    const { page: first } = await page({ where: { orderCount: { atLeast: 2 } }, first: 1 });
    for (const after of [first?.pageInfo.endCursor, 'abc', customers[0]?.id]) {
      const { errors } = await page({ where: { orderCount: { atLeast: 3 } }, after });
      expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    }
  });

  test.each<[Role, object]>([
    ['frontend', { orderCount: { atLeast: 2 } }],
    ['visitor', { orderCount: { atLeast: 2 } }],
    // The role has no access to invoices.
    ['campaign', DEBTORS],
  ])('for a %s calls no system', async (role, where) => {
    await control.heal();
    const { page: refused, errors } = await page({ where }, role);
    expect(refused).toBeUndefined();
    expect(errors).toBeDefined();
    for (const { calls } of Object.values(control.counters())) expect(calls).toBe(0);
  });
});
