import { uniqueById } from '../../src/index.js';
import type {
  CompanyRecord,
  ConsentStatement,
  CustomerRecord,
  DealRecord,
  TicketRecord,
} from '../../src/index.js';
import type { TicketPriority } from './schema.generated.js';
import {
  parseMoment,
  type Association,
  type CrmObject,
  type CrmObjectWithHistory,
  type Property,
} from './wire.js';

/** The data of a contact, without its identity. */
export interface ContactRecord extends CustomerRecord {
  jobTitle: string | null;
  lifecycleStage: string | null;
  isMarketingContact: boolean | null;
  legalBases: string[];
}

/** The data of a company in the CRM. */
export interface CrmCompany extends CompanyRecord {
  id: string;
  name: string | null;
  domain: string | null;
  city: string | null;
  industry: string | null;
  employeeCount: number | null;
}

/**
 * One kind of mail that a contact can unsubscribe from. Without an id and a name, it represents all marketing
 * mail.
 */
export interface SubscriptionType {
  id: string | null;
  name: string | null;
}

/** The state of one kind of mail for a contact. */
export interface Subscription {
  type: SubscriptionType;
  isOptedOut: boolean;
  /**
   * The source of the last change, as HubSpot names it, such as FORM, EMAIL or CRM_UI. Null without a change.
   */
  changedBy: string | null;
  changedAt: string | null;
}

export const CONTACT_PROPERTIES = [
  'email',
  'hs_additional_emails',
  'firstname',
  'lastname',
  'phone',
  'mobilephone',
  'jobtitle',
  'lifecyclestage',
  'address',
  'zip',
  'city',
  'country',
  'hs_language',
  'lastmodifieddate',
  'twitterhandle',
  'customer_number',
  'facebook_user_id',
  'hs_marketable_status',
  'hs_legal_basis',
];

export function toContact({ id, properties: p }: CrmObject): ContactRecord {
  return {
    id,
    identifiers: [
      ...emailsOf(p).map((value) => ({ namespace: 'email', value })),
      { namespace: 'phone', value: p.phone },
      { namespace: 'phone', value: p.mobilephone },
      // Only a sync writes this property, with the customer number of the order system.
      { namespace: 'customerNumber', value: p.customer_number, verified: true },
      { namespace: 'xUsername', value: p.twitterhandle },
      // Only the program that links Messenger to the CRM writes this property.
      { namespace: 'facebookUserId', value: p.facebook_user_id, verified: true },
    ],
    profile: {
      name: [p.firstname, p.lastname].filter(Boolean).join(' ') || null,
      language: p.hs_language ?? null,
      address: addressOf(p),
      updatedAt: p.lastmodifieddate == null ? null : toDateTime(p.lastmodifieddate),
    },
    jobTitle: p.jobtitle ?? null,
    lifecycleStage: p.lifecyclestage ?? null,
    isMarketingContact: toFlagOrNull(p.hs_marketable_status),
    legalBases: p.hs_legal_basis?.split(';').filter((basis) => basis !== '') ?? [],
  };
}

/** HubSpot has street and house number on one line, and the country as free text. Only a country code is used. */
function addressOf({ address = null, zip = null, city = null, country = null }: CrmObject['properties']) {
  if (address === null && zip === null && city === null) return null;
  return {
    street: address,
    postcode: zip,
    city,
    country: country !== null && /^[A-Z]{2}$/.test(country) ? country : null,
  };
}

/**
 * The contact's addresses in lower case, the primary one first. A batch read by e-mail finds a contact by
 * each of them. Clients observed this; the published contract does not document it. The answer does not
 * contain the matching address.
 */
export function emailsOf(properties: CrmObject['properties']): string[] {
  return [properties.email, ...(properties.hs_additional_emails?.split(';') ?? [])].flatMap((email) =>
    email == null || email === '' ? [] : [email.trim().toLowerCase()],
  );
}

/** The ids of the records that were merged into one, separated by semicolons. */
export const MERGED_IDS = 'hs_merged_object_ids';

export const COMPANY_PROPERTIES = [
  'name',
  'domain',
  'city',
  'industry',
  'numberofemployees',
  'kvk_number',
  'vat_number',
  'hs_lastmodifieddate',
];

export function toCompany({ id, properties: p }: CrmObject): CrmCompany {
  return {
    id,
    name: p.name ?? null,
    domain: p.domain ?? null,
    city: p.city ?? null,
    industry: p.industry ?? null,
    employeeCount: toInt(p.numberofemployees),
    kvkNumber: p.kvk_number ?? null,
    vatNumber: p.vat_number ?? null,
  };
}

export const DEAL_PROPERTIES = [
  'dealname',
  'amount',
  'deal_currency_code',
  'dealstage',
  'closedate',
  'createdate',
  'hs_is_closed',
  'hs_is_closed_won',
];

export function toDeal({ id, properties: p }: CrmObject): DealRecord {
  // An amount without a known currency has no meaning.
  const amount =
    p.amount == null || p.deal_currency_code == null
      ? null
      : { amount: p.amount, currency: p.deal_currency_code };
  return {
    source: 'crm-hubspot',
    recordId: id,
    name: p.dealname ?? null,
    amount,
    stage: p.dealstage ?? null,
    isClosed: toFlagOrNull(p.hs_is_closed),
    isWon: toFlagOrNull(p.hs_is_closed_won),
    role: null,
    closesOn: p.closedate == null ? null : toDateTime(p.closedate).slice(0, 10),
    createdAt: p.createdate == null ? null : toDateTime(p.createdate),
  };
}

