import { salesforceId, seedCampaigns, type SalesforcePart } from '../../stand-ins/seed-salesforce.js';
import type { Person, SeedCompany, World } from '../../stand-ins/world.js';

export type Value = string | number | boolean | null;

/** A record with every field of its object. A field without a value is null. */
export type SalesforceRecord = Readonly<Record<string, Value>> & { Id: string };

export interface SalesforceObject {
  name: string;
  records: readonly SalesforceRecord[];
  /** The spelling of every field, by its name in lower case. */
  fields: ReadonlyMap<string, string>;
  find(id: string): SalesforceRecord | undefined;
  /** Sets a checkbox of a record. Other fields cannot change, because they may be indexed. */
  tick(id: string, field: string, value: boolean): void;
  /** The records with this value in the field. */
  childrenOf(field: string, id: string): readonly SalesforceRecord[];
  /** The field that refers to a record of another object, by the name of the relationship. */
  parents: Readonly<Record<string, { field: string; object: string }>>;
  /** The object whose records refer to this one and their field, by the name of the relationship. */
  children: Readonly<Record<string, { object: string; field: string }>>;
}

export type Org = ReadonlyMap<string, SalesforceObject>;

const relationships: Record<string, Pick<SalesforceObject, 'parents' | 'children'>> = {
  Account: { parents: {}, children: { Contacts: { object: 'Contact', field: 'AccountId' } } },
  Contact: {
    parents: { Account: { field: 'AccountId', object: 'Account' } },
    children: {
      Cases: { object: 'Case', field: 'ContactId' },
      OpportunityContactRoles: { object: 'OpportunityContactRole', field: 'ContactId' },
      CampaignMembers: { object: 'CampaignMember', field: 'ContactId' },
    },
  },
  Opportunity: { parents: {}, children: {} },
  OpportunityContactRole: {
    parents: {
      Contact: { field: 'ContactId', object: 'Contact' },
      Opportunity: { field: 'OpportunityId', object: 'Opportunity' },
    },
    children: {},
  },
  Case: { parents: { Contact: { field: 'ContactId', object: 'Contact' } }, children: {} },
  Campaign: { parents: {}, children: {} },
  CampaignMember: {
    parents: {
      Contact: { field: 'ContactId', object: 'Contact' },
      Campaign: { field: 'CampaignId', object: 'Campaign' },
    },
    children: {},
  },
};

/** All records of the world, by the object's name in lower case, because names are case-insensitive. */
export function createOrg(world: World): Org {
  const accountIds = new Map(
    world.companies.map((company, index) => [company.id, salesforceId('account', index + 1)]),
  );
  const known = world.people.flatMap((person) =>
    person.salesforce === undefined ? [] : [{ person, part: person.salesforce }],
  );
  const tables: Record<string, SalesforceRecord[]> = {
    Account: world.companies.map((company) => accountRecord(company, accountIds.get(company.id) ?? '')),
    Contact: known.map(({ person, part }) =>
      contactRecord(person, part, accountIds.get(part.companyId ?? '') ?? null),
    ),
    Opportunity: known.flatMap(({ part }) => part.opportunities.map(opportunityRecord)),
    OpportunityContactRole: known.flatMap(({ part }) =>
      part.opportunities.map(({ id, roleId, role, createdAt }, index) => ({
        Id: roleId,
        ContactId: part.contactId,
        OpportunityId: id,
        Role: role,
        IsPrimary: index === 0,
        CreatedDate: moment(createdAt),
      })),
    ),
    Case: known.flatMap(({ part }) =>
      part.cases.map((supportCase) => caseRecord(supportCase, part.contactId)),
    ),
    Campaign: seedCampaigns.map((campaign) => ({
      Id: campaign.id,
      Name: campaign.name,
      Type: campaign.type,
      Status: campaign.status,
      IsActive: campaign.endDate === null,
      StartDate: campaign.startDate,
      EndDate: campaign.endDate,
    })),
    CampaignMember: known.flatMap(({ part }) =>
      part.campaigns.map((member) => ({
        Id: member.id,
        ContactId: part.contactId,
        CampaignId: member.campaignId,
        Status: member.status,
        HasResponded: member.status === 'Responded',
        FirstRespondedDate: member.respondedOn,
        CreatedDate: moment(member.createdAt),
      })),
    ),
  };
  return new Map(
    Object.entries(relationships).map(([name, related]) => [
      name.toLowerCase(),
      createObject(name, tables[name] ?? [], related),
    ]),
  );
}

