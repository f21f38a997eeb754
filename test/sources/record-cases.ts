import { zendeskOrganizationId } from '../../sources/stand-ins/seed-ids.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { World } from '../../sources/stand-ins/world.js';
import { splitKeys, peopleWith, type RecordCase } from './record-case.js';
import { hubspotCases, salesforceCases } from './record-cases-crm.js';
import { below, each, inJson, itself, valuesOf } from './tampering.js';

/** The cases of all loaders, by the names of source and loader. */
export function recordCases(customers: number): Record<string, RecordCase> {
  const world = createWorld({ customers });
  return {
    ...orderSystem(world),
    ...webshop(world),
    ...contactCentre(world),
    ...hubspotCases(world),
    ...salesforceCases(world),
    ...facebook(world),
    ...invoices(world),
    ...others(world),
  };
}

function orderSystem(world: World): Record<string, RecordCase> {
  const buyers = peopleWith(world, 'orderSystem', ({ orders }) =>
    orders.some(
      ({ lines, payments, status }) => lines.length > 0 && payments.length > 0 && status !== 'CANCELLED',
    ),
  );
  const numbers = buyers.map(({ orderSystem }) => orderSystem.customerNumber);
  const pages = (more: object) =>
    splitKeys(numbers.map((number) => ({ customerNumbers: [number], first: 10, ...more })));
  const orders = splitKeys(
    buyers.flatMap(({ orderSystem: { customerNumber, orders } }) =>
      orders
        .filter(({ lines, payments }) => lines.length > 0 && payments.length > 0)
        .slice(0, 1)
        .map(({ number }) => ({ number, customerNumber })),
    ),
  );
  const firms = world.people.flatMap(({ orderSystem }) => orderSystem?.business ?? []);
  const firm = (of: (item: (typeof firms)[number]) => string) => ({
    keys: firms.slice(0, 1).map(of),
    others: numbers.slice(0, 2),
    othersBy: 'order-system customersByNumber',
    lists: itself,
  });
  // Each person has one device that no other person uses.
  const devices = ['single-device@example.nl', 'device-b@example.nl', 'everywhere@example.nl']
    .flatMap(
      (email) =>
        world.people.find((person) => person.email === email)?.orderSystem?.devices.slice(0, 1) ?? [],
    )
    .map(({ visitorId }) => visitorId);
  return {
    'order-system customersByNumber': { ...splitKeys(numbers), lists: itself },
    'order-system customersByEmail': { ...splitKeys(buyers.map(({ email }) => email)), lists: itself },
    'order-system customersByPhone': { ...splitKeys(buyers.map(({ phone }) => phone)), lists: itself },
    'order-system customersByVisitorId': { ...splitKeys(devices), lists: itself },
    'order-system customersByKvkNumber': firm(({ kvkNumber }) => kvkNumber),
    'order-system customersByVatNumber': firm(({ vatNumber }) => vatNumber),
    'order-system orderPages': { ...pages({ after: null }), lists: itself },
    'order-system ordersForTimeline': { ...pages({ before: null, since: null }), lists: itself },
    'order-system orderTotals': {
      ...splitKeys(numbers.map((number) => [number])),
      lists: itself,
      index: 'customer',
    },
    'order-system linesOfOrders': { ...orders, lists: itself },
    'order-system paymentsOfOrders': { ...orders, lists: itself },
    'order-system consentsOfCustomers': {
      ...splitKeys(
        peopleWith(world, 'orderSystem', ({ consents }) => consents.length > 0).map(
          ({ orderSystem }) => orderSystem.customerNumber,
        ),
      ),
      lists: itself,
    },
  };
}