export const TICKET_PROPERTIES = [
  'subject',
  'hs_pipeline_stage',
  'hs_ticket_priority',
  'createdate',
  'closed_date',
  'hs_lastmodifieddate',
];

const PRIORITIES: Readonly<Record<string, TicketPriority>> = {
  LOW: 'LOW',
  MEDIUM: 'NORMAL',
  HIGH: 'HIGH',
  URGENT: 'URGENT',
};

export function toTicket({ id, properties: p }: CrmObject): TicketRecord {
  const closedAt = p.closed_date == null ? null : toDateTime(p.closed_date);
  const priorityText = p.hs_ticket_priority ?? null;
  return {
    source: 'crm-hubspot',
    recordId: id,
    number: null,
    subject: p.subject ?? null,
    // Each account defines the stages of its pipelines, so only a closed ticket has a known status.
    status: closedAt === null ? null : 'CLOSED',
    statusText: p.hs_pipeline_stage ?? null,
    isOpen: closedAt === null,
    priority: PRIORITIES[priorityText ?? ''] ?? null,
    priorityText,
    channel: null,
    createdAt: p.createdate == null ? null : toDateTime(p.createdate),
    updatedAt: p.hs_lastmodifieddate == null ? null : toDateTime(p.hs_lastmodifieddate),
    closedAt,
  };
}

export const ALL_MARKETING: SubscriptionType = { id: null, name: null };

/**
 * All marketing mail, and each kind of mail with a property `hs_email_optout_<id>`. Its label is in English.
 */
export function toSubscriptionTypes(properties: readonly Property[]): SubscriptionType[] {
  const types = uniqueById(properties, ({ name }) => name).flatMap(({ name, label }) => {
    const [, id] = /^hs_email_optout_(\d+)$/.exec(name) ?? [];
    return id === undefined ? [] : [{ id, name: label.replace(/^Opted out of email: /, '') }];
  });
  return [ALL_MARKETING, ...types.sort((a, b) => a.name.localeCompare(b.name))];
}

export function optOutProperty({ id }: SubscriptionType): string {
  return id === null ? 'hs_email_optout' : `hs_email_optout_${id}`;
}

/**
 * The subscriptions of these types, if the contact has their property. A contact without a value has not
 * opted out.
 */
export function toSubscriptions(
  { properties, propertiesWithHistory }: CrmObjectWithHistory,
  types: readonly SubscriptionType[],
): Subscription[] {
  return types.flatMap((type) => {
    const property = optOutProperty(type);
    const isOptedOut = toFlag(properties[property]);
    if (isOptedOut === null) return [];
    const changes = (propertiesWithHistory?.[property] ?? []).flatMap(({ timestamp, sourceType }) =>
      timestamp == null ? [] : [{ at: toDateTime(timestamp), by: sourceType ?? null }],
    );
    const [last] = changes.sort((a, b) => b.at.localeCompare(a.at));
    return [{ type, isOptedOut, changedBy: last?.by ?? null, changedAt: last?.at ?? null }];
  });
}

/**
 * An opt-out is a withdrawal. The CRM does not know whether a contact without an opt-out has agreed, so the status is then
 * UNKNOWN.
 */
export function toConsent(subscription: Subscription): ConsentStatement {
  const { type, isOptedOut, changedBy, changedAt } = subscription;
  const property = optOutProperty(type);
  return {
    purpose: 'MARKETING',
    channel: 'EMAIL',
    topic: type.name,
    status: isOptedOut ? 'REVOKED' : 'UNKNOWN',
    updatedAt: changedAt,
    evidence: [property, changedBy].filter((part) => part !== null).join(', '),
  };
}

/** The withdrawal of consent to all marketing mail, if there is one. */
export function toConsents(contact: CrmObjectWithHistory): ConsentStatement[] {
  return toSubscriptions(contact, [ALL_MARKETING])
    .filter(({ isOptedOut }) => isOptedOut)
    .map(toConsent);
}

/** The distinct associated ids, with the primary one of the CRM first. */
export function toIds(associations: readonly Association[]): string[] {
  const isPrimary = ({ associationTypes }: Association) =>
    associationTypes.some(({ label }) => label === 'Primary');
  const ordered = [
    ...associations.filter(isPrimary),
    ...associations.filter((association) => !isPrimary(association)),
  ];
  return [...new Set(ordered.map(({ toObjectId }) => String(toObjectId)))];
}

/**
 * A property without a value was never set, so it means no. HubSpot does not send a property that the account
 * does not have.
 */
function toFlag(text: string | null | undefined): boolean | null {
  return text === undefined ? null : text === 'true';
}

function toFlagOrNull(text: string | null | undefined): boolean | null {
  return text == null ? null : text === 'true';
}

function toInt(text: string | null | undefined): number | null {
  const value = Number(text);
  // An Int has 32 bits.
  return text == null || value !== (value | 0) ? null : value;
}

function toDateTime(text: string): string {
  return parseMoment(text).toISOString();
}
