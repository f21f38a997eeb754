import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startContactCentre } from '../../sources/contact-centre/stand-in/index.js';
import { startCrmHubspot } from '../../sources/crm-hubspot/stand-in/index.js';
import { startCrmSalesforce } from '../../sources/crm-salesforce/stand-in/index.js';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { salesforceId, seedCampaigns } from '../../sources/stand-ins/seed-salesforce.js';
import { worldNow } from '../../sources/stand-ins/seed-time.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person, SeedTicket, StandIn } from '../../sources/stand-ins/world.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { at, listAt, textAt } from '../support/read.js';
import { faultControl } from '../support/stand-ins.js';
import { isThorough } from '../support/thorough.js';

// Tests a customer with 500 items of every list of the contact centre and the two CRMs, or with a fraction of them.
const COUNT = isThorough ? 500 : 200;
/** This size divides neither the number of items nor the page size of any system. */
const PAGE_SIZE = 37;
const EMAIL = 'everywhere@example.nl';
const MAX_PAGES = Math.ceil((2 * COUNT) / PAGE_SIZE) + 1;

const world = createWorld({ customers: 20 });
const found = world.people.find(({ email }) => email === EMAIL);
const other = world.people.find(({ email, contactCentre }) => email !== EMAIL && contactCentre !== undefined);
const company = world.companies.find(({ id }) => id === found?.crm?.companyId);
const [ticket] = found?.contactCentre?.tickets ?? [];
const [comment] = ticket?.comments ?? [];
const [opportunity] = found?.salesforce?.opportunities ?? [];
const [supportCase] = found?.salesforce?.cases ?? [];
const [serviceTicket] = world.companies.flatMap(({ serviceTickets }) => serviceTickets);
const [deal] = found?.crm?.deals ?? [];
if (
  found?.contactCentre === undefined ||
  found.crm === undefined ||
  found.salesforce === undefined ||
  other?.contactCentre === undefined ||
  company === undefined ||
  ticket === undefined ||
  comment === undefined ||
  opportunity === undefined ||
  supportCase === undefined ||
  serviceTicket === undefined ||
  deal === undefined
)
  throw new Error(`The seed data has too few records of ${EMAIL}.`);

const indexes = Array.from({ length: COUNT }, (_, i) => i);
/** The time of an item. Three items share each time, so that pages end between items of the same time. */
const isoOf = (i: number) => new Date(Date.parse(worldNow) - Math.floor(i / 3) * 60_000).toISOString();

const tickets: SeedTicket[] = indexes.map((i) => ({
  ...ticket,
  id: 44_000_000_000_000 + ((i * 7_919) % COUNT),
  createdAt: isoOf(i),
  status: i % 2 === 0 ? 'open' : 'closed',
  comments:
    i > 0
      ? []
      : indexes.flatMap((j) => [
          { ...comment, id: 2 * j + 1, public: true, createdAt: isoOf(COUNT - j) },
          { ...comment, id: 2 * j + 2, public: false, createdAt: isoOf(COUNT - j) },
        ]),
}));
const copiedTickets: SeedTicket[] = indexes.map((i) => ({
  ...ticket,
  id: 45_000_000_000_000 + i,
  createdAt: isoOf(i),
  copiedTo: [found.contactCentre?.userId ?? 0],
}));
const cases = indexes.map((i) => ({
  ...supportCase,
  id: salesforceId('case', 10_000 + i),
  createdAt: isoOf(i),
}));
const opportunities = indexes.map((i) => ({
  ...opportunity,
  id: salesforceId('opportunity', 10_000 + i),
  roleId: salesforceId('opportunityContactRole', 10_000 + i),
  createdAt: isoOf(i),
}));
const campaigns = indexes.map((i) => ({
  id: salesforceId('campaignMember', 10_000 + i),
  campaignId: seedCampaigns[i % seedCampaigns.length]?.id ?? '',
  status: 'Sent' as const,
  respondedOn: null,
  createdAt: isoOf(i),
}));
const deals = indexes.map((i) => ({
  ...deal,
  id: String(50_000 + ((i * 7_919) % COUNT)),
  createdAt: isoOf(i),
}));
const serviceTickets = indexes.map((i) => ({
  ...serviceTicket,
  id: String(90_000 + i),
  createdAt: isoOf(i),
}));

