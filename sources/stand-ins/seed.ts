import { createRandom } from './random.js';
import { createCompanies, createProducts } from './seed-catalogue.js';
import { customerNumber, mobilePhone } from './seed-ids.js';
import { createInvoicesPart } from './seed-invoices.js';
import { createClickstreamPart } from './seed-clickstream.js';
import { addSupportRelations } from './seed-contact-centre.js';
import {
  createContactCentrePart,
  createCrmPart,
  createOrderSystemPart,
  createWebshopPart,
} from './seed-parts.js';
import { createRegister } from './seed-kvk.js';
import { createSalesforcePart } from './seed-salesforce.js';
import { createFacebookPart } from './seed-facebook.js';
import { createXPart } from './seed-x.js';
import { cities, firstNames, lastNames, postcodeLetters, streets } from './seed-words.js';
import { before, dayMs, worldNow } from './seed-time.js';
import type { Person, SystemName, World } from './world.js';

/** Beyond this the identifiers would run out of digits. */
const mostCustomers = 500_000;

/** Special people have places of their own in front, so that one more of them changes no ordinary customer. */
const firstOrdinaryPlace = 1_000;

/**
 * The special people of the demo and the tests, then `customer-1@example.nl` to `customer-N@example.nl`.
 * What a person is and has depends on their place alone, never on how many others there are.
 */
export function createWorld({ customers }: { customers: number }): World {
  if (!Number.isInteger(customers) || customers < 0 || customers > mostCustomers) {
    throw new RangeError(`customers must be a whole number from 0 to ${mostCustomers}, not ${customers}`);
  }
  const companies = createCompanies();
  const catalogue = { products: createProducts(), companies, register: createRegister(companies) };

  const specials = specialPeople.map((special, index) =>
    createPerson(special, catalogue, specialPlace(index)),
  );
  const ordinary = Array.from({ length: customers }, (_, index) =>
    createPerson(ordinaryPerson(index + 1), catalogue, firstOrdinaryPlace + index + 1),
  );
  return { people: [...specials, ...ordinary], ...catalogue };
}

interface PersonPlan {
  email: string;
  knownTo: readonly SystemName[];
  /** The shop's order system has not seen this person confirm their address. */
  emailUnverified?: true;
  /** What chance would decide for an ordinary customer. */
  orders?: number;
  tickets?: number;
  deals?: number;
  hasCompany?: boolean;
  hasCart?: boolean;
  person?: Partial<Pick<Person, 'firstName' | 'lastName' | 'birthDate' | 'phone' | 'address'>>;
  /** Answered the shop's text message. */
  phoneVerified?: true;
  /** The visitor ids of the devices on which the person logged in to the shop. */
  devices?: readonly string[];
  /** Buys for this company, by its place in the list of companies, which has this VAT number. */
  buysFor?: { company: number; vatNumber: string };
  crm?: {
    additionalEmails?: readonly string[];
    twitterHandle?: string;
    /** Whose customer number the CRM holds; a sync has written it for hardly anybody yet. */
    customerNumberOf?: string;
  };
}

/** Typed where a number was asked for and none was given. */
const nobodysPhone = '0000000000';

const sharedDevice = '8f14e45f-ceea-467f-a3bd-00000000d0d0';

const everySystem: readonly SystemName[] = [
  'order-system',
  'webshop',
  'contact-centre',
  'crm-hubspot',
  'crm-salesforce',
  'invoices',
  'clickstream',
  'facebook',
];

const specialPeople: readonly PersonPlan[] = [
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

  // One customer with two records of the order system, which her name and birth date make one.
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

  // One customer with two accounts at the webshop, which only the CRM knows to be of one contact.
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

  // The CRM holds the number of somebody else.
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

  // More addresses than the walk takes.
  {
    email: 'many-addresses@example.nl',
    knownTo: ['order-system', 'crm-hubspot'],
    orders: 1,
    crm: {
      additionalEmails: Array.from({ length: 8 }, (_, index) => `many-addresses-${index + 1}@example.nl`),
    },
  },

  // A phone number that means nobody, in three records of two people.
  {
    email: 'blocked@example.nl',
    knownTo: ['order-system', 'contact-centre'],
    orders: 1,
    tickets: 1,
    person: { phone: nobodysPhone },
  },
  {
    email: 'blocked-too@example.nl',
    knownTo: ['order-system'],
    orders: 1,
    person: { phone: nobodysPhone },
  },
  // The address of a role, which two people of the bakery gave.
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

  // Two people of one household who shop on one tablet; one of them on a phone, too.
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

  // Two people who gave the contact centre one phone number, that nobody has verified.
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

  // Somebody who gave the shop and the webshop different addresses, but one phone number, which the shop has verified.
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
    // Valid by both rules for Dutch VAT numbers, that of eleven and that of 97.
    buysFor: { company: 4, vatNumber: 'NL858100009B14' },
  },
];

