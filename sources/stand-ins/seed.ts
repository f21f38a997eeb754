import { createRandom } from './random.js';
import { createCompanies, createProducts } from './seed-catalogue.js';
import { createConsents, createShopConsent, ordinaryConsents, willing } from './seed-consents.js';
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
import { mailOptOut } from './seed-hubspot.js';
import { createRegister } from './seed-kvk.js';
import { createSalesforcePart } from './seed-salesforce.js';
import { createFacebookPart } from './seed-facebook.js';
import { createXPart } from './seed-x.js';
import { cities, firstNames, lastNames, postcodeLetters, streets } from './seed-words.js';
import { everySystem, specialPeople, type PeopleSystem, type PersonPlan } from './seed-special-people.js';
import { before, dayMs, worldNow } from './seed-time.js';
import type { Person, World } from './world.js';

/** The most customers for which the identifiers have enough digits. */
const mostCustomers = 500_000;

/** Special people have the first places, so that a further special person changes no ordinary customer. */
const firstOrdinaryPlace = 1_000;

/**
 * The special people of the demo and the tests, then `customer-1@example.nl` to `customer-N@example.nl`.
 * A person's data depend on the place alone, never on the number of people.
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

/**
 * A place has eight order numbers. The first special people have a hundred places each, because one of them has very many
 * orders. The other people follow with one place each.
 */
function specialPlace(index: number): number {
  return index < 7 ? 1 + index * 100 : 694 + index;
}

/** Each of three systems lacks about one customer in ten. The steps seldom coincide, so most customers lack at most one system. */
function ordinaryPerson(number: number): PersonPlan {
  const missing: Partial<Record<PeopleSystem, boolean>> = {
    webshop: number % 13 === 4,
    'contact-centre': number % 11 === 6,
    'crm-hubspot': number % 10 === 9,
    invoices: number % 9 === 2,
    // Only for people who buy for a company, or may do so.
    'crm-salesforce': number % 4 !== 2,
    facebook: number % 5 !== 3,
  };
  return {
    email: `customer-${number}@example.nl`,
    knownTo: everySystem.filter((system) => missing[system] !== true),
    ...(number % 20 === 13 && { emailUnverified: true }),
    consents: ordinaryConsents(number),
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

  const { buysFor, consents = willing } = plan;
  const company = buysFor && companies[buysFor.company];
  const knows = (system: PeopleSystem): boolean => plan.knownTo.includes(system);
  const seed = { place, createdAt };
  if (knows('order-system')) {
    person.orderSystem = createOrderSystemPart(seed, products, {
      orderCount: plan.orders,
      isInWebshop: knows('webshop'),
      emailVerified: plan.emailUnverified !== true,
      phoneVerified: plan.phoneVerified === true,
      consents: createConsents(consents, createdAt),
      ...(buysFor !== undefined &&
        company !== undefined && {
          business: {
            companyName: company.name,
            kvkNumber: company.kvkNumber,
            vatNumber: buysFor.vatNumber,
          },
        }),
      // The first device in the list was used last.
      devices: (plan.devices ?? []).map((visitorId, index) => ({
        visitorId,
        lastSeenAt: before(worldNow, (1 + index) * dayMs),
      })),
    });
  }
  const orders = person.orderSystem?.orders ?? [];
  if (knows('webshop')) {
    person.webshop = createWebshopPart(seed, products, {
      orders,
      hasCart: plan.hasCart,
      emailConsent: createShopConsent(consents.shopEmail, createdAt),
      smsConsent: createShopConsent(consents.shopSms, createdAt),
    });
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
      // The CRM links only a few people to Messenger.
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
    if (consents.mailOptOut !== undefined)
      person.crm.marketing.choices = mailOptOut(consents.mailOptOut, createdAt);
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