const eva: Person = {
  ...found,
  contactCentre: { ...found.contactCentre, tickets },
  crm: { ...found.crm, deals },
  salesforce: { ...found.salesforce, cases, opportunities, campaigns },
};
const colleague: Person = { ...other, contactCentre: { ...other.contactCentre, tickets: copiedTickets } };
const crowded = {
  ...world,
  people: [eva, colleague],
  companies: world.companies.map((seedCompany) =>
    seedCompany === company ? { ...seedCompany, serviceTickets } : seedCompany,
  ),
};

type Item = readonly [source: string, id: string, createdAt: string];
const itemsOf = (source: string, items: readonly { id: string | number; createdAt: string }[]): Item[] =>
  items.map(({ id, createdAt }) => [source, String(id), createdAt]);
const downwards = (a: string, b: string): number => (a === b ? 0 : a < b ? 1 : -1);
/** Sorts by time, then by source, then by id, all in descending order. */
const newestFirst = (...items: Item[]): string[] =>
  items
    .toSorted((a, b) => downwards(a[2], b[2]) || downwards(a[0], b[0]) || downwards(a[1], b[1]))
    .map(([, id]) => id);
const CASES = itemsOf('crm-salesforce', cases);
const TICKETS = itemsOf('contact-centre', tickets);
const DEALS = itemsOf('crm-hubspot', deals);
const OPPORTUNITIES = itemsOf('crm-salesforce', opportunities);

interface List {
  field: string;
  /** The path from the customer to the list. */
  path: readonly (string | number)[];
  /** Creates the selection of the customer that contains the list. */
  select: (list: string) => string;
  arguments?: string;
  ids: readonly string[];
}
const lists: readonly List[] = [
  { field: 'tickets', path: ['tickets'], select: (list) => list, ids: newestFirst(...TICKETS, ...CASES) },
  {
    field: 'tickets',
    path: ['tickets'],
    select: (list) => list,
    arguments: ', isOpen: true',
    ids: newestFirst(
      ...itemsOf(
        'contact-centre',
        tickets.filter(({ status }) => status === 'open'),
      ),
      ...(supportCase.status === 'Closed' ? [] : CASES),
    ),
  },
  { field: 'deals', path: ['deals'], select: (list) => list, ids: newestFirst(...DEALS, ...OPPORTUNITIES) },
  {
    field: 'campaigns',
    path: ['campaigns'],
    select: (list) => list,
    ids: newestFirst(...itemsOf('crm-salesforce', campaigns)),
  },
  {
    field: 'copiedTickets',
    path: ['copiedTickets'],
    select: (list) => list,
    ids: newestFirst(...itemsOf('contact-centre', copiedTickets)),
  },
  {
    field: 'tickets',
    path: ['company', 'tickets'],
    select: (list) => `company { ${list} }`,
    ids: newestFirst(...itemsOf('crm-hubspot', serviceTickets)),
  },
  {
    field: 'comments',
    path: ['copiedTickets', 'nodes', 0, 'comments'],
    select: (list) => `copiedTickets(first: 1) { nodes { ${list} } }`,
    ids: indexes.map((j) => String(2 * j + 1)),
  },
];

