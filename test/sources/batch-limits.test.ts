import { expect, it } from 'vitest';
import { sources } from '../../sources/index.js';
import { loadersOfSource } from './loaders-of-source.js';

/**
 * The maximum number of keys in one call of each loader, by the documentation of the system. 'each': a call for each key,
 * or for each group of keys that the source creates. 'any': the system has no limit, or the loader has only one key.
 */
const KEYS_PER_CALL: Readonly<Record<string, Readonly<Record<string, number | 'each' | 'any'>>>> = {
  'order-system': {
    orderPages: 'any',
    orderTotals: 'any',
    ordersForTimeline: 'any',
    linesOfOrders: 'any',
    paymentsOfOrders: 'any',
    customersByNumber: 'any',
    customersByEmail: 'any',
    customersByPhone: 'any',
    customersByVisitorId: 'any',
    customersByKvkNumber: 'any',
    customersByVatNumber: 'any',
    consentsOfCustomers: 'any',
  },
  webshop: {
    'customersBy id': 250,
    'customersBy emailAddress': 250,
    'customersBy phoneNumber': 250,
    spendingOfCustomers: 250,
    consentsOfCustomers: 250,
  },
  'crm-hubspot': {
    companiesOfContacts: 100,
    companies: 100,
    companiesByKvkNumber: 100,
    companiesByVatNumber: 100,
    dealsOfContacts: 100,
    deals: 100,
    newestDeals: 'each',
    ticketsOfCompanies: 100,
    tickets: 100,
    newestTickets: 'each',
    subscriptionTypes: 'any',
    subscriptionsOfContacts: 50,
    contactsById: 100,
    contactsByEmail: 100,
    contactsByFacebookUserId: 100,
    consentsOfContacts: 50,
  },
  'contact-centre': {
    ticketsOfUsers: 100,
    ticketsCopiedToUsers: 100,
    commentsOfTickets: 'each',
    organisations: 100,
    usersById: 100,
    usersByEmail: 100,
  },
  buienradar: { country: 'any', rainOfPlaces: 'each' },
  x: { profiles: 100, newestMentions: 20, olderMentions: 'each' },
  facebook: { conversationPages: 50, messagePages: 50, formSubmissions: 'any', usersById: 50 },
  invoices: {
    invoicePages: 100,
    openTotals: 100,
    customersByNumber: 100,
    customersByEmail: 100,
    customersByVatNumber: 100,
  },
  clickstream: { visitPages: 250, eventPages: 250, devicesOf: 250 },
  kvk: {
    registrations: 'each',
    branchesOfCompanies: 'each',
    branchDetails: 'each',
    companiesByNameAndPlace: 'each',
  },
  vies: { vatChecks: 'each', companiesByVatNumber: 'each' },
  'crm-salesforce': {
    accounts: 2_000,
    opportunitiesOfContacts: 1_000,
    casesOfContacts: 1_000,
    campaignsOfContacts: 1_000,
    contactsById: 2_000,
    contactsByEmail: 1_000,
    contactsByPhone: 1_000,
    consentsOfContacts: 2_000,
  },
};

it('sends no more keys in one call than the system allows', () => {
  const actual = sources.map((source) => [
    source.name,
    Object.fromEntries(
      loadersOfSource(source).map((loader) => [
        loader.name,
        loader.maxBatch ?? source.limits?.maxBatch ?? ('loadEach' in loader ? 'each' : 'any'),
      ]),
    ),
  ]);
  expect(Object.fromEntries(actual)).toEqual(KEYS_PER_CALL);
});
