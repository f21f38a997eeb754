import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { contactCentre } from '../../sources/contact-centre/index.js';
import { organisationsOfUsers, ticketsCopiedToUsers } from '../../sources/contact-centre/loaders.js';
import { startContactCentre } from '../../sources/contact-centre/stand-in/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { zendeskOrganizationId } from '../../sources/stand-ins/seed-ids.js';
import type { ContactCentrePart, Person, SeedTicket, StandIn } from '../../sources/stand-ins/world.js';
import type { RestClient } from '../../src/connectors/rest.js';
import { open, type Opened } from '../connectors/contract.js';
import { sendJson, startServer, type SeenRequest, type SmallServer } from '../connectors/server.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { directSettings, faultControl, FOUR_SYSTEMS } from '../support/stand-ins.js';

type Caller = Person & { contactCentre: ContactCentrePart };

const world = createWorld({ customers: inject('customers') });
const callers = world.people.filter((person): person is Caller => person.contactCentre !== undefined);
const ordinary = callers.filter(({ email }) => email.startsWith('customer-')).slice(0, 50);

function caller(email: string): Caller {
  const found = callers.find((caller) => caller.email === email);
  if (found === undefined) throw new Error(`The contact centre does not know ${email}.`);
  return found;
}

const everywhere = caller('everywhere@example.nl');
const [template] = everywhere.contactCentre.tickets;
if (template === undefined) throw new Error('The template has no ticket.');

/** Creates a customer with this address and id, who opened these tickets. */
function createCaller(email: string, userId: number, tickets: SeedTicket[] = []): Caller {
  return { ...everywhere, email, contactCentre: { userId, verified: true, tickets } };
}

/** Creates a ticket that is copied to these users. */
const copied = (id: number, ...copiedTo: number[]): SeedTicket => ({
  ...template,
  id,
  copiedTo,
  createdAt: new Date(Date.UTC(2026, 0, 1) + ((id * 7_919) % 10_007) * 60_000).toISOString(),
});

function idsNewestFirst(tickets: readonly SeedTicket[]): string[] {
  return tickets
    .toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt) || b.id - a.id)
    .map(({ id }) => String(id));
}

const idsOf = (tickets: readonly SeedTicket[]): string[] => tickets.map(({ id }) => String(id)).sort();

const copiedTo = (userId: number): SeedTicket[] =>
  callers
    .flatMap(({ contactCentre: { tickets } }) => tickets)
    .filter((ticket) => ticket.copiedTo?.includes(userId) === true);

const organisationOf = ({ contactCentre: { companyId } }: Caller) => {
  const index = world.companies.findIndex(({ id }) => id === companyId);
  const company = world.companies[index];
  // Zendesk needs unique names, but two companies have the same name.
  return company === undefined
    ? null
    : {
        source: 'CONTACT_CENTRE',
        recordId: String(zendeskOrganizationId(index)),
        name: expect.stringContaining(company.name) as string,
      };
};

