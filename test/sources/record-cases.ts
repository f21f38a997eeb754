import { zendeskOrganizationId } from '../../sources/stand-ins/seed-ids.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { World } from '../../sources/stand-ins/world.js';
import { four, having, type RecordCase } from './record-case.js';
import { hubspotCases, salesforceCases } from './record-cases-crm.js';
import { below, each, inJson, itself, valuesOf } from './tampering.js';

/** For each loader of each source, by the names of both. */
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
  const buyers = having(world, 'orderSystem', ({ orders }) =>
    orders.some(
      ({ lines, payments, status }) => lines.length > 0 && payments.length > 0 && status !== 'CANCELLED',
    ),
  );
  const numbers = buyers.map(({ orderSystem }) => orderSystem.customerNumber);
  const pages = (more: object) =>
    four(numbers.map((number) => ({ customerNumbers: [number], first: 10, ...more })));
  const orders = four(
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
  // One device of each, which no other of them uses.
  const devices = ['single-device@example.nl', 'device-b@example.nl', 'everywhere@example.nl']
    .flatMap(
      (email) =>
        world.people.find((person) => person.email === email)?.orderSystem?.devices.slice(0, 1) ?? [],
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
  const aliases = valuesOf('data');
  return {
    'webshop customersBy id': { ...ids, positions: aliases },
    'webshop customersBy emailAddress': {
      ...four(known.map(({ email }) => email)),
      positions: aliases,
    },
    'webshop customersBy phoneNumber': {
      ...four(known.map(({ phone }) => phone)),
      positions: aliases,
    },
    'webshop consentsOfCustomers': { ...ids, lists: below('data', 'nodes') },
  };
}

function contactCentre(world: World): Record<string, RecordCase> {
  const known = having(world, 'contactCentre');
  const ids = known.map(({ contactCentre: { userId } }) => String(userId));
  const requesters = having(world, 'contactCentre', ({ tickets }) => tickets.length > 0);
  const organised = having(world, 'contactCentre', ({ companyId }) => companyId !== undefined);
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
      ...four(requesters.map(({ contactCentre: { userId } }) => String(userId))),
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
      anonymous: 'a comment does not name its ticket, which is only in the path of the call',
    },
  };
}

function facebook(world: World): Record<string, RecordCase> {
  const users = having(world, 'facebook', ({ conversations }) => conversations.length > 0);
  const items = each(itself, inJson('body', below('data')));
  return {
    'facebook usersById': { ...four(users.map(({ facebook: { userId } }) => userId)), positions: itself },
    'facebook conversationPages': {
      ...four(users.map(({ facebook: { userId } }) => ({ userId, cursor: null }))),
      lists: items,
      positions: itself,
    },
    'facebook messagePages': {
      ...four(
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
      anonymous: 'there is one list for all',
    },
  };
}

function invoices(world: World): Record<string, RecordCase> {
  const billed = having(world, 'invoices', ({ invoices }) => invoices.length > 0);
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
        having(world, 'invoices', ({ invoices }) => invoices.some(({ status }) => status === 'Open')).map(
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
        register
          .slice(0, 4)
          .map(({ name, branches: [branch] }) => ({ name, place: branch?.addresses[0]?.city })),
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
      anonymous: 'there is one answer for the whole country',
    },
    'buienradar rainOfPlaces': {
      keys: places.slice(0, 1),
      others: places.slice(1),
      anonymous: 'the text does not name its place, which is only in the path of the call',
    },
  };
}
