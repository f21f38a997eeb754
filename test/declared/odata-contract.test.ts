import type { ServerResponse } from 'node:http';
import { expect } from 'vitest';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { describeSource } from '../../src/testing/source-contract.js';
import { sendJson, startServer, type SeenRequest } from '../connectors/server.js';
import { createTestGateway } from '../support/gateway.js';
import { INVOICING_SDL, INVOICING_YAML } from './invoicing.js';
import { ownFaultControl } from './own-fault-control.js';
import { compiled } from './warranty.js';

const YIELDS = '  yields: { email: { one: Email } }\n';
const { source, sdl } = compiled(
  INVOICING_YAML.replace(YIELDS, `${YIELDS}  profile: { name: Name }\n`),
  INVOICING_SDL,
);

/** The accounts A1 to A60, each with five bills. */
const ACCOUNTS = Array.from({ length: 60 }, (_, i) => ({
  No: `A${i + 1}`,
  Email: `Payer${i + 1}@Example.nl`,
  Name: `Payer ${i + 1}`,
}));
const numbersOf = (account: string) => [5, 4, 3, 2, 1].map((day) => `${account}-${day}`);
const BILLS = ACCOUNTS.flatMap(({ No }) =>
  numbersOf(No).map((number) => ({
    No: number,
    AccountNo: No,
    Date: `2026-11-0${number.slice(-1)}`,
    Total: '12.50',
    Lines: [{ Text: 'Bread' }],
  })),
);
const settings = { INVOICING_TOKEN: 'secret-token' };

/** Answers like the system, with `pageSize` bills on a page. */
function answerAsInvoicing(pageSize: number) {
  return ({ url, headers }: SeenRequest, response: ServerResponse): void => {
    const { pathname, searchParams } = new URL(url, 'http://invoicing');
    if (headers.authorization !== `Bearer ${settings.INVOICING_TOKEN}`) {
      sendJson(response, { error: { code: 'Unauthorized', message: 'no' } }, { status: 401 });
      return;
    }
    const [, field = '', list = ''] =
      /^(\w+) in \((.*?)\)( and |$)/.exec(searchParams.get('$filter') ?? '') ?? [];
    const keys = [...list.matchAll(/'((?:[^']|'')*)'/g)].map(([, key = '']) =>
      key.replaceAll("''", "'").toLowerCase(),
    );
    const records: readonly Record<string, unknown>[] = pathname === '/Bills' ? BILLS : ACCOUNTS;
    const found = records.filter((record) => keys.includes(String(record[field]).toLowerCase()));
    const start = Number(searchParams.get('start') ?? 0);
    const page = new URLSearchParams(searchParams);
    page.set('start', String(start + pageSize));
    sendJson(response, {
      value: found.slice(start, start + pageSize),
      ...(start + pageSize < found.length
        ? { '@odata.nextLink': `${pathname.slice(1)}?${page.toString()}` }
        : {}),
    });
  };
}

async function startInvoicing(pageSize = 1_000): Promise<StandIn> {
  const server = await startServer(answerAsInvoicing(pageSize));
  return {
    name: 'invoicing',
    url: server.url,
    close: () => server.close(),
    settings: (front) => ({ INVOICING_URL: front, ...settings }),
  };
}

const by = (key: object, fields = 'name') => ({
  query: `query($by: CustomerKey!) { customer(by: $by) { ${fields} } }`,
  variables: { by: key },
});
const first = { customer: { name: 'Payer 1' } };
const noCustomer = { customer: null };
const account = (change: object) => ({ value: [{ ...ACCOUNTS[0], ...change }] });
const bills = (account: string) => ({ nodes: numbersOf(account).map((number) => ({ number })) });

describeSource(
  {
    source,
    dependencies: { sdl: { invoicing: sdl }, environment: {} },
    found: {
      'its own number': { ...by({ accountId: 'A1' }), data: first },
      'an e-mail address': { ...by({ email: 'PAYER1@example.nl' }), data: first },
    },
    unknown: {
      'a number': { ...by({ accountId: 'A999' }), data: noCustomer },
      'an e-mail address': { ...by({ email: 'nobody@example.nl' }), data: noCustomer },
    },
    batches: {
      'sixty customers, twice': {
        query: 'query($by: [CustomerKey!]!) { customers(by: $by) { name } }',
        variables: { by: [...ACCOUNTS, ...ACCOUNTS].map(({ Email }) => ({ email: Email })) },
        // The declaration sends fifty addresses at once.
        calls: 2,
        expectData: (data) => {
          const names = ACCOUNTS.map(({ Name }) => ({ name: Name }));
          expect(data).toEqual({ customers: [...names, ...names] });
        },
      },
    },
    pages: {
      startStandIn: () => startInvoicing(2),
      ...by({ accountId: 'A1' }, 'bills { nodes { number } }'),
      data: { customer: { bills: bills('A1') } },
      // The calls are the account, a search for other accounts with its address, and three pages of bills.
      calls: 1 + 1 + 3,
    },
    operation: by({ email: 'payer1@example.nl' }),
    wrongCredentials: { INVOICING_TOKEN: 'a-wrong-token' },
    byAnyText: {
      'a number': (text) => ({ ...by({ accountId: text }), nothing: noCustomer }),
      'an e-mail address': (text) => ({ ...by({ email: text }), nothing: noCustomer }),
    },
    http: {
      urlVariable: 'INVOICING_URL',
      paths: /^\/Accounts\?\$filter=(No|Email)%20in%20\('[^&?#/]*'\)&\$select=[\w,%]+$/,
      nothing: () => ({ body: { value: [] } }),
      rateLimit: { body: null, headers: { 'retry-after': '30' }, retryAfter: 30 },
      mismatches: [
        { answer: () => ({ value: 'secret' }), place: 'value', value: 'secret' },
        { answer: () => ({ value: ['secret'] }), place: 'value', value: 'secret' },
        { answer: () => account({ No: { secret: 1 } }), place: 'No', value: 'secret' },
        { answer: () => account({ Name: ['secret'] }), place: 'Name', value: 'secret' },
        { answer: () => account({ Email: 'secret@example.nl' }), place: 'not requested', value: 'secret' },
      ],
      partial: {
        query: 'query($by: [CustomerKey!]!) { customers(by: $by) { name bills { nodes { number } } } }',
        variables: { by: ['A1', 'A2', 'A3'].map((accountId) => ({ accountId })) },
        answer: ({ url }) =>
          url.startsWith('/Accounts')
            ? { body: { value: [ACCOUNTS[2], ACCOUNTS[0]].map((record) => ({ ...record, Email: null })) } }
            : { status: 400, body: { error: { code: 'BadRequest', message: 'secret' } } },
        data: { customers: [{ name: 'Payer 1', bills: null }, null, { name: 'Payer 3', bills: null }] },
        errors: [0, 2].map((i) => ({ path: ['customers', i, 'bills'], code: 'SOURCE_CONTRACT' })),
      },
    },
  },
  { faultControl: () => ownFaultControl(startInvoicing), createGateway: createTestGateway },
);