describe('data related to the tickets of the contact centre', () => {
  let control: Awaited<ReturnType<typeof faultControl>>;
  let gateway: TestGateway;

  beforeAll(async () => {
    control = await faultControl([], ['contact-centre']);
  });
  afterAll(() => control.close());
  afterEach(() => gateway.close());

  const queryFields = async (fields: string, people: readonly Caller[]) => {
    gateway = createTestGateway(control.settings);
    const before = control.counters()['contact-centre']?.calls ?? 0;
    const { data, errors } = await gateway.query(
      `query($by: [CustomerKey!]!) { customers(by: $by) { ${fields} } }`,
      { by: people.map(({ email }) => ({ email })) },
    );
    expect(errors).toEqual([]);
    return {
      customers: listAt(data, 'customers'),
      calls: (control.counters()['contact-centre']?.calls ?? 0) - before,
    };
  };

  it('shows the ratings by customers with the tickets, without a further call', async () => {
    const { customers, calls } = await queryFields(
      'tickets(first: 100) { nodes { recordId satisfaction { score comment } } }',
      [everywhere, ...ordinary],
    );
    // The calls are identification and the tickets.
    expect(calls).toBe(2);
    const ratings = [everywhere, ...ordinary].map(({ contactCentre: { tickets } }) =>
      idsNewestFirst(tickets).map((id) => {
        const rating = tickets.find((ticket) => String(ticket.id) === id)?.rating;
        return {
          recordId: id,
          satisfaction:
            rating === undefined || rating.score === 'offered'
              ? null
              : { score: rating.score.toUpperCase(), comment: rating.comment },
        };
      }),
    );
    expect(customers).toEqual(ratings.map((nodes) => ({ tickets: { nodes } })));
    expect(JSON.stringify(ratings[0])).toContain('GOOD');
    for (const expected of ['GOOD', 'BAD', '"satisfaction":null', '"comment":null'])
      expect(JSON.stringify(ratings)).toContain(expected);
  });

  it('shows the organisations of fifty customers, with one call for all organisations', async () => {
    const { customers, calls } = await queryFields('organisations { source recordId name }', ordinary);
    // The calls are identification by address and the organisations.
    expect(calls).toBe(2);
    expect(customers).toEqual(
      ordinary.map((caller) => ({ organisations: [organisationOf(caller) ?? []].flat() })),
    );
    expect(new Set(ordinary.map((caller) => organisationOf(caller)?.recordId)).size).toBeGreaterThan(5);
  });

  it('shows the domains of an organisation, or an empty list', async () => {
    const { customers } = await queryFields('organisations { domains }', [everywhere, ...ordinary]);
    const found = customers.map((customer) => at(customer, 'organisations', '0', 'domains'));
    expect(found).toContainEqual([]);
    for (const [i, caller] of [everywhere, ...ordinary].entries()) {
      const company = world.companies.find(({ id }) => id === caller.contactCentre.companyId);
      if (company === undefined) expect(found[i]).toBeUndefined();
      else expect([undefined, company.domain]).toContain(at(found[i], 0));
    }
  });

  it('loads no organisations if no customer has one', async () => {
    const nobody = ordinary.filter((caller) => organisationOf(caller) === null);
    const { customers, calls } = await queryFields('organisations { name }', nobody);
    expect(calls).toBe(1);
    expect(customers).toEqual(nobody.map(() => ({ organisations: [] })));
  });

  it('shows fifty customers the tickets that were copied to each of them, in one call', async () => {
    const { customers, calls } = await queryFields('copiedTickets(first: 100) { nodes { recordId } }', [
      everywhere,
      ...ordinary,
    ]);
    // The calls are identification and the tickets.
    expect(calls).toBe(2);
    const expected = [everywhere, ...ordinary].map(({ contactCentre: { userId } }) =>
      idsNewestFirst(copiedTo(userId)),
    );
    expect(customers).toEqual(
      expected.map((ids) => ({ copiedTickets: { nodes: ids.map((recordId) => ({ recordId })) } })),
    );
    expect(expected[0]).not.toEqual([]);
    expect(expected.flat().length).toBeGreaterThan(10);
  });

  it('counts and lists copied tickets separately from tickets that the customer opened', async () => {
    const { customers } = await queryFields(
      'copiedTickets(first: 1) { nodes { recordId comments { nodes { isByCustomer } } } } tickets(first: 100) { nodes { recordId } } timeline(first: 100) { nodes { recordId } }',
      [everywhere],
    );
    const [item] = customers;
    const [newest] = idsNewestFirst(copiedTo(everywhere.contactCentre.userId));
    expect(listAt(item, 'copiedTickets', 'nodes').map((ticket) => at(ticket, 'recordId'))).toEqual([newest]);
    expect(JSON.stringify([at(item, 'tickets'), at(item, 'timeline')])).not.toContain(newest);
    // Another customer opened the ticket and wrote the comment.
    expect(at(item, 'copiedTickets', 'nodes', '0', 'comments', 'nodes', '0', 'isByCustomer')).toBe(true);
  });

  it('shows no tickets and no organisations of an unknown customer', async () => {
    const { customers, calls } = await queryFields('copiedTickets { nodes { id } } organisations { id }', [
      { ...everywhere, email: 'nobody@example.nl' },
    ]);
    expect(customers).toEqual([null]);
    expect(calls).toBe(1);
  });

  it.each([0, 101])('refuses a page of %d copied tickets or organisations', async (first) => {
    gateway = createTestGateway(control.settings);
    const { errors } = await gateway.query(
      `{ customer(by: { email: "everywhere@example.nl" }) { copiedTickets(first: ${first}) { nodes { id } } } }`,
    );
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
  });

  it('fails only the related data if Zendesk refuses the credentials', async () => {
    gateway = createTestGateway({ ...directSettings(FOUR_SYSTEMS), CONTACT_CENTRE_API_TOKEN: 'wrong' });
    const { data, errors } = await gateway.query(
      '{ customer(by: { email: "everywhere@example.nl" }) { becameCustomerAt copiedTickets { nodes { id } } organisations { id } } }',
    );
    expect(data).toEqual({
      customer: {
        becameCustomerAt: expect.any(String) as string,
        copiedTickets: null,
        organisations: [null],
      },
    });
    expect(errors.map(({ extensions }) => extensions.code)).toEqual([
      'SOURCE_UNAUTHENTICATED',
      'SOURCE_UNAUTHENTICATED',
    ]);
  });
});

