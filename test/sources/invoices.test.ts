import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { invoices } from '../../sources/invoices/index.js';
import {
  customersByEmail,
  customersByNumber,
  customersByVatNumber,
  invoicePages,
  openTotals,
  type InvoicePage,
} from '../../sources/invoices/loaders.js';
import {
  invoicesAccessToken,
  startInvoices,
  type InvoicesOptions,
} from '../../sources/invoices/stand-in/index.js';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { guid, type SeedInvoice } from '../../sources/stand-ins/seed-invoices.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person, StandIn, World } from '../../sources/stand-ins/world.js';
import type { OdataClient } from '../../src/connectors/odata/client.js';
import { hostileKeys, open, type Opened } from '../connectors/contract.js';
import { sendJson, startServer, type SmallServer } from '../connectors/server.js';
import type { GatewayOptions } from '../../src/gateway.js';
import { createTestGateway, patientSources } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { directSettings, faultControl } from '../support/stand-ins.js';

const world = createWorld({ customers: inject('customers') });
const settings = Object.fromEntries(
  Object.entries(directSettings()).filter(([variable]) => variable.startsWith('INVOICES')),
);
/** Settings with a token, because a request for a token would be a further call. */
const withToken = { ...settings, INVOICES_ACCESS_TOKEN: invoicesAccessToken };
const everybody = world.people.filter((person) => person.invoices !== undefined);

/** Opens a gateway with long timeouts, because the machine may be busy. */
const patientGateway = (environment: Record<string, string>, options: Partial<GatewayOptions> = {}) =>
  createTestGateway({ DEADLINE_MS: '20000', ...environment }, options);

function person(email: string): Person & { invoices: NonNullable<Person['invoices']> } {
  const found = everybody.find((person) => person.email === email);
  if (found?.invoices === undefined) throw new Error(`The invoice system does not know ${email}.`);
  return { ...found, invoices: found.invoices };
}

function downwards(a: string, b: string): number {
  return a === b ? 0 : a < b ? 1 : -1;
}

/** The invoices of a person, newest first. */
function sent({ invoices }: Pick<Person, 'invoices'>, status?: SeedInvoice['status']): SeedInvoice[] {
  return (invoices?.invoices ?? [])
    .filter((invoice) =>
      status === undefined ? !['Draft', 'In Review'].includes(invoice.status) : invoice.status === status,
    )
    .sort((a, b) => downwards(a.invoiceDate, b.invoiceDate) || downwards(a.number, b.number));
}

const money = (cents: number, currency: string) => ({ amount: (cents / 100).toFixed(2), currency });
const numbers = (some: readonly SeedInvoice[]) => some.map(({ number }) => number);

const STATUS = { Open: 'OPEN', Paid: 'PAID', Canceled: 'CANCELLED', Corrective: 'CORRECTIVE' } as Record<
  string,
  string
>;

/** Open amounts, one for each currency. */
function openAmounts(item: Pick<Person, 'invoices'>) {
  const cents = new Map<string, number>();
  for (const { currency, remainingCents } of sent(item, 'Open'))
    cents.set(currency, (cents.get(currency) ?? 0) + remainingCents);
  return [...cents].sort(([a], [b]) => downwards(b, a)).map(([currency, sum]) => money(sum, currency));
}

const FIELDS = `invoices(first: 100) { nodes {
    number issuedOn dueOn total { amount currency } openAmount { amount currency } status orderNumber
  } pageInfo { hasNextPage } }
  openInvoiceTotal { amounts { amount currency } isApproximate }`;

function expected(item: Pick<Person, 'invoices'>) {
  const all = sent(item);
  return {
    invoices: {
      nodes: all.slice(0, 100).map((invoice) => ({
        number: invoice.number,
        issuedOn: invoice.invoiceDate,
        dueOn: invoice.dueDate,
        total: money(invoice.totalCents, invoice.currency),
        openAmount: money(invoice.remainingCents, invoice.currency),
        status: STATUS[invoice.status],
        orderNumber: invoice.orderNumber === '' ? null : invoice.orderNumber,
      })),
      pageInfo: { hasNextPage: all.length > 100 },
    },
    openInvoiceTotal: { amounts: openAmounts(item), isApproximate: false },
  };
}

