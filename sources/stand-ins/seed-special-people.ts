import { willing, type ConsentPlan } from './seed-consents.js';
import type { Person } from './world.js';

/** The systems that know people. */
export const everySystem = [
  'order-system',
  'webshop',
  'contact-centre',
  'crm-hubspot',
  'crm-salesforce',
  'invoices',
  'clickstream',
  'facebook',
] as const;
export type PeopleSystem = (typeof everySystem)[number];

/** The fixed properties of a person. */
export interface PersonPlan {
  email: string;
  knownTo: readonly PeopleSystem[];
  /** Whether the person has not confirmed the e-mail address in the order system. */
  emailUnverified?: true;
  /** Choices that are pseudo-random for an ordinary customer. */
  orders?: number;
  tickets?: number;
  deals?: number;
  hasCompany?: boolean;
  hasCart?: boolean;
  person?: Partial<Pick<Person, 'firstName' | 'lastName' | 'birthDate' | 'phone' | 'address'>>;
  /** Whether the person answered the shop's text message. */
  phoneVerified?: true;
  /** The visitor ids of the devices on which the person logged in to the shop. */
  devices?: readonly string[];
  /** The company that the person buys for: its index in the list of companies, and its VAT number. */
  buysFor?: { company: number; vatNumber: string };
  crm?: {
    additionalEmails?: readonly string[];
    twitterHandle?: string;
    /** The person whose customer number the CRM holds. The sync has written it for only a few people. */
    customerNumberOf?: string;
  };
  /** Default: `willing`. */
  consents?: ConsentPlan;
}

/** The phone number that people enter if they do not want to give theirs. */
const sharedPhone = '0000000000';

const sharedDevice = '8f14e45f-ceea-467f-a3bd-00000000d0d0';