describe('the loaders of the data related to tickets', () => {
  let standIn: StandIn;
  let client: Opened<RestClient>;

  const start = async (people: Person[]) => {
    standIn = await startContactCentre({ ...world, people });
    client = open<RestClient>(contactCentre.connector, standIn.settings(standIn.url));
  };
  afterEach(async () => {
    await client.close();
    await standIn.close();
  });
  const load = async (...keys: string[]) =>
    (await ticketsCopiedToUsers.load(keys, client)).map((item) =>
      item instanceof Error
        ? item
        : { ids: item.tickets.map(({ recordId }) => recordId).sort(), isComplete: item.isComplete },
    );

  it('return a ticket only for the users who receive a copy', async () => {
    const tickets = [copied(1, 11, 12), copied(2, 12), copied(3)];
    await start([
      createCaller('a@example.nl', 10, tickets),
      createCaller('b@example.nl', 11),
      createCaller('c@example.nl', 12),
    ]);
    expect(await load('10', '11', '12', '13')).toEqual([
      { ids: [], isComplete: true },
      { ids: ['1'], isComplete: true },
      { ids: idsOf(tickets.slice(0, 2)), isComplete: true },
      { ids: [], isComplete: true },
    ]);
  });

  it('read further pages if the tickets fill several', async () => {
    const tickets = Array.from({ length: 1_700 }, (_, i) => copied(i + 1, 11));
    await start([createCaller('a@example.nl', 10, tickets), createCaller('b@example.nl', 11)]);
    expect(await load('11', '12')).toEqual([
      { ids: idsOf(tickets), isComplete: true },
      { ids: [], isComplete: true },
    ]);
  });

  it('report that a user has more copies than can be read, and return those of other users', async () => {
    const many = Array.from({ length: 5_001 }, (_, i) => copied(i + 1, 11));
    await start([
      createCaller('a@example.nl', 10, [...many, copied(9_001, 12)]),
      createCaller('b@example.nl', 11),
    ]);
    const [busy, quiet] = await load('11', '12');
    expect(busy).toMatchObject({ isComplete: false });
    expect(quiet).toEqual({ ids: ['9001'], isComplete: true });
  });

  it('find organisations by id, each once, and return null for an unknown id', async () => {
    await start([]);
    const ids = [3, 0, 1].map((index) => String(zendeskOrganizationId(index)));
    const found = await organisationsOfUsers.load(
      [...ids, '17'].map((id) => ({ id, userId: '10' })),
      client,
    );
    expect(found.map((item) => (item instanceof Error ? item : (item?.name ?? null)))).toEqual([
      ...[3, 0, 1].map((index) => world.companies[index]?.name),
      null,
    ]);
  });

  it('load at most a hundred users at once', () => {
    expect([organisationsOfUsers.maxBatch, ticketsCopiedToUsers.maxBatch]).toEqual([100, 100]);
  });
});