describe('the invoice system', () => {
  it.each([
    ['the credentials of an app', {}],
    ['an access token', { INVOICES_ACCESS_TOKEN: invoicesAccessToken }],
  ])(
    'finds a customer by account, e-mail and VAT number, and shows the invoices, with %s',
    async (_, more) => {
      const gateway = patientGateway({ ...settings, ...more });
      const company = person('company@example.nl');
      const { data, errors } = await gateway.query(
        `query($by: [CustomerKey!]!) { customers(by: $by) { name ${FIELDS} } }`,
        {
          by: [
            { invoiceCustomerNumber: company.invoices.customerNumber.toLowerCase() },
            { email: 'Company@example.nl' },
            { vatNumber: 'NL 8581.00.009.B14' },
            { email: 'nobody@example.nl' },
          ],
        },
      );
      await gateway.close();
      expect(errors).toEqual([]);
      const expectedOne = { name: company.invoices.companyName, ...expected(company) };
      expect(listAt(data, 'customers')).toEqual([expectedOne, expectedOne, expectedOne, null]);
    },
  );

  it('returns the invoices of many customers in one call for each kind of data', async () => {
    const control = await faultControl();
    const gateway = patientGateway({ ...control.settings, ...onlyInvoices(control) });
    const people = everybody.filter(({ email }) => email.startsWith('customer-'));
    const { data, errors } = await gateway.query(
      `query($by: [CustomerKey!]!) { customers(by: $by) { ${FIELDS} } }`,
      { by: people.map(({ email }) => ({ email })) },
    );
    await gateway.close();
    const { calls } = control.counters()['invoices'] ?? {};
    await control.close();
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers')).toEqual(people.map(expected));
    // The calls are identification, the invoices, and the open amounts.
    expect(calls).toBe(3);
  });

  it('returns five hundred invoices in pages, each once, with and without a filter', async () => {
    const gateway = patientGateway(withToken);
    const many = person('many-orders@example.nl');
    for (const status of [undefined, 'Paid'] as const) {
      const found: unknown[] = [];
      let after: unknown = null;
      do {
        const { data, errors } = await gateway.query(
          `query($after: String, $status: InvoiceStatus) { customer(by: { email: "many-orders@example.nl" }) {
            invoices(first: 97, after: $after, status: $status) { nodes { number } pageInfo { hasNextPage endCursor } } } }`,
          { after, status: status === undefined ? null : 'PAID' },
        );
        expect(errors).toEqual([]);
        found.push(...listAt(data, 'customer', 'invoices', 'nodes'));
        const page = at(data, 'customer', 'invoices', 'pageInfo');
        after = at(page, 'hasNextPage') === true ? at(page, 'endCursor') : null;
      } while (after !== null);
      expect(found).toEqual(numbers(sent(many, status)).map((number) => ({ number })));
      expect(found.length).toBeGreaterThan(300);
    }
    await gateway.close();
  });

  it('never shows a draft, which no customer has received', async () => {
    const drafts = everybody.filter(({ invoices }) =>
      invoices?.invoices.some(({ status }) => status === 'Draft' || status === 'In Review'),
    );
    expect(drafts.length).toBeGreaterThan(0);
    const gateway = patientGateway(withToken);
    const { data } = await gateway.query(
      `query($by: [CustomerKey!]!) { customers(by: $by) { ${FIELDS} timeline(first: 100) { nodes { recordId } } } }`,
      { by: drafts.map(({ email }) => ({ email })) },
    );
    await gateway.close();
    expect(listAt(data, 'customers')).toEqual(
      drafts.map((draft) => ({
        ...expected(draft),
        timeline: { nodes: numbers(sent(draft)).map((recordId) => ({ recordId })) },
      })),
    );
  });

  it('shows invoices in the timeline at the beginning of their day', async () => {
    const gateway = patientGateway(withToken);
    const all = sent(person('everywhere@example.nl'));
    const query = `query($after: String, $since: DateTime) { customer(by: { email: "everywhere@example.nl" }) {
      timeline(first: 2, after: $after, since: $since, kinds: [INVOICE]) {
        nodes { happenedAt kind title status amount { amount currency } } pageInfo { endCursor hasNextPage } } } }`;
    const answer = await gateway.query(query);
    const two = await gateway.query(query, {
      after: at(answer.data, 'customer', 'timeline', 'pageInfo', 'endCursor'),
    });
    const since = await gateway.query(query, { since: `${all[0]?.invoiceDate ?? ''}T00:00:00Z` });
    await gateway.close();
    const entry = (invoice: SeedInvoice) => ({
      happenedAt: `${invoice.invoiceDate}T00:00:00.000Z`,
      kind: 'INVOICE',
      title: `Invoice ${invoice.number}`,
      status: STATUS[invoice.status],
      amount: money(invoice.totalCents, invoice.currency),
    });
    expect(listAt(answer.data, 'customer', 'timeline', 'nodes')).toEqual(all.slice(0, 2).map(entry));
    expect(listAt(two.data, 'customer', 'timeline', 'nodes')).toEqual(all.slice(2, 4).map(entry));
    expect(listAt(since.data, 'customer', 'timeline', 'nodes')).toEqual(
      all.filter(({ invoiceDate }) => invoiceDate >= (all[0]?.invoiceDate ?? '')).map(entry),
    );
  });

  it.each([
    ['an empty page', 'first: 0'],
    ['a page that is too large', 'first: 101'],
    ['an invalid cursor', 'after: "x"'],
    ['a cursor of another list', `after: "${Buffer.from('["2026-99-99","x"]').toString('base64url')}"`],
  ])('refuses %s', async (_, args) => {
    const gateway = patientGateway(withToken);
    const { errors } = await gateway.query(
      `{ customer(by: { email: "everywhere@example.nl" }) { invoices(${args}) { nodes { number } } } }`,
    );
    await gateway.close();
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
  });

  it('has no total for an unknown customer, instead of a total of zero', async () => {
    const gateway = patientGateway(directSettings());
    const { data, errors } = await gateway.query(
      `{ customer(by: { email: "orders-only@example.nl" }) { ${FIELDS} } }`,
    );
    await gateway.close();
    expect(errors).toEqual([]);
    expect(at(data, 'customer')).toEqual({
      invoices: { nodes: [], pageInfo: { hasNextPage: false } },
      openInvoiceTotal: null,
    });
  });

  it.each([
    ['a wrong secret', { INVOICES_CLIENT_SECRET: 'wrong' }],
    ['a wrong access token', { INVOICES_ACCESS_TOKEN: 'wrong' }],
  ])('fails only its own fields for %s, and is not called again', async (_, wrong) => {
    const control = await faultControl();
    const gateway = patientGateway({ ...control.settings, ...wrong });
    const { data, errors } = await gateway.query(
      `{ customer(by: { email: "everywhere@example.nl" }) { becameCustomerAt ${FIELDS} } }`,
    );
    await gateway.close();
    const { calls } = control.counters()['invoices'] ?? {};
    await control.close();
    expect(at(data, 'customer')).toMatchObject({
      becameCustomerAt: expect.any(String) as string,
      invoices: null,
      openInvoiceTotal: null,
    });
    expect(new Set(errors.map(({ extensions }) => JSON.stringify(extensions)))).toEqual(
      new Set([JSON.stringify({ code: 'SOURCE_UNAUTHENTICATED', source: 'invoices', retryable: false })]),
    );
    expect(calls).toBe(1);
  });

  it.each([
    ['hang', 'SOURCE_TIMEOUT'],
    ['down', 'SOURCE_UNAVAILABLE'],
    ['rate-limit', 'SOURCE_RATE_LIMITED'],
    ['garbage', 'SOURCE_CONTRACT'],
  ] as const)('fails only its own fields if it has the fault "%s"', async (fault, code) => {
    const control = await faultControl();
    const gateway = patientGateway(
      { ...control.settings, INVOICES_ACCESS_TOKEN: invoicesAccessToken },
      fault === 'hang' ? { sources: patientSources({ invoices: '250 ms' }) } : {},
    );
    await control.set('invoices', { fault });
    const { data, errors } = await gateway.query(
      `{ customer(by: { email: "everywhere@example.nl" }) { becameCustomerAt invoices { nodes { number } } } }`,
    );
    await gateway.close();
    await control.close();
    expect(at(data, 'customer')).toEqual({ becameCustomerAt: expect.any(String) as string, invoices: null });
    expect(errors.map(({ path, extensions }) => [path, extensions.code, extensions.source])).toEqual([
      [['customer', 'invoices'], code, 'invoices'],
    ]);
  });
});