describe('a customer with many items in every list', () => {
  let standIns: StandIn[];
  let control: FaultControl;
  let gateway: TestGateway;

  beforeAll(async () => {
    // The first copied ticket is the newest, and it has all comments.
    const [newest] = newestFirst(...itemsOf('contact-centre', copiedTickets));
    const comments = tickets[0]?.comments ?? [];
    for (const copiedTicket of copiedTickets)
      copiedTicket.comments = String(copiedTicket.id) === newest ? comments : [];
    standIns = [
      await startContactCentre(crowded, { requestsPerMinute: 100_000 }),
      await startCrmHubspot(crowded),
      await startCrmSalesforce(crowded),
    ];
    control = await faultControl(standIns);
  });
  beforeEach(() => {
    const { settings, sources } = control;
    const entries = Object.fromEntries(
      Object.entries(settings).filter(([name]) => /^(CONTACT_CENTRE|CRM_HUBSPOT|CRM_SALESFORCE)_/.test(name)),
    );
    expect(Object.keys(sources).length).toBeGreaterThan(2);
    gateway = createTestGateway({ ...entries, DEADLINE_MS: '20000' });
  });
  afterEach(async () => {
    await gateway.close();
    await control.heal();
  });
  afterAll(async () => {
    await control.close();
    for (const standIn of standIns) await standIn.close();
  });

  /** Returns the ids of all pages, and the missing sources. Each page is read without the cache. */
  const readAll = async (list: List): Promise<{ ids: string[]; missing: Set<string> }> => {
    const ids: string[] = [];
    const missing = new Set<string>();
    const hasMissing = list.field === 'tickets' || list.field === 'deals';
    let after: unknown = null;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const connection = `${list.field}(first: ${PAGE_SIZE}, after: $after${list.arguments ?? ''}) {
        edges { cursor node { id recordId } } ${hasMissing ? 'missing { source }' : ''}
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`;
      const { data, errors } = await gateway.query(
        `query($after: String) { customer(by: { email: "${EMAIL}" }) { ${list.select(connection)} } }`,
        { after },
        { 'cache-control': 'no-cache' },
      );
      expect(errors).toEqual([]);
      const place = ['customer', ...list.path];
      const edges = listAt(data, ...place, 'edges');
      const cursors = edges.map((edge) => textAt(edge, 'cursor'));
      const { hasNextPage, ...pageInfo } = at(data, ...place, 'pageInfo') as Record<string, unknown>;
      expect(pageInfo).toEqual({
        hasPreviousPage: false,
        startCursor: cursors.at(0),
        endCursor: cursors.at(-1),
      });
      ids.push(...edges.map((edge) => textAt(edge, 'node', 'recordId')));
      if (hasMissing)
        for (const item of listAt(data, ...place, 'missing')) missing.add(textAt(item, 'source'));
      if (hasNextPage !== true) return { ids, missing };
      expect(edges).toHaveLength(PAGE_SIZE);
      after = pageInfo['endCursor'];
    }
    throw new Error(`${list.field} has too many pages.`);
  };

  it.each(lists.map((list) => [list.path.join('.') + (list.arguments ?? ''), list] as const))(
    'shows all %s once and in order, in pages',
    async (_, list) => {
      const { ids, missing } = await readAll(list);
      expect(ids).toEqual(list.ids);
      expect(missing).toEqual(new Set());
    },
    60_000,
  );

  it.each([
    ['tickets', 'contact-centre', CASES],
    ['tickets', 'crm-salesforce', TICKETS],
    ['deals', 'crm-hubspot', OPPORTUNITIES],
    ['deals', 'crm-salesforce', DEALS],
  ] as const)(
    'shows all %s of the other system while %s is unavailable, and reports the missing system',
    async (field, down, items) => {
      await control.set(down, { fault: 'down' });
      const { ids, missing } = await readAll({ field, path: [field], select: (list) => list, ids: [] });
      expect(ids).toEqual(newestFirst(...items));
      expect(missing).toEqual(new Set([down.toUpperCase().replaceAll('-', '_')]));
    },
    60_000,
  );

  it('refuses a cursor of another list', async () => {
    const query = (field: string, after: unknown) =>
      gateway.query(
        `query($after: String) { customer(by: { email: "${EMAIL}" }) {
          list: ${field}(first: 1, after: $after) { nodes { id } pageInfo { endCursor } }
        } }`,
        { after },
      );
    const { data } = await query('tickets', null);
    const cursor = at(data, 'customer', 'list', 'pageInfo', 'endCursor');
    for (const field of ['deals', 'campaigns', 'copiedTickets', 'timeline']) {
      const { errors } = await query(field, cursor);
      expect(
        errors.map(({ extensions }) => extensions.code),
        field,
      ).toEqual(['BAD_USER_INPUT']);
    }
  });
});
