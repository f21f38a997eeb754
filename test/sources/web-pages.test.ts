import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startClickstream } from '../../sources/clickstream/stand-in/index.js';
import { startFacebook } from '../../sources/facebook/stand-in/index.js';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { leadForms, type FacebookPart } from '../../sources/stand-ins/seed-facebook.js';
import type { SeedVisit } from '../../sources/stand-ins/seed-clickstream.js';
import { worldNow } from '../../sources/stand-ins/seed-time.js';
import { organisationOnX, type XPart } from '../../sources/stand-ins/seed-x.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person, StandIn } from '../../sources/stand-ins/world.js';
import { startX } from '../../sources/x/stand-in/index.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { faultControl } from '../support/stand-ins.js';
import { isThorough } from '../support/thorough.js';

// Tests a customer with 500 items of every list of the click log, Facebook and X, or with a fraction of them.
const COUNT = isThorough ? 500 : 200;
/** This size divides neither the number of items nor the page size of any system. */
const PAGE_SIZE = 37;
const EMAIL = 'everywhere@example.nl';

const world = createWorld({ customers: 0 });
const found = world.people.find(({ email }) => email === EMAIL);
if (found?.facebook === undefined || found.x === undefined || found.orderSystem === undefined)
  throw new Error(`A system does not know ${EMAIL}.`);
const { facebook, x, orderSystem } = found;

/** The time of an item: item `i` is `i` minutes old, so the first is the newest. */
const indexes = Array.from({ length: COUNT }, (_, i) => i);
const isoOf = (minutesAgo: number) => new Date(Date.parse(worldNow) - minutesAgo * 60_000).toISOString();
const idOf = (kind: string, i: number) => `${kind}-${String(i).padStart(4, '0')}`;

const visits: SeedVisit[] = indexes.map((i) => ({
  sessionId: idOf('visit', i),
  sessionIndex: COUNT - i,
  visitorId: 'device-of-500',
  useragent: 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0',
  referrer: null,
  events: [
    {
      id: idOf('event', i),
      at: isoOf(i + 1),
      userId: orderSystem.customerNumber,
      kind: 'product_view',
      page: '/p/1',
      title: 'Mok',
      product: { sku: `SKU-${i}`, title: 'Mok', priceCents: 1_250 },
      term: null,
    },
  ],
}));
const conversations: FacebookPart['conversations'] = indexes.map((i) => ({
  id: idOf('t', i),
  updatedAt: isoOf(i),
  unreadCount: 0,
  messages:
    i > 0
      ? []
      : indexes
          .map((j) => ({ id: idOf('m', j), byCustomer: true, text: `message ${j}`, createdAt: isoOf(j) }))
          .reverse(),
}));
const leads: FacebookPart['leads'] = indexes.map((i) => ({
  id: idOf('lead', i),
  formId: leadForms[i % leadForms.length]?.id ?? '',
  interest: 'Tuin',
  createdAt: isoOf(i),
}));
const posts: XPart['posts'] = indexes.map((i) => ({
  id: String(1_980_000_000_000_000_000n - BigInt(i)),
  text: `@${organisationOnX} number ${i}`,
  likes: 0,
  replies: 0,
  createdAt: isoOf(i),
}));
const eva: Person = {
  ...found,
  clickstream: { visits },
  facebook: { ...facebook, conversations, leads },
  x: { ...x, posts },
};

interface List {
  field: string;
  /** The path from the customer to the list. */
  path: (string | number)[];
  /** Creates the selection of the customer that contains the list. */
  select: (list: string) => string;
  nodes: string;
  ids: readonly string[];
  /** A field of another system, which the test makes unavailable. */
  beside: { system: StandIn['name']; select: string };
}

const ofX = { system: 'x', select: 'xProfile { username }' } as const;
const ofFacebook = { system: 'facebook', select: 'formSubmissions(first: 1) { nodes { id } }' } as const;

const lists: List[] = [
  {
    field: 'visits',
    path: ['visits'],
    select: (list) => list,
    nodes: 'recordId',
    ids: visits.map(({ sessionId }) => sessionId),
    beside: ofX,
  },
  {
    field: 'events',
    path: ['events'],
    select: (list) => list,
    nodes: 'recordId',
    ids: indexes.map((i) => idOf('event', i)),
    beside: ofFacebook,
  },
  {
    field: 'productViews',
    path: ['productViews'],
    select: (list) => list,
    nodes: 'recordId: product { sku }',
    ids: indexes.map((i) => `SKU-${i}`),
    beside: ofFacebook,
  },
  {
    field: 'formSubmissions',
    path: ['formSubmissions'],
    select: (list) => list,
    nodes: 'recordId',
    ids: leads.map(({ id }) => id),
    beside: ofX,
  },
  {
    field: 'conversations',
    path: ['facebookProfile', 'conversations'],
    select: (list) => `facebookProfile { ${list} }`,
    nodes: 'recordId',
    ids: conversations.map(({ id }) => id),
    beside: ofX,
  },
  {
    field: 'messages',
    path: ['facebookProfile', 'conversations', 'nodes', 0, 'messages'],
    select: (list) => `facebookProfile { conversations(first: 1) { nodes { ${list} } } }`,
    nodes: 'recordId',
    ids: indexes.map((i) => idOf('m', i)),
    beside: ofX,
  },
  {
    field: 'mentions',
    path: ['xProfile', 'mentions'],
    select: (list) => `xProfile { ${list} }`,
    nodes: 'recordId',
    ids: posts.map(({ id }) => id),
    beside: ofFacebook,
  },
];