/** Returns the settings of the invoice system from a fault control, with a token. */
function onlyInvoices(control: FaultControl): Record<string, string> {
  return {
    ...Object.fromEntries(
      Object.keys(control.settings)
        .filter((variable) => !variable.startsWith('INVOICES'))
        .map((variable) => [variable, '']),
    ),
    INVOICES_ACCESS_TOKEN: invoicesAccessToken,
  };
}

/** Creates a person with this account and number of invoices, on consecutive days and some on the same day. */
function createDebtor(number: number, count: number, { from = '2026-01-01', ...facts }: Facts = {}): Person {
  const invoices = Array.from({ length: count }, (_, i): SeedInvoice => ({
    id: guid('invoice', number * 100_000 + i),
    number: `F${number}-${String(i).padStart(6, '0')}`,
    status: 'Open',
    invoiceDate: new Date(Date.parse(from) + Math.floor(i / 3) * 86_400_000).toISOString().slice(0, 10),
    dueDate: '2026-12-31',
    orderNumber: '',
    shopOrderNumber: '',
    currency: 'EUR',
    totalCents: 1_010,
    taxCents: 10,
    remainingCents: 1_005,
  }));
  return {
    ...person('everywhere@example.nl'),
    email: facts.email ?? `somebody-${number}@example.nl`,
    firstName: facts.firstName ?? 'Sam',
    invoices: {
      id: guid('customer', number),
      customerNumber: `D${number}`,
      updatedAt: '2026-01-01T00:00:00.000Z',
      invoices: invoices,
      ...(facts.vatNumber !== undefined && { vatNumber: facts.vatNumber }),
    },
  };
}