describe('an answer of Zendesk about tickets and organisations', () => {
  let server: SmallServer;
  let ticket: object;
  let user: object;
  let organisationsAnswer: object;

  beforeAll(async () => {
    server = await startServer(({ url }: SeenRequest, response) => {
      const bodies: [string, object][] = [
        ['/api/v2/users/', { users: [{ id: 1, email: 'jan@example.nl', ...user }] }],
        ['/api/v2/organizations/', organisationsAnswer],
        [
          '/api/v2/search/export',
          {
            results: [
              {
                id: 5,
                requester_id: url.includes('query=cc') ? 2 : 1,
                status: 'solved',
                created_at: '2026-01-01T00:00:00Z',
                updated_at: '2026-01-01T00:00:00Z',
                ...ticket,
              },
            ],
            meta: { has_more: false },
            links: { next: null },
          },
        ],
      ];
      sendJson(response, bodies.find(([path]) => url.startsWith(path))?.[1] ?? {});
    });
  });
  afterAll(() => server.close());

  const queryFields = async (fields: string) => {
    const gateway = createTestGateway({
      ...directSettings(['contact-centre']),
      CONTACT_CENTRE_URL: server.url,
    });
    const answer = await gateway.query(`{ customer(by: { zendeskUserId: "1" }) { ${fields} } }`);
    await gateway.close();
    return answer;
  };

  it.each([
    ['null', null],
    ['without a score', {}],
    ['not yet requested', { score: 'unoffered' }],
    ['requested but not answered', { score: 'offered' }],
  ])('has no satisfaction if the rating is %s', async (_, rating) => {
    ticket = { satisfaction_rating: rating };
    const { data, errors } = await queryFields('tickets { nodes { satisfaction { score } } }');
    expect(errors).toEqual([]);
    expect(listAt(data, 'customer', 'tickets', 'nodes')).toEqual([{ satisfaction: null }]);
  });

  it('has no comment if the customer added none to the score', async () => {
    ticket = { satisfaction_rating: { id: 1, score: 'bad', comment: '' } };
    const { data } = await queryFields('tickets { nodes { satisfaction { score comment } } }');
    expect(listAt(data, 'customer', 'tickets', 'nodes')).toEqual([
      { satisfaction: { score: 'BAD', comment: null } },
    ]);
  });

  it.each(['secret', 4711])(
    'fails only the satisfaction, without its value, if a score is %s',
    async (score) => {
      ticket = { satisfaction_rating: { score } };
      const { data, errors } = await queryFields('tickets { nodes { recordId satisfaction { score } } }');
      expect(listAt(data, 'customer', 'tickets', 'nodes')).toEqual([{ recordId: '5', satisfaction: null }]);
      expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
        [['customer', 'tickets', 'nodes', 0, 'satisfaction'], 'SOURCE_CONTRACT'],
      ]);
      expect(JSON.stringify(errors)).not.toContain(String(score));
    },
  );

  it.each([
    ['receives a copy', { email_cc_ids: [1], collaborator_ids: [1], follower_ids: [] }, true],
    ['receives a copy in an account with only one list', { collaborator_ids: [1] }, true],
    ['follows it', { email_cc_ids: [], collaborator_ids: [1], follower_ids: [1] }, false],
    [
      'receives a copy and follows the ticket',
      { email_cc_ids: [1], collaborator_ids: [1], follower_ids: [1] },
      true,
    ],
    [
      'is not in the lists, although the search found the ticket',
      { email_cc_ids: [11], collaborator_ids: [11] },
      false,
    ],
    ['opened the ticket', { requester_id: 1, email_cc_ids: [1] }, false],
  ])(
    'shows a copied ticket only for a customer who receives a copy: a customer who %s',
    async (_, more, isShown) => {
      ticket = more;
      const { data, errors } = await queryFields('copiedTickets { nodes { recordId } }');
      expect(errors).toEqual([]);
      expect(listAt(data, 'customer', 'copiedTickets', 'nodes')).toEqual(isShown ? [{ recordId: '5' }] : []);
    },
  );

  it('has no organisation if the organisation of the user was deleted', async () => {
    user = { organization_id: 7 };
    organisationsAnswer = { organizations: [] };
    const { data, errors } = await queryFields('organisations { name }');
    expect(errors).toEqual([]);
    expect(listAt(data, 'customer', 'organisations')).toEqual([]);
  });

  it('does not show an organisation that was not requested', async () => {
    user = { organization_id: 7 };
    organisationsAnswer = { organizations: [{ id: 8, name: 'Another' }] };
    const { data, errors } = await queryFields('organisations { name }');
    expect(listAt(data, 'customer', 'organisations')).toEqual([null]);
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['SOURCE_CONTRACT']);
  });

  it('fails only the organisation if it is invalid', async () => {
    user = { organization_id: 7, name: 'Jan' };
    organisationsAnswer = { organizations: [{ id: 7, name: ['secret'] }] };
    const { data, errors } = await queryFields('name organisations { name }');
    expect(at(data, 'customer')).toEqual({ name: 'Jan', organisations: [null] });
    expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['customer', 'organisations', 0], 'SOURCE_CONTRACT'],
    ]);
    expect(JSON.stringify(errors)).not.toContain('secret');
  });
});
