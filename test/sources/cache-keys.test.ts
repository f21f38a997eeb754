import { expect, it } from 'vitest';
import { rainOfPlaces } from '../../sources/buienradar/loaders.js';
import { devicesOf, eventPages, visitPages } from '../../sources/clickstream/loaders.js';
import { commentsOfTickets, organisationsOfUsers } from '../../sources/contact-centre/loaders.js';
import { companies, deals, subscriptionsOfContacts } from '../../sources/crm-hubspot/loaders.js';
import { newestDeals, newestTickets } from '../../sources/crm-hubspot/searches.js';
import { accounts } from '../../sources/crm-salesforce/loaders.js';
import { conversationPages, messagePages } from '../../sources/facebook/loaders.js';
import { sources } from '../../sources/index.js';
import { invoicePages } from '../../sources/invoices/loaders.js';
import { branchDetails, companiesByNameAndPlace } from '../../sources/kvk/loaders.js';
import {
  linesOfOrders,
  orderPages,
  orderTotals,
  paymentsOfOrders,
} from '../../sources/order-system/loaders.js';
import { ordersForTimeline } from '../../sources/order-system/timeline.js';
import { olderMentions } from '../../sources/x/loaders.js';

interface Keyed {
  loader: unknown;
  /** The cache texts of keys that differ in one part. */
  texts: readonly (string | undefined)[];
}

/** Creates the texts of a key, and of keys with other values for each part. */
function keyed<Key extends object>(
  loader: { keyText?(key: Key): string },
  key: Key,
  others: { readonly [Part in keyof Required<Key>]: readonly Key[Part][] },
): Keyed {
  const keys = [
    key,
    ...Object.entries<readonly unknown[]>(others).flatMap(([part, values]) =>
      values.map((value) => ({ ...key, [part]: value })),
    ),
  ];
  return { loader, texts: keys.map((key) => loader.keyText?.(key)) };
}

const AT = '2026-11-01T12:00:00.000000Z';
const LATER = '2026-11-02T12:00:00.000000Z';
const places = [
  { at: AT, id: '1' },
  { at: LATER, id: '1' },
  { at: AT, id: '2' },
];
const moments = [AT, LATER];
const numbers = [['1'], ['1', '2']];
const person = { customerNumbers: ['1'], visitorId: null };
const people = [
  { ...person, customerNumbers: ['2'] },
  { ...person, visitorId: '1' },
];
const ofOrder = [
  { number: '1', customerNumber: '1' },
  { number: ['2'], customerNumber: ['2'] },
] as const;
const ofContact = [
  { id: '1', contactId: '1' },
  { id: ['2'], contactId: ['2'] },
] as const;
const newest = [
  { id: '1', first: 1, before: null },
  {
    id: ['2'],
    first: [2],
    before: [
      { at: '2026-01-01T00:00:00.000Z', id: '1' },
      { at: '2026-01-01T00:00:00.000Z', id: '2' },
      { at: '2026-01-02T00:00:00.000Z', id: '1' },
    ],
  },
] as const;

const KEYED: readonly Keyed[] = [
  keyed(
    orderPages,
    { customerNumbers: ['0'], first: 1, after: null },
    {
      customerNumbers: numbers,
      first: [2],
      after: places.map(({ at, id }) => ({ placedAt: at, number: id })),
    },
  ),
  keyed(
    ordersForTimeline,
    { customerNumbers: ['0'], first: 1, before: null, since: null },
    { customerNumbers: numbers, first: [2], before: places, since: moments },
  ),
  { loader: orderTotals, texts: [['0'], ...numbers].map((key) => orderTotals.keyText?.(key)) },
  keyed(linesOfOrders, ...ofOrder),
  keyed(paymentsOfOrders, ...ofOrder),
  keyed(
    invoicePages,
    { customerNumbers: ['0'], first: 1, after: null, since: null, status: null },
    { customerNumbers: numbers, first: [2], after: places, since: moments, status: ['OPEN', 'PAID'] },
  ),
  keyed(
    visitPages,
    { person, size: 1, after: null, since: null },
    { person: people, size: [2], after: places, since: moments },
  ),
  keyed(
    eventPages,
    { person, size: 1, after: null, names: null },
    { person: people, size: [2], after: places, names: [[], ['page_view'], ['page_view', 'page_ping']] },
  ),
  keyed(devicesOf, person, { customerNumbers: numbers.slice(1), visitorId: ['1'] }),
  keyed(organisationsOfUsers, { id: '1', userId: '1' }, { id: ['2'], userId: ['2'] }),
  keyed(
    commentsOfTickets,
    { ticketId: '1', requesterId: '1', copiedIds: [], first: 1, position: { page: null, skip: 0 } },
    {
      ticketId: ['2'],
      requesterId: ['2'],
      copiedIds: [['3'], ['3', '4']],
      first: [2],
      position: [
        { page: null, skip: 1 },
        { page: 'a', skip: 0 },
        { page: 'a 1', skip: 0 },
      ],
    },
  ),
  keyed(companies, ...ofContact),
  keyed(deals, ...ofContact),
  keyed(newestDeals, ...newest),
  keyed(newestTickets, ...newest),
  keyed(
    subscriptionsOfContacts,
    { contactId: '1', types: [] },
    { contactId: ['2'], types: [[{ id: '1', name: 'Offers' }], [{ id: '2', name: 'Offers' }]] },
  ),
  keyed(accounts, { accountId: '1', contactId: '1' }, { accountId: ['2'], contactId: ['2'] }),
  keyed(conversationPages, { userId: '1', cursor: null }, { userId: ['2'], cursor: ['a'] }),
  keyed(
    messagePages,
    { conversationId: '1', userId: '1', cursor: null },
    { conversationId: ['2'], userId: ['2'], cursor: ['a'] },
  ),
  keyed(branchDetails, { number: '1', kvkNumber: '1' }, { number: ['2'], kvkNumber: ['2'] }),
  keyed(olderMentions, { username: 'a', beforeId: null }, { username: ['b'], beforeId: ['1'] }),
  keyed(companiesByNameAndPlace, { name: 'Bakker', place: 'Ede' }, { name: ['Slager'], place: ['Epe'] }),
  keyed(rainOfPlaces, { latitude: 52, longitude: 5 }, { latitude: [52.1, 52.01], longitude: [5.1, 5.01] }),
];

const loaders = sources.flatMap(({ name, loaders = [] }) =>
  loaders
    .filter((loader) => loader.keyText !== undefined)
    .map((loader) => ({ name: `${name} ${loader.name}`, loader })),
);

it.each(loaders)('$name caches keys that differ in one part separately', ({ loader }) => {
  const { texts = [] } = KEYED.find((keyed) => keyed.loader === loader) ?? {};
  expect(texts, 'is missing in this file').not.toEqual([]);
  expect(texts).not.toContain(undefined);
  expect(texts.filter((text, i) => texts.indexOf(text) !== i)).toEqual([]);
});

it('places that are the same to a hundredth of a degree share their rain', () => {
  expect(rainOfPlaces.keyText?.({ latitude: 52.091, longitude: 5.119 })).toBe(
    rainOfPlaces.keyText?.({ latitude: 52.09, longitude: 5.12 }),
  );
});
