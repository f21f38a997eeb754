import { zendeskOrganizationId } from '../../sources/stand-ins/seed-ids.js';
import { salesforceId } from '../../sources/stand-ins/seed-salesforce.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person, World } from '../../sources/stand-ins/world.js';
import { below, each, inJson, itself, type Place } from './tampering.js';

/** How the records of one loader are put out of order in `records.test.ts`. */
export interface RecordCase {
  /** Keys that the stand-in knows. */
  keys: readonly unknown[];
  /** Other keys, whose records are put into the answers for `keys`. */
  others: readonly unknown[];
  /** The loader that `others` are keys of. Default: the same one. */
  othersBy?: string;
  /** Lists in which a record is matched by its key. Default: none, since each call answers one key. */
  lists?: Place;
  /** Lists in which the position of an answer is all there is, as the parts of a batch. */
  positions?: Place;
  /** A number in each row that stands for one of the keys, so that those of `others` are given other numbers. */
  index?: string;
  /** A list that records refer to: it holds those of all answers. */
  included?: Place;
  /** Why a record that no key requested is left out here, and is no error. */
  loose?: string;
  /** Why the records of another key cannot be told apart. They are then only repeated and put in another order. */
  anonymous?: string;
}

/** For each loader of each source, by the names of both. */
export function recordCases(customers: number): Record<string, RecordCase> {
  const world = createWorld({ customers });
  return {
    ...orderSystem(world),
    ...webshop(world),
    ...contactCentre(world),
    ...hubspot(world),
    ...salesforce(world),
    ...facebook(world),
    ...invoices(world),
    ...others(world),
  };
}

/** Two for keys and two others; one and the rest when there are fewer. */
function four(found: readonly unknown[]): Pick<RecordCase, 'keys' | 'others'> {
  const count = found.length < 4 ? 1 : 2;
  if (found.length < 2) throw new Error('The world has too few of these.');
  return { keys: found.slice(0, count), others: found.slice(count, 4) };
}

function having<Part extends keyof Person>(
  { people }: World,
  part: Part,
  fits: (own: NonNullable<Person[Part]>, person: Person) => boolean = () => true,
): (Person & Record<Part, NonNullable<Person[Part]>>)[] {
  const isKnown = (person: Person): person is Person & Record<Part, NonNullable<Person[Part]>> => {
    const own = person[part];
    return own !== undefined && fits(own, person);
  };
  return people.filter((person) => /^customer-/.test(person.email)).filter(isKnown);
}

function orderSystem(world: World): Record<string, RecordCase> {
  const buyers = having(world, 'orderSystem', ({ orders }) =>
    orders.some(
      ({ lines, payments, status }) => lines.length > 0 && payments.length > 0 && status !== 'CANCELLED',
    ),
  );
  const numbers = buyers.map(({ orderSystem }) => orderSystem.customerNumber);
  const pages = (more: object) =>
    four(numbers.map((number) => ({ customerNumbers: [number], first: 10, ...more })));
  const orders = four(
    buyers.flatMap(({ orderSystem: { customerNumber, orders: own } }) =>
      own
        .filter(({ lines, payments }) => lines.length > 0 && payments.length > 0)
        .slice(0, 1)
        .map(({ number }) => ({ number, customerNumber })),
    ),
  );
  const firms = world.people.flatMap(({ orderSystem }) => orderSystem?.business ?? []);
  const firm = (of: (one: (typeof firms)[number]) => string) => ({
    keys: firms.slice(0, 1).map(of),
    others: numbers.slice(0, 2),
    othersBy: 'order-system customersByNumber',
    lists: itself,
  });
  // One device of each, which no other of them uses.
  const devices = ['single-device@example.nl', 'device-b@example.nl', 'everywhere@example.nl']
    .flatMap(
      (email) => world.people.find((one) => one.email === email)?.orderSystem?.devices.slice(0, 1) ?? [],
    )
    .map(({ visitorId }) => visitorId);
  return {
    'order-system customersByNumber': { ...four(numbers), lists: itself },
    'order-system customersByEmail': { ...four(buyers.map(({ email }) => email)), lists: itself },
    'order-system customersByPhone': { ...four(buyers.map(({ phone }) => phone)), lists: itself },
    'order-system customersByVisitorId': { ...four(devices), lists: itself },
    'order-system customersByKvkNumber': firm(({ kvkNumber }) => kvkNumber),
    'order-system customersByVatNumber': firm(({ vatNumber }) => vatNumber),
    'order-system orderPages': { ...pages({ after: null }), lists: itself },
    'order-system ordersForTimeline': { ...pages({ before: null, since: null }), lists: itself },
    'order-system orderTotals': {
      ...four(numbers.map((number) => [number])),
      lists: itself,
      index: 'customer',
    },
    'order-system linesOfOrders': { ...orders, lists: itself },
    'order-system paymentsOfOrders': { ...orders, lists: itself },
    'order-system consentsOfCustomers': {
      ...four(
        having(world, 'orderSystem', ({ consents }) => consents.length > 0).map(
          ({ orderSystem }) => orderSystem.customerNumber,
        ),
      ),
      lists: itself,
    },
  };
}

