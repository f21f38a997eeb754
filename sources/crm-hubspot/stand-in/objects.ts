import { mailKinds, type SeedServiceTicket } from '../../stand-ins/seed-hubspot.js';
import type { Person, SeedCompany, World } from '../../stand-ins/world.js';

export type ObjectType = 'contacts' | 'companies' | 'deals' | 'tickets';

/** A former value of a property, with the time and source of the change. */
export interface ValueWithTimestamp {
  value: string;
  timestamp: string;
  sourceType: string;
}

export interface CrmObject {
  id: string;
  createdAt: string;
  updatedAt: string;
  /** Every value is a text, for each type of property. A known property without a value is null. */
  properties: Record<string, string | null>;
  /** The history of properties that changed after the record was created, with the newest value first. */
  history?: Record<string, ValueWithTimestamp[]>;
}

interface TypeFacts {
  singular: string;
  typeId: string;
  /** Properties in every answer. */
  always: readonly string[];
  /** Properties in an answer if the request does not name any. */
  byDefault: readonly string[];
  /** The unique properties, which identify one record like its id. */
  unique: readonly string[];
}

export const objectTypes: Record<ObjectType, TypeFacts> = {
  contacts: {
    singular: 'contact',
    typeId: '0-1',
    always: ['createdate', 'hs_object_id', 'lastmodifieddate'],
    byDefault: ['createdate', 'email', 'firstname', 'hs_object_id', 'lastmodifieddate', 'lastname'],
    unique: ['email', 'facebook_user_id'],
  },
  companies: {
    singular: 'company',
    typeId: '0-2',
    always: ['createdate', 'hs_lastmodifieddate', 'hs_object_id'],
    byDefault: ['createdate', 'domain', 'hs_lastmodifieddate', 'hs_object_id', 'name'],
    unique: ['kvk_number'],
  },
  deals: {
    singular: 'deal',
    typeId: '0-3',
    always: ['createdate', 'hs_lastmodifieddate', 'hs_object_id'],
    byDefault: [
      'amount',
      'closedate',
      'createdate',
      'dealname',
      'dealstage',
      'hs_lastmodifieddate',
      'hs_object_id',
      'pipeline',
    ],
    unique: [],
  },
  tickets: {
    singular: 'ticket',
    typeId: '0-5',
    always: ['createdate', 'hs_lastmodifieddate', 'hs_object_id'],
    byDefault: [
      'content',
      'createdate',
      'hs_lastmodifieddate',
      'hs_object_id',
      'hs_pipeline',
      'hs_pipeline_stage',
      'hs_ticket_category',
      'hs_ticket_priority',
      'subject',
    ],
    unique: [],
  },
};

/** HubSpot accepts the plural, the singular and the number of a type. */
export function findObjectType(name: string): ObjectType | undefined {
  for (const type of ['contacts', 'companies', 'deals', 'tickets'] as const) {
    const { singular, typeId } = objectTypes[type];
    if (name === type || name === singular || name === typeId) return type;
  }
  return undefined;
}

/** The records of one type. */
export interface Collection {
  /** The records in numerical order of their ids. */
  all: readonly CrmObject[];
  /** The index in `all` of the first record with a larger id. */
  startAfter: (id: number) => number;
  hasProperty: (name: string) => boolean;
  propertyNames: readonly string[];
  /** Finds a record by its id, or case-insensitively by a unique property. */
  find: (value: string, idProperty?: string) => CrmObject | undefined;
}

export function createCollections(world: World): Record<ObjectType, Collection> {
  const contacts: CrmObject[] = [];
  const deals: CrmObject[] = [];
  for (const person of world.people) {
    if (person.crm === undefined) continue;
    contacts.push(contactRecord(person, person.crm));
    for (const deal of person.crm.deals) deals.push(dealRecord(deal));
  }
  return {
    contacts: collection('contacts', contacts),
    companies: collection('companies', world.companies.map(companyRecord)),
    deals: collection('deals', deals),
    tickets: collection(
      'tickets',
      world.companies.flatMap(({ serviceTickets }) => serviceTickets.map(ticketRecord)),
    ),
  };
}

function collection(type: ObjectType, records: CrmObject[]): Collection {
  const all = records.sort((a, b) => Number(a.id) - Number(b.id));
  const byId = new Map(all.map((record) => [record.id, record]));
  const byProperty = new Map(
    objectTypes[type].unique.map((name) => [
      name,
      new Map(all.flatMap((record) => valuesOf(record, name).map((value) => [value, record]))),
    ]),
  );
  const known = new Set(Object.keys(all[0]?.properties ?? {}));
  return {
    all,
    startAfter(id) {
      let low = 0;
      let high = all.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (Number(all[middle]?.id) <= id) low = middle + 1;
        else high = middle;
      }
      return low;
    },
    hasProperty: (name) => known.has(name),
    propertyNames: [...known],
    find: (value, idProperty) =>
      idProperty === undefined || idProperty === 'hs_object_id'
        ? byId.get(value)
        : byProperty.get(idProperty)?.get(value.toLowerCase()),
  };
}

/** Keys are in lower case. An additional address also finds its contact. */
function valuesOf({ properties }: CrmObject, name: string): string[] {
  const more = name === 'email' ? (properties['hs_additional_emails']?.split(';') ?? []) : [];
  return [properties[name] ?? '', ...more].map((value) => value.toLowerCase());
}

