import { createRandom } from './random.js';
import { createCompanies, createProducts } from './seed-catalogue.js';
import { mobilePhone } from './seed-ids.js';
import {
  createContactCentrePart,
  createCrmPart,
  createOrderSystemPart,
  createWebshopPart,
} from './seed-parts.js';
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
  const catalogue = { products: createProducts(), companies: createCompanies() };

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
  person?: Pick<Person, 'firstName' | 'lastName' | 'birthDate'>;
}

const everySystem: readonly SystemName[] = ['order-system', 'webshop', 'contact-centre', 'crm-hubspot'];

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
];

/** A place offers eight order numbers; the person with very many orders needs a hundred places. */
function specialPlace(index: number): number {
  return 1 + index * 100;
}

/** Three systems each miss about one in ten, on steps that seldom meet, so most customers miss none or one. */
function ordinaryPerson(number: number): PersonPlan {
  const missing: Partial<Record<SystemName, boolean>> = {
    webshop: number % 13 === 4,
    'contact-centre': number % 11 === 6,
    'crm-hubspot': number % 10 === 9,
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
    ...plan.person,
    phone: mobilePhone(place),
    address: {
      street: random.pick(streets),
      houseNumber: `${random.integer(1, 240)}${random.chance(0.15) ? random.pick(['a', 'B', '-2', ' bis']) : ''}`,
      postcode: `${city.postcodePrefix}${random.integer(10, 99)} ${random.pick(postcodeLetters)}`,
      city: city.name,
      country: 'NL',
    },
    createdAt,
  };

  const knows = (system: SystemName): boolean => plan.knownTo.includes(system);
  const seed = { place, createdAt };
  if (knows('order-system')) {
    person.orderSystem = createOrderSystemPart(seed, products, {
      orderCount: plan.orders,
      emailVerified: plan.emailUnverified !== true,
    });
  }
  const orders = person.orderSystem?.orders ?? [];
  if (knows('webshop')) {
    person.webshop = createWebshopPart(seed, products, { orders, hasCart: plan.hasCart });
  }
  if (knows('contact-centre')) {
    person.contactCentre = createContactCentrePart(seed, { orders, ticketCount: plan.tickets });
  }
  if (knows('crm-hubspot')) {
    person.crm = createCrmPart(seed, companies, {
      hasCompany: plan.hasCompany,
      dealCount: plan.deals,
      isCustomer: knows('order-system'),
    });
  }
  return person;
}