function webshop(world: World): Record<string, RecordCase> {
  const known = having(world, 'webshop');
  const ids = four(known.map(({ webshop: { customerId } }) => customerId));
  return {
    'webshop customersBy id': { ...ids, anonymous: 'compared next' },
    'webshop customersBy emailAddress': {
      ...four(known.map(({ email }) => email)),
      anonymous: 'compared next',
    },
    'webshop customersBy phoneNumber': {
      ...four(known.map(({ phone }) => phone)),
      anonymous: 'compared next',
    },
    'webshop consentsOfCustomers': { ...ids, lists: below('data', 'nodes') },
  };
}

function contactCentre(world: World): Record<string, RecordCase> {
  const known = having(world, 'contactCentre');
  const ids = known.map(({ contactCentre: { userId } }) => String(userId));
  const asking = having(world, 'contactCentre', ({ tickets }) => tickets.length > 0);
  const organised = having(world, 'contactCentre', ({ companyId }) => companyId !== undefined);
  const copied = [
    ...new Set(
      asking.flatMap(({ contactCentre: { tickets } }) => tickets.flatMap((one) => one.copiedTo ?? [])),
    ),
  ];
  const firstTickets = asking.flatMap(({ contactCentre: { userId, tickets } }) =>
    tickets
      .slice(0, 1)
      .map(({ id }) => ({ ticketId: String(id), requesterId: String(userId), copiedIds: [], first: 10 })),
  );
  return {
    'contact-centre usersById': { ...four(ids), lists: below('users') },
    'contact-centre usersByEmail': {
      ...four(known.map(({ email }) => email)),
      lists: below('users'),
      loose: 'the search finds what only looks like the address',
    },
    'contact-centre organisations': {
      ...four(
        organised.map(({ contactCentre: { userId, companyId } }) => ({
          userId: String(userId),
          id: String(zendeskOrganizationId(world.companies.findIndex(({ id }) => id === companyId))),
        })),
      ),
      lists: below('organizations'),
    },
    'contact-centre ticketsOfUsers': {
      ...four(asking.map(({ contactCentre: { userId } }) => String(userId))),
      lists: below('results'),
    },
    'contact-centre ticketsCopiedToUsers': {
      ...four(copied.map(String)),
      lists: below('results'),
      loose: 'the search by cc also finds the tickets that a user only follows',
    },
    'contact-centre commentsOfTickets': {
      ...four(firstTickets),
      lists: below('comments'),
      anonymous: 'a comment does not name its ticket, which stands in the address of the call',
    },
  };
}