function webshop(world: World): Record<string, RecordCase> {
  const known = peopleWith(world, 'webshop');
  const ids = splitKeys(known.map(({ webshop: { customerId } }) => customerId));
  const aliases = valuesOf('data');
  return {
    'webshop customersBy id': { ...ids, positions: aliases },
    'webshop customersBy emailAddress': {
      ...splitKeys(known.map(({ email }) => email)),
      positions: aliases,
    },
    'webshop customersBy phoneNumber': {
      ...splitKeys(known.map(({ phone }) => phone)),
      positions: aliases,
    },
    'webshop consentsOfCustomers': { ...ids, lists: below('data', 'nodes') },
    'webshop spendingOfCustomers': { ...ids, lists: below('data', 'nodes') },
  };
}

function contactCentre(world: World): Record<string, RecordCase> {
  const known = peopleWith(world, 'contactCentre');
  const ids = known.map(({ contactCentre: { userId } }) => String(userId));
  const requesters = peopleWith(world, 'contactCentre', ({ tickets }) => tickets.length > 0);
  const organised = peopleWith(world, 'contactCentre', ({ companyId }) => companyId !== undefined);
  const copied = [
    ...new Set(
      requesters.flatMap(({ contactCentre: { tickets } }) =>
        tickets.flatMap((ticket) => ticket.copiedTo ?? []),
      ),
    ),
  ];
  const firstTickets = requesters.flatMap(({ contactCentre: { userId, tickets } }) =>
    tickets.slice(0, 1).map(({ id }) => ({
      ticketId: String(id),
      requesterId: String(userId),
      copiedIds: [],
      first: 10,
      position: { page: null, skip: 0 },
    })),
  );
  return {
    'contact-centre usersById': { ...splitKeys(ids), lists: below('users') },
    'contact-centre usersByEmail': {
      ...splitKeys(known.map(({ email }) => email)),
      lists: below('users'),
      loose: 'the search also finds similar addresses',
    },
    'contact-centre organisations': {
      ...splitKeys(
        organised.map(({ contactCentre: { userId, companyId } }) => ({
          userId: String(userId),
          id: String(zendeskOrganizationId(world.companies.findIndex(({ id }) => id === companyId))),
        })),
      ),
      lists: below('organizations'),
    },
    'contact-centre ticketsOfUsers': {
      ...splitKeys(requesters.map(({ contactCentre: { userId } }) => String(userId))),
      lists: below('results'),
    },
    'contact-centre ticketsCopiedToUsers': {
      ...splitKeys(copied.map(String)),
      lists: below('results'),
      loose: 'the search by cc also finds the tickets that a user only follows',
    },
    'contact-centre commentsOfTickets': {
      ...splitKeys(firstTickets),
      lists: below('comments'),
      anonymous: 'a comment does not name its ticket, which is only in the path of the call',
    },
  };
}

function facebook(world: World): Record<string, RecordCase> {
  const users = peopleWith(world, 'facebook', ({ conversations }) => conversations.length > 0);
  const items = each(itself, inJson('body', below('data')));
  return {
    'facebook usersById': {
      ...splitKeys(users.map(({ facebook: { userId } }) => userId)),
      positions: itself,
    },
    'facebook conversationPages': {
      ...splitKeys(users.map(({ facebook: { userId } }) => ({ userId, cursor: null }))),
      lists: items,
      positions: itself,
    },
    'facebook messagePages': {
      ...splitKeys(
        users.map(({ facebook: { userId, conversations } }) => ({
          userId,
          conversationId: conversations[0]?.id,
          cursor: null,
        })),
      ),
      lists: items,
      positions: itself,
    },
    'facebook formSubmissions': {
      keys: ['all'],
      others: [],
      lists: items,
      anonymous: 'all keys have the same list',
    },
  };
}