interface Facts {
  from?: string;
  email?: string;
  firstName?: string;
  vatNumber?: string;
}

describe('the invoice system with chosen records', () => {
  let standIn: StandIn;
  let control: FaultControl;
  let client: Opened<OdataClient>;

  const start = async (people: Person[], options?: InvoicesOptions): Promise<void> => {
    const changedWorld: World = { ...world, people };
    standIn = await startInvoices(changedWorld, options);
    control = await faultControl([standIn]);
    client = open<OdataClient>(invoices.connector, environment());
  };
  const environment = () => ({
    ...standIn.settings(control.sources['invoices']?.url ?? ''),
    INVOICES_ACCESS_TOKEN: invoicesAccessToken,
  });
  const calls = () => control.counters()['invoices']?.calls;
  afterEach(async () => {
    await client.close();
    await control.close();
    await standIn.close();
  });
  const page = (number: number, more: Partial<InvoicePage> = {}): InvoicePage => ({
    customerNumbers: [`D${number}`],
    first: 10,
    after: null,
    since: null,
    status: null,
    ...more,
  });
  const found = (answers: readonly (readonly { number: string }[] | Error)[]) =>
    answers.map((answer) => (answer instanceof Error ? answer : answer.map(({ number }) => number)));
  const newest = (person: Person, first = 11) => numbers(sent(person)).slice(0, first);

  it('loads three hundred customers in three calls', async () => {
    const people = Array.from({ length: 300 }, (_, i) => createDebtor(i + 1, i % 4));
    await start(people);
    const gateway = patientGateway(environment());
    const { data, errors } = await gateway.query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { invoices(first: 2) { nodes { number } } } }',
      { by: people.map(({ email }) => ({ email })) },
    );
    await gateway.close();
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers')).toEqual(
      people.map((person) => ({ invoices: { nodes: newest(person, 2).map((number) => ({ number })) } })),
    );
    expect(calls()).toBe(3 + 3);
  });

  it('shows a few old invoices of a customer, even if another customer has thousands', async () => {
    const busy = createDebtor(1, 3_000, { from: '2020-01-01' });
    const quiet = createDebtor(2, 2, { from: '2019-01-01' });
    const silent = createDebtor(3, 0);
    await start([busy, quiet, silent]);
    expect(found(await invoicePages.load([page(1), page(2), page(3)], client))).toEqual([
      newest(busy),
      newest(quiet),
      [],
    ]);
    expect(calls()).toBeLessThanOrEqual(6);
  });

  it('reads only one page for a customer with very many invoices', async () => {
    const busy = createDebtor(1, 3_000, { from: '2020-01-01' });
    await start([busy]);
    expect(found(await invoicePages.load([page(1)], client))).toEqual([newest(busy)]);
    expect(calls()).toBe(1);
  });

  it('continues within a day, for any order of the invoices of that day', async () => {
    const person = createDebtor(1, 40);
    await start([person]);
    const all = sent(person);
    for (const i of [0, 1, 2, 17, 38, 39]) {
      const { invoiceDate = '', number = '' } = all[i] ?? {};
      const after = { at: `${invoiceDate}T00:00:00.000000Z`, id: number };
      expect(found(await invoicePages.load([page(1, { after, first: 100 })], client))).toEqual([
        numbers(all.slice(i + 1)),
      ]);
    }
  });

  it('shows the invoices of all accounts of a customer in one list', async () => {
    const [first, second] = [createDebtor(1, 20, { from: '2026-02-01' }), createDebtor(2, 25)];
    await start([first, second]);
    const both = {
      invoices: {
        ...first.invoices,
        invoices: [first, second].flatMap((person) => person.invoices?.invoices ?? []),
      },
    };
    const wanted = page(1, { customerNumbers: ['D2', 'D1'], first: 30 });
    expect(found(await invoicePages.load([wanted, page(2)], client))).toEqual([
      numbers(sent(both as Person)).slice(0, 31),
      newest(second),
    ]);
  });

  it('adds the open amounts of many pages exactly', async () => {
    await start([createDebtor(1, 2_500), createDebtor(2, 0), createDebtor(3, 1)]);
    const money_ = (amount: string) => ({ amounts: [{ amount, currency: 'EUR' }], isComplete: true });
    expect(await openTotals.load(['D1', 'D2', 'D3'], client)).toEqual([
      money_('25125.00'),
      { amounts: [], isComplete: true },
      money_('10.05'),
    ]);
  });

  it('reports a total as incomplete only for the customer with more invoices than can be read', async () => {
    const people = [createDebtor(1, 6_000), createDebtor(2, 3), createDebtor(3, 0), createDebtor(4, 5_500)];
    await start(people);
    const total = (amount: string, isComplete: boolean) => ({
      amounts: [{ amount, currency: 'EUR' }],
      isComplete,
    });
    expect(await openTotals.load(['D1', 'D2', 'D3', 'D4'], client)).toEqual([
      total('50250.00', false),
      total('30.15', true),
      { amounts: [], isComplete: true },
      // The total includes only some of the 5,500 invoices, because the limit applies to both customers together.
      total('50250.00', false),
    ]);
    const gateway = patientGateway(environment());
    const { data } = await gateway.query(
      '{ customer(by: { invoiceCustomerNumber: "D2" }) { openInvoiceTotal { amounts { amount } isApproximate } } }',
    );
    await gateway.close();
    expect(at(data, 'customer', 'openInvoiceTotal')).toEqual({
      amounts: [{ amount: '30.15' }],
      isApproximate: false,
    });
  });

  it('treats two accounts with the same VAT number, or the same name and address, as one customer', async () => {
    await start([
      createDebtor(1, 1, { email: 'one@example.nl', vatNumber: 'NL858100009B14', firstName: 'Department' }),
      createDebtor(2, 1, { email: 'one@example.nl', vatNumber: 'NL858100009B14' }),
      createDebtor(3, 1, { email: 'same@example.nl' }),
      createDebtor(4, 1, { email: 'same@example.nl' }),
      createDebtor(5, 1, { email: 'two@example.nl' }),
      createDebtor(6, 1, { email: 'two@example.nl', firstName: 'Robin' }),
    ]);
    const gateway = patientGateway(environment());
    const { data, errors } = await gateway.query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { invoices { nodes { number } } } }',
      { by: ['one@example.nl', 'same@example.nl', 'two@example.nl'].map((email) => ({ email })) },
    );
    await gateway.close();
    const nodes = (...some: string[]) => ({ invoices: { nodes: some.map((number) => ({ number })) } });
    expect(listAt(data, 'customers')).toEqual([
      nodes('F2-000000', 'F1-000000'),
      nodes('F4-000000', 'F3-000000'),
      null,
    ]);
    expect(errors.map(({ extensions }) => extensions)).toEqual([
      { code: 'AMBIGUOUS_IDENTITY', source: 'invoices', candidateCount: 2 },
    ]);
  });

  it('renews an expired access token once for all waiting calls', async () => {
    let now = Date.now();
    const people = [createDebtor(1, 1), createDebtor(2, 1)];
    await start(people, { now: () => now, tokenSeconds: 3_600 });
    const gateway = patientGateway({ ...environment(), INVOICES_ACCESS_TOKEN: '' });
    const find = (by: object) =>
      gateway.query('query($by: CustomerKey!) { customer(by: $by) { openInvoiceTotal { isApproximate } } }', {
        by,
      });
    await find({ email: 'somebody-1@example.nl' });
    expect(calls()).toBe(1 + 2);
    now += 2 * 3_600_000;
    const answers = await Promise.all([
      find({ email: 'somebody-2@example.nl' }),
      find({ invoiceCustomerNumber: 'D1' }),
    ]);
    await gateway.close();
    for (const { data, errors } of answers) {
      expect(errors).toEqual([]);
      expect(at(data, 'customer', 'openInvoiceTotal')).toEqual({ isApproximate: false });
    }
  });

  it('is not called above its rate limit, and the client receives a rate-limit error', async () => {
    await start([createDebtor(1, 1)], { requestsPerFiveMinutes: 1, now: () => 1_000 });
    const gateway = patientGateway(environment());
    const { errors } = await gateway.query(
      '{ customer(by: { email: "somebody-1@example.nl" }) { openInvoiceTotal { isApproximate } } }',
    );
    await gateway.close();
    expect(errors.map(({ extensions }) => extensions)).toMatchObject([
      { code: 'SOURCE_RATE_LIMITED', source: 'invoices', retryable: true },
    ]);
  });

  it.each(Object.entries(hostileKeys))(
    'finds nobody by %s, and finds the other customers of the batch',
    async (_, key) => {
      await start([createDebtor(1, 1, { email: 'jan@example.nl', vatNumber: 'NL858100009B14' })]);
      for (const [loader, known] of [
        [customersByEmail, 'jan@example.nl'],
        [customersByNumber, 'D1'],
        [customersByVatNumber, 'NL858100009B14'],
      ] as const) {
        const outcome = await loader.load([key, known], client).catch((error: unknown) => error);
        // A value that cannot be sent is refused. Another value finds no record, and does not affect others.
        if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'BAD_USER_INPUT' });
        else expect(outcome).toMatchObject([[], [{ id: 'D1' }]]);
      }
    },
  );
});