/** Reads the fields from the first record. Every object has records in every world. */
function createObject(
  name: string,
  records: readonly SalesforceRecord[],
  related: Pick<SalesforceObject, 'parents' | 'children'>,
): SalesforceObject {
  const byId = new Map(records.map((record) => [record.Id.slice(0, 15), record]));
  const indexes = new Map<string, Map<Value, SalesforceRecord[]>>();
  const indexOf = (field: string): Map<Value, SalesforceRecord[]> => {
    const index = indexes.get(field) ?? new Map<Value, SalesforceRecord[]>();
    if (!indexes.has(field)) {
      indexes.set(field, index);
      for (const record of records) {
        const value = record[field] ?? null;
        const same = index.get(value);
        if (same === undefined) index.set(value, [record]);
        else same.push(record);
      }
    }
    return index;
  };
  return {
    name,
    records,
    fields: new Map((fieldsOf[name] ?? []).map((field) => [field.toLowerCase(), field])),
    find: (id) => byId.get(id.slice(0, 15)),
    tick: (id, field, value) => {
      const record = byId.get(id.slice(0, 15));
      if (record !== undefined) Object.assign(record, { [field]: value });
    },
    childrenOf: (field, id) => indexOf(field).get(id) ?? [],
    ...related,
  };
}

const fieldsOf: Record<string, readonly string[]> = {
  Account: ['Id', 'Name', 'Type', 'Industry', 'Website', 'Phone', 'NumberOfEmployees', 'BillingCity'],
  Contact: [
    'Id',
    'AccountId',
    'FirstName',
    'LastName',
    'Name',
    'Title',
    'Email',
    'Phone',
    'MobilePhone',
    'HomePhone',
    'Birthdate',
    'MailingStreet',
    'MailingCity',
    'MailingPostalCode',
    'MailingCountry',
    'HasOptedOutOfEmail',
    'DoNotCall',
    'CreatedDate',
    'LastModifiedDate',
    // A custom field of this shop's sync.
    'Customer_Number__c',
  ],
  Opportunity: ['Id', 'Name', 'StageName', 'Amount', 'CloseDate', 'IsClosed', 'IsWon', 'CreatedDate'],
  OpportunityContactRole: ['Id', 'ContactId', 'OpportunityId', 'Role', 'IsPrimary', 'CreatedDate'],
  Case: [
    'Id',
    'CaseNumber',
    'ContactId',
    'Subject',
    'Status',
    'Priority',
    'Origin',
    'IsClosed',
    'CreatedDate',
    'ClosedDate',
    'LastModifiedDate',
  ],
  Campaign: ['Id', 'Name', 'Type', 'Status', 'IsActive', 'StartDate', 'EndDate'],
  CampaignMember: [
    'Id',
    'ContactId',
    'CampaignId',
    'Status',
    'HasResponded',
    'FirstRespondedDate',
    'CreatedDate',
  ],
};

function accountRecord(company: SeedCompany, id: string): SalesforceRecord {
  return {
    Id: id,
    Name: company.name,
    Type: 'Customer - Direct',
    Industry: company.industry,
    Website: `https://${company.domain}`,
    Phone: null,
    NumberOfEmployees: company.numberOfEmployees,
    BillingCity: company.city,
  };
}

function contactRecord(person: Person, part: SalesforcePart, accountId: string | null): SalesforceRecord {
  return {
    Id: part.contactId,
    AccountId: accountId,
    FirstName: person.firstName,
    LastName: person.lastName,
    Name: `${person.firstName} ${person.lastName}`,
    Title: part.title,
    Email: person.email,
    Phone: null,
    // Stored in the notation in which it was entered.
    MobilePhone: person.phone.replace(/^\+316/, '06-'),
    HomePhone: null,
    Birthdate: person.birthDate,
    MailingStreet: `${person.address.street} ${person.address.houseNumber}`,
    MailingCity: person.address.city,
    MailingPostalCode: person.address.postcode,
    MailingCountry: 'Nederland',
    HasOptedOutOfEmail: part.hasOptedOutOfEmail,
    DoNotCall: part.doNotCall,
    CreatedDate: moment(part.createdAt),
    LastModifiedDate: moment(part.updatedAt),
    Customer_Number__c: part.customerNumber ?? null,
  };
}

function opportunityRecord(opportunity: SalesforcePart['opportunities'][number]): SalesforceRecord {
  return {
    Id: opportunity.id,
    Name: opportunity.name,
    StageName: opportunity.stage,
    Amount: opportunity.amountCents === null ? null : opportunity.amountCents / 100,
    CloseDate: opportunity.closeDate,
    IsClosed: opportunity.stage.startsWith('Closed'),
    IsWon: opportunity.stage === 'Closed Won',
    CreatedDate: moment(opportunity.createdAt),
  };
}

function caseRecord(supportCase: SalesforcePart['cases'][number], contactId: string): SalesforceRecord {
  return {
    Id: supportCase.id,
    CaseNumber: supportCase.caseNumber,
    ContactId: contactId,
    Subject: supportCase.subject,
    Status: supportCase.status,
    Priority: supportCase.priority,
    Origin: supportCase.origin,
    IsClosed: supportCase.status === 'Closed',
    CreatedDate: moment(supportCase.createdAt),
    ClosedDate: supportCase.closedAt === null ? null : moment(supportCase.closedAt),
    LastModifiedDate: moment(supportCase.updatedAt),
  };
}

/** The format of Salesforce: milliseconds, and an offset without a colon. */
function moment(iso: string): string {
  return new Date(iso).toISOString().replace('Z', '+0000');
}