function invoices(world: World): Record<string, RecordCase> {
  const billed = peopleWith(world, 'invoices', ({ invoices }) => invoices.length > 0);
  const numbers = billed.map(({ invoices: { customerNumber } }) => customerNumber);
  const withVat = world.people.flatMap(({ invoices }) => invoices?.vatNumber ?? []);
  const lists = each(itself, below('records'));
  const pages = numbers.map((number) => ({
    customerNumbers: [number],
    first: 10,
    after: null,
    since: null,
    status: null,
  }));
  return {
    'invoices customersByNumber': { ...splitKeys(numbers), lists },
    'invoices customersByEmail': { ...splitKeys(billed.map(({ email }) => email)), lists },
    'invoices customersByVatNumber': {
      keys: withVat.slice(0, 1),
      others: numbers.slice(0, 2),
      othersBy: 'invoices customersByNumber',
      lists,
    },
    'invoices invoicePages': { ...splitKeys(pages), lists },
    'invoices openTotals': {
      ...splitKeys(
        peopleWith(world, 'invoices', ({ invoices }) => invoices.some(({ status }) => status === 'Open')).map(
          ({ invoices: { customerNumber } }) => customerNumber,
        ),
      ),
      lists,
    },
  };
}

function others(world: World): Record<string, RecordCase> {
  const register = world.register.filter(({ branches }) => branches.length > 0);
  const branches = register.flatMap(({ kvkNumber, branches: [branch] }) =>
    branch === undefined ? [] : [{ number: branch.number, kvkNumber }],
  );
  const vatNumbers = world.companies.flatMap(({ vatNumber }) => vatNumber ?? []);
  const visitors = peopleWith(world, 'clickstream').flatMap(({ orderSystem }) =>
    orderSystem === undefined ? [] : [{ customerNumbers: [orderSystem.customerNumber], visitorId: null }],
  );
  const pages = (more: object) =>
    splitKeys(visitors.map((person) => ({ person, size: 10, after: null, ...more })));
  const usernames = world.people.flatMap(({ crm }) => crm?.twitterHandle?.toLowerCase() ?? []);
  const places = [
    { latitude: 52.1, longitude: 5.18 },
    { latitude: 51.44, longitude: 5.47 },
  ];
  return {
    'kvk registrations': splitKeys(register.map(({ kvkNumber }) => kvkNumber)),
    'kvk branchesOfCompanies': {
      ...splitKeys(register.map(({ kvkNumber }) => kvkNumber)),
      lists: below('vestigingen'),
    },
    'kvk branchDetails': splitKeys(branches),
    'kvk companiesByNameAndPlace': {
      ...splitKeys(
        register
          .slice(0, 4)
          .map(({ name, branches: [branch] }) => ({ name, place: branch?.addresses[0]?.city })),
      ),
      lists: below('resultaten'),
      loose: 'the search also finds similar names',
    },
    'vies vatChecks': splitKeys(vatNumbers),
    'vies companiesByVatNumber': splitKeys(vatNumbers),
    'clickstream visitPages': { ...pages({ since: null }), lists: itself, index: 'page' },
    'clickstream eventPages': { ...pages({ names: null }), lists: itself, index: 'page' },
    'clickstream devicesOf': { ...splitKeys(visitors), lists: itself, index: 'person' },
    'x profiles': { keys: usernames.slice(0, 1), others: usernames.slice(1), lists: below('data') },
    'x newestMentions': {
      keys: usernames.slice(0, 1),
      others: usernames.slice(1),
      lists: below('data'),
      included: below('includes', 'users'),
    },
    'x olderMentions': {
      keys: usernames.slice(0, 1).map((username) => ({ username, beforeId: null })),
      others: usernames.slice(1).map((username) => ({ username, beforeId: null })),
      lists: below('data'),
      included: below('includes', 'users'),
    },
    'buienradar country': {
      keys: ['NL'],
      others: [],
      lists: below('actual', 'stationmeasurements'),
      anonymous: 'one answer is about the whole country',
    },
    'buienradar rainOfPlaces': {
      keys: places.slice(0, 1),
      others: places.slice(1),
      anonymous: 'the text does not name its place, which is only in the path of the call',
    },
  };
}