function hubspot(world: World): Record<string, RecordCase> {
  const known = having(world, 'crm');
  const ids = four(known.map(({ crm: { contactId } }) => contactId));
  const results = below('results');
  const working = having(world, 'crm', ({ companyId }) => companyId !== undefined);
  const dealing = having(world, 'crm', ({ deals }) => deals.length > 0);
  const complaining = world.companies.filter(({ serviceTickets }) => serviceTickets.length > 0);
  const withVat = world.companies.filter(({ vatNumber }) => vatNumber !== undefined);
  const types = [{ id: null, name: null }];
  const anonymous = 'a search gives no associations: `resolvers.ts` compares with those of the record';
  return {
    'crm-hubspot contactsByEmail': { ...four(known.map(({ email }) => email)), lists: results },
    'crm-hubspot contactsById': { ...ids, lists: results },
    'crm-hubspot consentsOfContacts': {
      ...four(
        having(world, 'crm', ({ marketing }) =>
          marketing.choices.some(({ kindId }) => kindId === undefined),
        ).map(({ crm }) => crm.contactId),
      ),
      lists: results,
    },
    'crm-hubspot companiesOfContacts': {
      ...four(working.map(({ crm }) => crm.contactId)),
      lists: results,
    },
    'crm-hubspot dealsOfContacts': { ...four(dealing.map(({ crm }) => crm.contactId)), lists: results },
    'crm-hubspot ticketsOfCompanies': { ...four(complaining.map(({ id }) => id)), lists: results },
    'crm-hubspot companies': {
      ...four(working.map(({ crm: { contactId, companyId } }) => ({ id: companyId, contactId }))),
      lists: results,
    },
    'crm-hubspot deals': {
      ...four(dealing.map(({ crm: { contactId, deals } }) => ({ id: deals[0]?.id, contactId }))),
      lists: results,
    },
    'crm-hubspot tickets': {
      ...four(complaining.flatMap(({ serviceTickets }) => serviceTickets.slice(0, 1).map(({ id }) => id))),
      lists: results,
    },
    'crm-hubspot companiesByKvkNumber': {
      ...four(world.companies.map(({ kvkNumber }) => kvkNumber)),
      lists: results,
    },
    'crm-hubspot companiesByVatNumber': {
      ...four(withVat.map(({ vatNumber }) => vatNumber)),
      lists: results,
    },
    'crm-hubspot newestDeals': {
      ...four(dealing.map(({ crm }) => ({ id: crm.contactId, first: 5 }))),
      lists: results,
      anonymous,
    },
    'crm-hubspot newestTickets': {
      ...four(complaining.map(({ id }) => ({ id, first: 5 }))),
      lists: results,
      anonymous,
    },
    'crm-hubspot subscriptionTypes': {
      keys: ['contacts'],
      others: [],
      lists: results,
      anonymous: 'there is one list for all',
    },
    'crm-hubspot subscriptionsOfContacts': {
      ...four(known.map(({ crm: { contactId } }) => ({ contactId, types }))),
      lists: results,
    },
  };
}

function salesforce(world: World): Record<string, RecordCase> {
  const known = having(world, 'salesforce');
  const ids = known.map(({ salesforce: { contactId } }) => contactId);
  const records = below('records');
  const childrenOf = (relation: string): Place => each(records, below(relation, 'records'));
  const working = having(world, 'salesforce', ({ companyId }) => companyId !== undefined);
  const with_ = (fits: (own: NonNullable<Person['salesforce']>) => boolean) =>
    four(having(world, 'salesforce', fits).map(({ salesforce: { contactId } }) => contactId));
  return {
    'crm-salesforce contactsById': { ...four(ids), lists: itself },
    'crm-salesforce contactsByEmail': { ...four(known.map(({ email }) => email)), lists: records },
    'crm-salesforce contactsByPhone': { ...four(known.map(({ phone }) => phone)), lists: records },
    'crm-salesforce consentsOfContacts': {
      ...with_(({ hasOptedOutOfEmail, doNotCall }) => hasOptedOutOfEmail || doNotCall),
      lists: itself,
    },
    'crm-salesforce accounts': {
      ...four(
        working.map(({ salesforce: { contactId, companyId } }) => ({
          contactId,
          accountId: salesforceId('account', world.companies.findIndex(({ id }) => id === companyId) + 1),
        })),
      ),
      lists: itself,
    },
    'crm-salesforce opportunitiesOfContacts': {
      ...with_(({ opportunities }) => opportunities.length > 0),
      lists: childrenOf('OpportunityContactRoles'),
    },
    'crm-salesforce casesOfContacts': {
      ...with_(({ cases }) => cases.length > 0),
      lists: childrenOf('Cases'),
    },
    'crm-salesforce campaignsOfContacts': {
      ...with_(({ campaigns }) => campaigns.length > 0),
      lists: childrenOf('CampaignMembers'),
    },
  };
}

