import type {
  ConsentStatement,
  CustomerRecord,
  DealRecord,
  OrganisationRecord,
  TicketRecord,
} from '../../src/index.js';
import type { CampaignMembership, TicketPriority, TicketStatus } from './schema.generated.js';
import type { Account, CampaignMember, Contact, OptOuts, OpportunityRole, SupportCase } from './wire.js';

/** The data of a contact, without its identity. */
export interface ContactRecord extends CustomerRecord {
  lastName: string | null;
  accountId: string | null;
}

/** A case. Its creation time is always known. */
export interface SalesforceCase extends TicketRecord {
  createdAt: string;
}

/** An opportunity. Its creation time is always known. */
export interface Opportunity extends DealRecord {
  createdAt: string;
}

/** A campaign membership. Its `id` is derived from `recordId`. */
export type CampaignMembershipRecord = Omit<CampaignMembership, 'id'>;

export function toContact(contact: Contact): ContactRecord {
  return {
    id: contact.Id,
    identifiers: [
      { namespace: 'email', value: contact.Email },
      ...phonesOf(contact).map((value) => ({ namespace: 'phone', value })),
      // Only a sync writes this field, with the customer number of the order system.
      { namespace: 'customerNumber', value: contact.customerNumber, verified: true },
    ],
    profile: {
      name: contact.Name,
      birthDate: contact.Birthdate ?? null,
      address: addressOf(contact),
      updatedAt: contact.LastModifiedDate,
    },
    lastName: contact.LastName,
    accountId: contact.AccountId ?? null,
  };
}

/**
 * A set flag is a withdrawal, whose time Salesforce does not return. A flag that is not set has no meaning.
 */
export function toConsents({ HasOptedOutOfEmail, DoNotCall }: OptOuts): ConsentStatement[] {
  const no = (channel: 'EMAIL' | 'PHONE', evidence: string): ConsentStatement => ({
    purpose: 'MARKETING',
    channel,
    status: 'REVOKED',
    evidence,
  });
  return [
    ...(HasOptedOutOfEmail ? [no('EMAIL', 'HasOptedOutOfEmail')] : []),
    ...(DoNotCall ? [no('PHONE', 'DoNotCall')] : []),
  ];
}

export function phonesOf({ MobilePhone, Phone, HomePhone }: Contact): string[] {
  return [MobilePhone, Phone, HomePhone].filter((phone) => phone !== null);
}

/** Street and house number are one text, and the country is free text. Only a country code is used. */
function addressOf({ MailingStreet, MailingPostalCode, MailingCity, MailingCountry }: Contact) {
  if (MailingStreet === null && MailingPostalCode === null && MailingCity === null) return null;
  return {
    street: MailingStreet,
    postcode: MailingPostalCode,
    city: MailingCity,
    country: MailingCountry !== null && /^[A-Z]{2}$/.test(MailingCountry) ? MailingCountry : null,
  };
}

/** The same last name and birth date. */
export function isSameCustomer(a: ContactRecord, b: ContactRecord): boolean {
  const name = a.lastName?.trim().toLowerCase() ?? '';
  const birthDate = a.profile?.birthDate ?? null;
  return (
    name !== '' &&
    name === b.lastName?.trim().toLowerCase() &&
    birthDate !== null &&
    birthDate === b.profile?.birthDate
  );
}

/**
 * The usual notations of a phone number (E.164). Salesforce stores a number as it was entered, and compares
 * it character by character.
 */
export function phoneSpellings(phone: string): string[] {
  const digits = phone.replace(/\D/g, '');
  const international = [`+${digits}`, `00${digits}`];
  if (!digits.startsWith('31')) return international;
  const national = digits.slice(2);
  // Mobile numbers begin with 06; area codes have three digits or four.
  const codes = national.startsWith('6') ? [1] : [2, 3];
  return [
    ...international,
    `0${national}`,
    `+31 ${national}`,
    ...codes.flatMap((length) => {
      const [code, number] = [national.slice(0, length), national.slice(length)];
      return [`0${code}-${number}`, `0${code} ${number}`, `+31 ${code} ${number}`];
    }),
  ];
}

export function toOrganisation(account: Account): OrganisationRecord {
  return {
    source: 'crm-salesforce',
    recordId: account.Id,
    name: account.Name,
    domains: null,
    website: account.Website,
    kind: account.Type,
    industry: account.Industry,
    city: account.BillingCity,
    employeeCount: account.NumberOfEmployees ?? null,
  };
}

/** An amount without a known currency has no meaning, so it is null. */
export function toOpportunity(
  { Role, Opportunity: found }: OpportunityRole,
  currency: string | undefined,
): Opportunity | null {
  if (found == null) return null;
  const code = found.CurrencyIsoCode ?? currency;
  return {
    source: 'crm-salesforce',
    recordId: found.Id,
    name: found.Name,
    amount:
      found.Amount == null || code === undefined
        ? null
        : { amount: withTwoDecimals(found.Amount), currency: code },
    stage: found.StageName,
    isClosed: found.IsClosed,
    isWon: found.IsWon,
    role: Role,
    closesOn: found.CloseDate ?? null,
    createdAt: found.CreatedDate,
  };
}

/** Salesforce omits trailing zeros of decimals. */
function withTwoDecimals(amount: string): string {
  const [whole = '', decimals = ''] = amount.split('.');
  return `${whole}.${decimals.padEnd(2, '0')}`;
}

/** The default values of an organisation, which may change them. Other values have no equivalent. */
const STATUSES: Readonly<Record<string, TicketStatus>> = {
  new: 'NEW',
  working: 'OPEN',
  escalated: 'OPEN',
  'on hold': 'HOLD',
};
const PRIORITIES: Readonly<Record<string, TicketPriority>> = {
  low: 'LOW',
  medium: 'NORMAL',
  high: 'HIGH',
};

export function toCase(found: SupportCase): SalesforceCase {
  return {
    source: 'crm-salesforce',
    recordId: found.Id,
    number: found.CaseNumber,
    subject: found.Subject,
    status: found.IsClosed ? 'CLOSED' : (STATUSES[found.Status?.toLowerCase() ?? ''] ?? null),
    statusText: found.Status,
    isOpen: !found.IsClosed,
    priority: PRIORITIES[found.Priority?.toLowerCase() ?? ''] ?? null,
    priorityText: found.Priority,
    channel: found.Origin,
    createdAt: found.CreatedDate,
    updatedAt: found.LastModifiedDate ?? null,
    closedAt: found.ClosedDate ?? null,
  };
}

export function toCampaignMembership(member: CampaignMember): CampaignMembershipRecord {
  return {
    recordId: member.Id,
    name: member.Campaign?.Name ?? null,
    kind: member.Campaign?.Type ?? null,
    status: member.Status,
    hasResponded: member.HasResponded,
    respondedOn: member.FirstRespondedDate ?? null,
    joinedAt: member.CreatedDate,
  };
}