describe('a customer with many items in every list', () => {
  let standIns: StandIn[];
  let control: FaultControl;
  let gateway: TestGateway;

  beforeAll(async () => {
    const crowded = { ...world, people: [eva] };
    standIns = [await startClickstream(crowded), await startFacebook(crowded), await startX(crowded)];
    control = await faultControl(standIns, ['order-system', 'crm-hubspot']);
  });
  // Each test has the budget of a new gateway.
  beforeEach(() => {
    gateway = createTestGateway({
      ...control.settings,
      CLICKSTREAM_TIMEOUT_MS: '20000',
      DEADLINE_MS: '20000',
      FACEBOOK_LIMITS: '{"timeout":"20 s"}',
      X_LIMITS: '{"timeout":"20 s","rate":{"calls":10000,"per":"1 s"}}',
    });
  });
  afterEach(async () => {
    await gateway.close();
    await control.heal();
  });
  afterAll(async () => {
    await control.close();
    for (const standIn of standIns) await standIn.close();
  });

  /** Returns the ids of all pages. Each page is read without the cache. */
  const readAll = async (list: List, beside = ''): Promise<{ ids: unknown[]; errorPaths: unknown[] }> => {
    const ids: unknown[] = [];
    const errorPaths: unknown[] = [];
    let after: unknown = null;
    for (let page = 0; page <= COUNT / PAGE_SIZE + 1; page += 1) {
      const connection = `${list.field}(first: ${PAGE_SIZE}, after: $after) {
        edges { cursor node { ${list.nodes} } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`;
      const { data, errors } = await gateway.query(
        `query($after: String) { customer(by: { email: "${EMAIL}" }) { ${list.select(connection)} ${beside} } }`,
        { after },
        { 'cache-control': 'no-cache' },
      );
      errorPaths.push(...errors.map(({ path }) => path?.slice(0, 2).join('.')));
      const edges = listAt(data, 'customer', ...list.path, 'edges');
      ids.push(...edges.map((edge) => at(edge, 'node', 'recordId')));
      const pageInfo = at(data, 'customer', ...list.path, 'pageInfo');
      expect(pageInfo).toMatchObject({
        hasPreviousPage: false,
        startCursor: at(edges[0], 'cursor'),
        endCursor: at(edges.at(-1), 'cursor'),
      });
      after = at(pageInfo, 'endCursor');
      if (at(pageInfo, 'hasNextPage') !== true) break;
    }
    return {
      ids: ids.map((id) => (typeof id === 'string' ? id : at(id, 'sku'))),
      errorPaths: [...new Set(errorPaths)],
    };
  };

  it.each(lists)('has all items of $field, in pages', async (list) => {
    expect(await readAll(list)).toEqual({ ids: list.ids, errorPaths: [] });
  });

  it.each(lists)('has all items of $field while another system is unavailable', async (list) => {
    await control.set(list.beside.system, { fault: 'down' });
    const field = /^\w+/.exec(list.beside.select)?.[0] ?? '';
    expect(await readAll(list, list.beside.select)).toEqual({
      ids: list.ids,
      errorPaths: [`customer.${field}`],
    });
  });

  it.each(lists)('refuses a cursor of another list for $field', async (list) => {
    const [other] = lists.filter(({ field }) => field !== list.field);
    const cursorOf = async (list: List) => {
      const { data } = await gateway.query(
        `{ customer(by: { email: "${EMAIL}" }) { ${list.select(`${list.field}(first: 1) { pageInfo { endCursor } }`)} } }`,
      );
      return at(data, 'customer', ...list.path, 'pageInfo', 'endCursor');
    };
    for (const after of [await cursorOf(other ?? list), 'garbage', '']) {
      const { errors } = await gateway.query(
        `query($after: String) { customer(by: { email: "${EMAIL}" }) {
          ${list.select(`${list.field}(after: $after) { nodes { __typename } }`)} } }`,
        { after },
      );
      expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
    }
  });
});