function facebook(world: World): Record<string, RecordCase> {
  const users = having(world, 'facebook', ({ conversations }) => conversations.length > 0);
  const items = each(itself, inJson('body', below('data')));
  return {
    'facebook usersById': { ...four(users.map(({ facebook: { userId } }) => userId)), positions: itself },
    'facebook conversationsOfUsers': {
      ...four(users.map(({ facebook: { userId } }) => userId)),
      lists: items,
      positions: itself,
    },
    'facebook messagesOfConversations': {
      ...four(
        users.map(({ facebook: { userId, conversations } }) => ({
          userId,
          conversationId: conversations[0]?.id,
        })),
      ),
      lists: items,
      positions: itself,
    },
    'facebook leadsOfPage': {
      keys: ['all'],
      others: [],
      lists: items,
      anonymous: 'there is one list for all',
    },
  };
}

function invoices(world: World): Record<string, RecordCase> {
  const billed = having(world, 'invoices', ({ invoices: own }) => own.length > 0);
  const numbers = billed.map(({ invoices: { customerNumber } }) => customerNumber);
  const withVat = world.people.flatMap(({ invoices: own }) => own?.vatNumber ?? []);
  const lists = each(itself, below('records'));
  const pages = numbers.map((number) => ({
    customerNumbers: [number],
    first: 10,
    after: null,
    since: null,
    status: null,
  }));
  return {
    'invoices customersByNumber': { ...four(numbers), lists },
    'invoices customersByEmail': { ...four(billed.map(({ email }) => email)), lists },
    'invoices customersByVatNumber': {
      keys: withVat.slice(0, 1),
      others: numbers.slice(0, 2),
      othersBy: 'invoices customersByNumber',
      lists,
    },
    'invoices invoicePages': { ...four(pages), lists },
    'invoices openTotals': {
      ...four(
        having(world, 'invoices', ({ invoices: own }) => own.some(({ status }) => status === 'Open')).map(
          ({ invoices: { customerNumber } }) => customerNumber,
        ),
      ),
      lists,
    },
  };
}

function others(world: World): Record<string, RecordCase> {
  const register = world.register.filter(({ branches }) => branches.length > 0);
  const branches = register.flatMap(({ kvkNumber, branches: [own] }) =>
    own === undefined ? [] : [{ id: own.number, kvkNumber }],
  );
  const vatNumbers = world.companies.flatMap(({ vatNumber }) => vatNumber ?? []);
  const visitors = having(world, 'clickstream').flatMap(({ orderSystem }) =>
    orderSystem === undefined ? [] : [{ customerNumbers: [orderSystem.customerNumber], visitorId: null }],
  );
  const pages = (more: object) =>
    four(visitors.map((person) => ({ person, size: 10, after: null, ...more })));
  const usernames = world.people.flatMap(({ crm }) => crm?.twitterHandle?.toLowerCase() ?? []);
  const places = [
    { latitude: 52.1, longitude: 5.18 },
    { latitude: 51.44, longitude: 5.47 },
  ];
  return {
    'kvk registrations': four(register.map(({ kvkNumber }) => kvkNumber)),
    'kvk branchesOfCompanies': {
      ...four(register.map(({ kvkNumber }) => kvkNumber)),
      lists: below('vestigingen'),
    },
    'kvk branchDetails': four(branches),
    'kvk companiesByNameAndPlace': {
      ...four(
        register.slice(0, 4).map(({ name, branches: [own] }) => ({ name, place: own?.addresses[0]?.city })),
      ),
      lists: below('resultaten'),
      loose: 'the search finds what only looks like the name',
    },
    'vies vatChecks': four(vatNumbers),
    'vies companiesByVatNumber': four(vatNumbers),
    'clickstream visitPages': { ...pages({ since: null }), lists: itself, index: 'page' },
    'clickstream eventPages': { ...pages({ names: null }), lists: itself, index: 'page' },
    'clickstream devicesOf': { ...four(visitors), lists: itself, index: 'person' },
    'x profiles': { keys: usernames.slice(0, 1), others: usernames.slice(1), lists: below('data') },
    'x mentionsBy': {
      keys: usernames.slice(0, 1),
      others: usernames.slice(1),
      lists: below('data'),
      included: below('includes', 'users'),
    },
    'buienradar country': {
      keys: ['NL'],
      others: [],
      lists: below('actual', 'stationmeasurements'),
      anonymous: 'there is one answer for the whole country',
    },
    'buienradar rainOfPlaces': {
      keys: places.slice(0, 1),
      others: places.slice(1),
      anonymous: 'the text does not name its place, which stands in the address of the call',
    },
  };
}