/** The record in an answer: the requested properties that exist, and those in every answer. */
export function recordAnswer(
  type: ObjectType,
  record: CrmObject,
  requested: readonly string[],
  withHistory: readonly string[] = [],
): object {
  const { always, byDefault } = objectTypes[type];
  const properties: Record<string, string | null> = {};
  for (const name of requested.length > 0 ? requested : byDefault) {
    const value = record.properties[name];
    if (value !== undefined) properties[name] = value;
  }
  for (const name of always) properties[name] = record.properties[name] ?? null;
  return {
    id: record.id,
    properties,
    ...(withHistory.length > 0 && { propertiesWithHistory: historyAnswer(record, withHistory) }),
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
    archived: false,
  };
}

/** A property that was set once has the time of the record. One that was never set has no history. */
function historyAnswer(
  { properties, history, createdAt }: CrmObject,
  requested: readonly string[],
): Record<string, ValueWithTimestamp[]> {
  const answer: Record<string, ValueWithTimestamp[]> = {};
  for (const name of requested) {
    const value = properties[name];
    if (value === undefined) continue;
    answer[name] =
      history?.[name] ?? (value === null ? [] : [{ value, timestamp: createdAt, sourceType: 'INTEGRATION' }]);
  }
  return answer;
}

/** Each kind of mail has a separate property, beside the one for all mail. */
export const optOutProperties = [
  { name: 'hs_email_optout', label: 'Unsubscribed from all email' },
  ...mailKinds.map(({ id, name }) => ({
    name: `hs_email_optout_${id}`,
    label: `Opted out of email: ${name}`,
  })),
];

function choicesOf({ marketing: { choices } }: NonNullable<Person['crm']>) {
  const history: Record<string, ValueWithTimestamp[]> = {};
  for (const { kindId, changes } of choices)
    history[kindId === undefined ? 'hs_email_optout' : `hs_email_optout_${kindId}`] = changes.map(
      ({ isOut, at, source }) => ({
        value: String(isOut),
        timestamp: isoMilliseconds(at),
        sourceType: source,
      }),
    );
  const properties = Object.fromEntries(
    optOutProperties.map(({ name }) => [name, history[name]?.[0]?.value ?? null]),
  );
  return { properties, history };
}

function contactRecord(person: Person, crm: NonNullable<Person['crm']>): CrmObject {
  const createdAt = isoMilliseconds(person.createdAt);
  const updatedAt = isoMilliseconds(crm.updatedAt);
  const choices = choicesOf(crm);
  return {
    id: crm.contactId,
    createdAt,
    updatedAt,
    history: choices.history,
    properties: {
      // HubSpot stores addresses in lower case.
      email: person.email.toLowerCase(),
      hs_additional_emails: crm.additionalEmails?.join(';') ?? null,
      firstname: person.firstName,
      lastname: person.lastName,
      phone: null,
      mobilephone: person.phone,
      jobtitle: crm.jobTitle,
      lifecyclestage: crm.lifecycleStage,
      address: `${person.address.street} ${person.address.houseNumber}`,
      zip: person.address.postcode,
      city: person.address.city,
      country: person.address.country,
      hs_language: 'nl',
      twitterhandle: crm.twitterHandle ?? null,
      // A custom property of this shop's sync.
      customer_number: crm.customerNumber ?? null,
      facebook_user_id: crm.facebookUserId ?? null,
      hs_marketable_status: String(crm.marketing.isMarketable),
      hs_legal_basis: crm.marketing.legalBases.join(';') || null,
      ...choices.properties,
      createdate: createdAt,
      lastmodifieddate: updatedAt,
      hs_object_id: crm.contactId,
    },
  };
}

function companyRecord(company: SeedCompany): CrmObject {
  const updatedAt = isoMilliseconds(company.updatedAt);
  return {
    id: company.id,
    createdAt: updatedAt,
    updatedAt,
    properties: {
      name: company.name,
      domain: company.domain,
      city: company.city,
      industry: company.industry,
      numberofemployees: String(company.numberOfEmployees),
      kvk_number: company.kvkNumber,
      // Both numbers are custom properties of this shop.
      vat_number: company.vatNumber ?? null,
      createdate: updatedAt,
      hs_lastmodifieddate: updatedAt,
      hs_object_id: company.id,
    },
  };
}

function dealRecord(deal: NonNullable<Person['crm']>['deals'][number]): CrmObject {
  const createdAt = isoMilliseconds(deal.createdAt);
  return {
    id: deal.id,
    createdAt,
    updatedAt: createdAt,
    properties: {
      dealname: deal.name,
      amount: (deal.amountCents / 100).toFixed(2),
      dealstage: deal.stage,
      closedate: isoMilliseconds(deal.closeDate),
      hs_is_closed: String(deal.stage.startsWith('closed')),
      hs_is_closed_won: String(deal.stage === 'closedwon'),
      pipeline: 'default',
      deal_currency_code: 'EUR',
      createdate: createdAt,
      hs_lastmodifieddate: createdAt,
      hs_object_id: deal.id,
    },
  };
}

function ticketRecord(ticket: SeedServiceTicket): CrmObject {
  const createdAt = isoMilliseconds(ticket.createdAt);
  const closedAt = ticket.closedAt === undefined ? null : isoMilliseconds(ticket.closedAt);
  const updatedAt = closedAt ?? createdAt;
  return {
    id: ticket.id,
    createdAt,
    updatedAt,
    properties: {
      subject: ticket.subject,
      content: ticket.content,
      hs_pipeline: '0',
      hs_pipeline_stage: ticket.stage,
      hs_ticket_category: null,
      hs_ticket_priority: ticket.priority,
      closed_date: closedAt,
      createdate: createdAt,
      hs_lastmodifieddate: updatedAt,
      hs_object_id: ticket.id,
    },
  };
}

function isoMilliseconds(moment: string): string {
  return new Date(moment).toISOString();
}