it('a call to the invoice system is cancelled when no client waits for its answer', async () => {
  const seen: string[] = [];
  const server = await startServer((_, response) => {
    seen.push('requested');
    response.once('close', () => seen.push('given up'));
  });
  const stop = new AbortController();
  const client = open<OdataClient>(
    invoices.connector,
    { INVOICES_URL: server.url, INVOICES_ACCESS_TOKEN: 't' },
    { scope: { run: (call) => call(stop.signal) } },
  );
  const loading = customersByNumber.load(['D1'], client).catch((error: unknown) => error);
  await expect.poll(() => seen).toEqual(['requested']);
  stop.abort();
  await expect.poll(() => seen).toEqual(['requested', 'given up']);
  expect(await loading).toBeInstanceOf(Error);
  await client.close();
  await server.close();
});

describe('an answer at the address of the invoice system', () => {
  let server: SmallServer;
  let answer: (url: string) => unknown;

  beforeAll(async () => {
    server = await startServer(({ url }, response) => {
      sendJson(response, answer(url));
    });
  });
  afterAll(() => server.close());

  const card = { number: 'D1', email: 'everywhere@example.nl', displayName: '', phoneNumber: '' };
  const invoice = {
    number: 'F1',
    invoiceDate: '2026-01-31',
    dueDate: '0001-01-01',
    billToCustomerNumber: 'D1',
    currencyCode: 'JPY',
    orderNumber: '',
    totalAmountIncludingTax: '12345678901234567.25',
    remainingAmount: 100,
    status: 'Open',
  };
  const find = async () => {
    const gateway = patientGateway({ INVOICES_URL: server.url, INVOICES_ACCESS_TOKEN: 't' });
    const answered = await gateway.query(
      `{ customer(by: { email: "everywhere@example.nl" }) { invoices { nodes {
        dueOn orderNumber total { amount currency } openAmount { amount } } } } }`,
    );
    await gateway.close();
    return answered;
  };
  const withInvoice = (change: object) => (url: string) => ({
    value: [url.startsWith('/customers') ? card : { ...invoice, ...change }],
  });

  it('has every digit of an amount, and null for empty values of the system', async () => {
    answer = withInvoice({});
    const { data, errors } = await find();
    expect(errors).toEqual([]);
    expect(at(data, 'customer', 'invoices', 'nodes', 0)).toEqual({
      dueOn: null,
      orderNumber: null,
      total: { amount: '12345678901234567.25', currency: 'JPY' },
      openAmount: { amount: '100' },
    });
  });

  it.each([
    ['another shape', () => ({ something: 'secret' })],
    ['an amount whose digits may have been lost', withInvoice({ remainingAmount: 1e16 / 3 })],
    ['an invalid day', withInvoice({ invoiceDate: '2026-02-30' })],
    ['a status that was not requested', withInvoice({ status: 'Draft' })],
    ['no currency', withInvoice({ currencyCode: '' })],
    [
      'a link to another system',
      (url: string) => ({
        ...(withInvoice({})(url) as object),
        '@odata.nextLink': 'https://secret.example/',
      }),
    ],
  ])('fails only its own fields and reveals no value if it is %s', async (_, answering) => {
    answer = answering;
    const { errors } = await find();
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['SOURCE_CONTRACT']);
    expect(JSON.stringify(errors)).not.toMatch(/secret|2026-02-30|Draft|33333/);
  });
});
