import type { StandIn } from '../../sources/stand-ins/world.js';
import { describeSource } from '../../src/testing/source-contract.js';
import { expect } from 'vitest';
import { startServer } from '../connectors/server.js';
import { createTestGateway } from '../support/gateway.js';
import { bookshop, BOOKSHOP_SDL, BOOKSHOP_SETTINGS, BOOKSHOP_YAML, MEMBERS } from './bookshop.js';
import { ownFaultControl } from './own-fault-control.js';
import { compiled } from './warranty.js';

const { source, sdl } = compiled(BOOKSHOP_YAML, BOOKSHOP_SDL);

async function startBookshop(): Promise<StandIn> {
  const answer = bookshop();
  const server = await startServer((request, response) => void answer(request, response));
  return {
    name: 'bookshop',
    url: server.url,
    close: () => server.close(),
    settings: (front) => ({ BOOKSHOP_URL: `${front}/graphql`, ...BOOKSHOP_SETTINGS }),
  };
}

const by = (key: object, fields = 'readsBooks') => ({
  query: `query($by: CustomerKey!) { customer(by: $by) { ${fields} } }`,
  variables: { by: key },
});
const manyBy = (keys: readonly object[]) => ({
  query: 'query($by: [CustomerKey!]!) { customers(by: $by) { readsBooks } }',
  variables: { by: keys },
});
const noCustomer = { customer: null };
const third = { customer: { readsBooks: true } };
const expectAll = (data: unknown) => {
  const all = MEMBERS.map(({ active }) => ({ readsBooks: active }));
  expect(data).toEqual({ customers: [...all, ...all] });
};
const member = (change: object) => ({
  data: { k0: { ...MEMBERS[2], purchases: undefined, ...change } },
});

describeSource(
  {
    source,
    dependencies: { sdl: { bookshop: sdl }, environment: {} },
    found: {
      'e-mail address': { ...by({ email: 'READER3@example.nl' }), data: third },
      'its own number': { ...by({ memberId: 'M003' }), data: third },
    },
    unknown: {
      'an e-mail address': { ...by({ email: 'nobody@example.nl' }), data: noCustomer },
      'a number': { ...by({ memberId: 'M999' }), data: noCustomer },
    },
    batches: {
      'all members by e-mail address, twice': {
        ...manyBy([...MEMBERS, ...MEMBERS].map(({ email }) => ({ email }))),
        // A call has at most ten aliases.
        calls: 5,
        expectData: expectAll,
      },
      'all members by number, twice': {
        ...manyBy([...MEMBERS, ...MEMBERS].map(({ id }) => ({ memberId: id }))),
        calls: 1,
        expectData: expectAll,
      },
    },
    pages: {
      ...by({ memberId: 'M045' }, 'bookPurchases(first: 2) { nodes { number } }'),
      data: {
        customer: { bookPurchases: { nodes: [{ number: 'M045-0044' }, { number: 'M045-0043' }] } },
      },
      // The calls are the member and three pages of purchases.
      calls: 4,
    },
    operation: by({ email: 'reader3@example.nl' }),
    wrongCredentials: { BOOKSHOP_TOKEN: 'a-wrong-token' },
    byAnyText: {
      'an e-mail address': (text) => ({ ...by({ email: text }), nothing: noCustomer }),
      'a number': (text) => ({ ...by({ memberId: text }), nothing: noCustomer }),
    },
    http: {
      urlVariable: 'BOOKSHOP_URL',
      basePath: '/graphql',
      paths: /^\/graphql$/,
      nothing: () => ({ body: { data: { k0: null } } }),
      rateLimit: {
        status: 200,
        body: {
          errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }],
          extensions: { cost: { requested: 100, available: 40, perSecond: 2 } },
        },
        retryAfter: 30,
      },
      mismatches: [
        { answer: () => ({ data: 'secret' }), place: 'data', value: 'secret' },
        { answer: () => ({ data: { k0: 'secret' } }), place: 'member', value: 'secret' },
        { answer: () => member({ id: { secret: 1 } }), place: 'member.id', value: 'secret' },
        { answer: () => member({ name: 'secret' }), place: 'member.name', value: 'secret' },
        { answer: () => member({ active: 'secret' }), place: 'member.active', value: 'secret' },
        {
          answer: () => member({ email: 'reader77@example.nl' }),
          place: 'not requested',
          value: 'reader77@example.nl',
        },
      ],
      partial: {
        ...manyBy([3, 4, 5].map((n) => ({ email: `reader${n}@example.nl` }))),
        answer: () => ({
          body: {
            data: { k0: MEMBERS[2], k1: null, k2: null },
            errors: [{ message: 'secret', path: ['k1'], extensions: { code: 'INTERNAL' } }],
          },
        }),
        data: { customers: [{ readsBooks: true }, null, null] },
        errors: [{ path: ['customers', 1], code: 'SOURCE_UNAVAILABLE' }],
      },
    },
  },
  { faultControl: () => ownFaultControl(startBookshop), createGateway: createTestGateway },
);