/**
 * A place offers eight order numbers. The first special people have a hundred places each, of which the one with very many
 * orders needs most; the others follow behind these, one place each.
 */
function specialPlace(index: number): number {
  return index < 7 ? 1 + index * 100 : 694 + index;
}

/** Three systems each miss about one in ten, on steps that seldom meet, so most customers miss none or one. */
function ordinaryPerson(number: number): PersonPlan {
  const missing: Partial<Record<SystemName, boolean>> = {
    webshop: number % 13 === 4,
    'contact-centre': number % 11 === 6,
    'crm-hubspot': number % 10 === 9,
    invoices: number % 9 === 2,
    // Only who buys for a company, or might.
    'crm-salesforce': number % 4 !== 2,
    facebook: number % 5 !== 3,
  };
  return {
    email: `customer-${number}@example.nl`,
    knownTo: everySystem.filter((system) => missing[system] !== true),
    ...(number % 20 === 13 && { emailUnverified: true }),
  };
}

function createPerson(
  plan: PersonPlan,
  { products, companies }: Omit<World, 'people'>,
  place: number,
): Person {
  const random = createRandom('person', place);
  const city = random.pick(cities);
  const createdAt = before(worldNow, random.integer(30 * dayMs, 7 * 365 * dayMs));
  const person: Person = {
    email: plan.email,
    firstName: random.pick(firstNames),
    lastName: random.pick(lastNames),
    birthDate: before('2007-12-31T12:00:00Z', random.integer(0, 70 * 365) * dayMs).slice(0, 10),
    phone: mobilePhone(place),
    address: {
      street: random.pick(streets),
      houseNumber: `${random.integer(1, 240)}${random.chance(0.15) ? random.pick(['a', 'B', '-2', ' bis']) : ''}`,
      postcode: `${city.postcodePrefix}${random.integer(10, 99)} ${random.pick(postcodeLetters)}`,
      city: city.name,
      country: 'NL',
    },
    createdAt,
    ...plan.person,
  };

  const { buysFor } = plan;
  const company = buysFor && companies[buysFor.company];
  const knows = (system: SystemName): boolean => plan.knownTo.includes(system);
  const seed = { place, createdAt };
  if (knows('order-system')) {
    person.orderSystem = createOrderSystemPart(seed, products, {
      orderCount: plan.orders,
      isInWebshop: knows('webshop'),
      emailVerified: plan.emailUnverified !== true,
      phoneVerified: plan.phoneVerified === true,
      ...(buysFor !== undefined &&
        company !== undefined && {
          business: {
            companyName: company.name,
            kvkNumber: company.kvkNumber,
            vatNumber: buysFor.vatNumber,
          },
        }),
      // The one named first was used last.
      devices: (plan.devices ?? []).map((visitorId, index) => ({
        visitorId,
        lastSeenAt: before(worldNow, (1 + index) * dayMs),
      })),
    });
  }
  const orders = person.orderSystem?.orders ?? [];
  if (knows('webshop')) {
    person.webshop = createWebshopPart(seed, products, { orders, hasCart: plan.hasCart });
  }
  if (knows('contact-centre')) {
    person.contactCentre = createContactCentrePart(seed, { orders, ticketCount: plan.tickets });
  }
  if (knows('facebook')) person.facebook = createFacebookPart(place, { isRich: plan.deals === 3 });
  if (knows('crm-hubspot')) {
    const { customerNumberOf, ...facts } = plan.crm ?? {};
    if (facts.twitterHandle !== undefined) person.x = createXPart(place, facts.twitterHandle);
    person.crm = createCrmPart(seed, companies, {
      ...facts,
      // Hardly anybody's Messenger is linked to the CRM.
      ...(plan.deals === 3 && person.facebook && { facebookUserId: person.facebook.userId }),
      ...(customerNumberOf !== undefined && {
        customerNumber: customerNumber(
          specialPlace(specialPeople.findIndex(({ email }) => email === customerNumberOf)),
        ),
      }),
      company,
      hasCompany: plan.hasCompany,
      dealCount: plan.deals,
      isCustomer: knows('order-system'),
    });
  }
  addSupportRelations(person, place, { isRich: plan.deals === 3 });
  if (knows('crm-salesforce')) {
    person.salesforce = createSalesforcePart(seed, companies, { isRich: plan.deals === 3 });
  }
  if (knows('invoices')) {
    person.invoices = createInvoicesPart(seed, {
      orders,
      ...(buysFor !== undefined &&
        company !== undefined && { companyName: company.name, vatNumber: buysFor.vatNumber }),
    });
  }
  if (knows('clickstream')) {
    person.clickstream = createClickstreamPart(place, products, {
      customerNumber: person.orderSystem?.customerNumber,
      devices: plan.devices ?? [],
      isRich: plan.deals === 3,
    });
  }
  return person;
}