/** The people in every world, for demos and tests. README.md describes the use of each. */
export const specialPeople: readonly PersonPlan[] = [
  {
    email: 'everywhere@example.nl',
    knownTo: everySystem,
    orders: 6,
    tickets: 5,
    deals: 3,
    hasCompany: true,
    hasCart: true,
    person: { firstName: 'Eva', lastName: 'van der Meer', birthDate: '1984-03-09' },
    crm: { twitterHandle: 'Eva_vd_Meer' },
    consents: { ...willing, analytics: 'GIVEN', sms: 'GIVEN', shopSms: 'SUBSCRIBED' },
  },
  { email: 'shop-only@example.nl', knownTo: ['order-system', 'webshop'], orders: 3, hasCart: true },
  { email: 'orders-only@example.nl', knownTo: ['order-system'], orders: 2 },
  { email: 'crm-only@example.nl', knownTo: ['crm-hubspot'], deals: 2, hasCompany: true },
  {
    email: 'shared@example.nl',
    knownTo: everySystem,
    orders: 3,
    tickets: 2,
    deals: 1,
    person: { firstName: 'Hendrik', lastName: 'Dijkstra', birthDate: '1957-11-23' },
  },
  {
    email: 'shared@example.nl',
    knownTo: ['order-system'],
    emailUnverified: true,
    orders: 2,
    person: { firstName: 'Sietske', lastName: 'Hoekstra', birthDate: '1961-02-05' },
  },
  { email: 'many-orders@example.nl', knownTo: everySystem, orders: 500, tickets: 1, hasCart: true },

  // One customer with two records in the order system: her name and birth date link them.
  {
    email: 'two-accounts@example.nl',
    knownTo: ['order-system', 'webshop', 'crm-hubspot'],
    orders: 3,
    person: { firstName: 'Johanna', lastName: 'van Dam', birthDate: '1979-06-14' },
  },
  {
    email: 'two-accounts@example.nl',
    knownTo: ['order-system'],
    emailUnverified: true,
    orders: 2,
    person: { firstName: 'Jo', lastName: 'Van Dam ', birthDate: '1979-06-14' },
  },

  // One customer with two accounts in the webshop. Only the CRM knows that they belong to one contact.
  {
    email: 'two-shops@example.nl',
    knownTo: ['order-system', 'webshop', 'crm-hubspot'],
    orders: 2,
    hasCart: true,
    person: { firstName: 'Farid', lastName: 'El Amrani', birthDate: '1990-01-30' },
    crm: { additionalEmails: ['two-shops-old@example.nl'], twitterHandle: 'twee_winkels' },
  },
  {
    email: 'two-shops-old@example.nl',
    knownTo: ['webshop'],
    hasCart: true,
    person: { firstName: 'Farid', lastName: 'El Amrani', birthDate: '1990-01-30' },
  },

  // The CRM holds another person's customer number.
  {
    email: 'conflict@example.nl',
    knownTo: ['order-system', 'webshop', 'crm-hubspot'],
    orders: 2,
    person: { firstName: 'Willemijn', lastName: 'Postma', birthDate: '1968-09-02' },
    crm: { customerNumberOf: 'conflict-other@example.nl' },
  },
  {
    email: 'conflict-other@example.nl',
    knownTo: ['order-system'],
    orders: 3,
    person: { firstName: 'Wim', lastName: 'Posthumus', birthDate: '1971-12-19' },
  },

  // More e-mail addresses than the limit of identification.
  {
    email: 'many-addresses@example.nl',
    knownTo: ['order-system', 'crm-hubspot'],
    orders: 1,
    crm: {
      additionalEmails: Array.from({ length: 8 }, (_, index) => `many-addresses-${index + 1}@example.nl`),
    },
  },

  // A phone number that does not identify a person, in three records of two people.
  {
    email: 'blocked@example.nl',
    knownTo: ['order-system', 'contact-centre'],
    orders: 1,
    tickets: 1,
    person: { phone: sharedPhone },
  },
  {
    email: 'blocked-too@example.nl',
    knownTo: ['order-system'],
    orders: 1,
    person: { phone: sharedPhone },
  },
  // The address of a role, which two people of the bakery use.
  {
    email: 'info@bakkerij.example.nl',
    knownTo: ['order-system'],
    orders: 1,
    person: { firstName: 'Bas', lastName: 'Bakker', birthDate: '1965-04-21' },
  },
  {
    email: 'info@bakkerij.example.nl',
    knownTo: ['crm-hubspot'],
    deals: 1,
    person: { firstName: 'Nadia', lastName: 'Verhoeven', birthDate: '1994-08-08' },
  },

  // Two people of one household who share a tablet. One of them also uses a phone.
  {
    email: 'device-a@example.nl',
    knownTo: ['order-system', 'webshop', 'clickstream'],
    orders: 2,
    devices: [sharedDevice, '8f14e45f-ceea-467f-a3bd-00000000d0d1'],
  },
  {
    email: 'device-b@example.nl',
    knownTo: ['order-system', 'webshop', 'clickstream'],
    orders: 1,
    devices: [sharedDevice],
  },
  {
    email: 'single-device@example.nl',
    knownTo: ['order-system', 'webshop', 'clickstream'],
    orders: 1,
    devices: ['8f14e45f-ceea-467f-a3bd-00000000d0d2'],
  },

  // Two people with one phone number in the contact centre, which is not verified.
  {
    email: 'same-phone-1@example.nl',
    knownTo: ['contact-centre', 'crm-hubspot'],
    tickets: 1,
    person: { phone: '+31682000001' },
  },
  {
    email: 'same-phone-2@example.nl',
    knownTo: ['contact-centre', 'crm-hubspot'],
    tickets: 2,
    person: { phone: '+31682000001' },
  },

  // A person with different addresses in shop and webshop, but one phone number, which the shop has verified.
  {
    email: 'verified-phone@example.nl',
    knownTo: ['order-system'],
    orders: 2,
    phoneVerified: true,
    person: { firstName: 'Guus', lastName: 'Terpstra', birthDate: '1988-05-27', phone: '+31682000002' },
  },
  {
    email: 'verified-phone-shop@example.nl',
    knownTo: ['webshop'],
    hasCart: true,
    person: { firstName: 'Guus', lastName: 'Terpstra', birthDate: '1988-05-27', phone: '+31682000002' },
  },
  // Two people of one household with one phone number.
  {
    email: 'household-1@example.nl',
    knownTo: ['order-system'],
    orders: 1,
    person: { firstName: 'Ineke', lastName: 'Kuipers', birthDate: '1959-03-03', phone: '+31682000003' },
  },
  {
    email: 'household-2@example.nl',
    knownTo: ['order-system'],
    orders: 2,
    person: { firstName: 'Ruud', lastName: 'Kuipers', birthDate: '1957-10-11', phone: '+31682000003' },
  },

  {
    email: 'company@example.nl',
    knownTo: ['order-system', 'crm-hubspot', 'invoices'],
    orders: 4,
    deals: 1,
    hasCompany: true,
    // Valid by both rules for Dutch VAT numbers: modulo 11 and modulo 97.
    buysFor: { company: 4, vatNumber: 'NL858100009B14' },
  },

  // A person who said yes to the shop and later no to the CRM, and a person without a statement.
  {
    email: 'no-marketing@example.nl',
    knownTo: ['order-system', 'webshop', 'crm-hubspot'],
    orders: 2,
    consents: { ...willing, mailOptOut: true },
  },
  {
    email: 'no-consent@example.nl',
    knownTo: ['order-system', 'webshop', 'crm-hubspot'],
    orders: 2,
    consents: { mailOptOut: false },
  },
];
