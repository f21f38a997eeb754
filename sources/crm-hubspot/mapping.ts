import {
  uniqueById,
  type CompanyRecord,
  type ConsentStatement,
  type CustomerRecord,
} from '../../src/index.js';
import type { Deal, MarketingSubscription, ServiceTicket } from './schema.generated.js';
import {
  parseMoment,
  type Association,
  type CrmObject,
  type CrmObjectWithHistory,
  type Property,
} from './wire.js';

/** What the CRM knows of a contact, beyond who it is. */
export interface ContactRecord extends CustomerRecord {
  jobTitle: string | null;
  lifecycleStage: string | null;
  marketingOptOut: boolean | null;
  isMarketingContact: boolean | null;
  legalBases: string[];
}

/** What the CRM knows of a company. */
export interface CrmCompany extends CompanyRecord {
  id: string;
  name: string | null;
  domain: string | null;
  city: string | null;
  industry: string | null;
  employees: number | null;
}

export interface DealRecord extends Deal {
  createdAt: string;
}

export interface TicketRecord extends ServiceTicket {
  createdAt: string;
}

/** Something that one can unsubscribe from; without an id and a name it is all marketing mail. */
export interface SubscriptionType {
  id: string | null;
  name: string | null;
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
  'hs_email_optout',
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
      // Nobody types it: a sync writes what the order system itself calls the customer.
      { namespace: 'customerNumber', value: p.customer_number, verified: true },
      { namespace: 'xUsername', value: p.twitterhandle },
      // Written by what links Messenger to the CRM, never by hand.
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
    marketingOptOut: toFlag(p.hs_email_optout),
    isMarketingContact: p.hs_marketable_status == null ? null : toFlag(p.hs_marketable_status),
    legalBases: p.hs_legal_basis?.split(';').filter((basis) => basis !== '') ?? [],
  };
}

/** HubSpot has street and house number on one line, and the country as somebody wrote it: only a code is one to us. */
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
 * The contact's addresses in lower case, the primary one first. A batch read by e-mail finds a contact by each of them, as
 * clients have seen; the published contract does not tell. It does not say which one it was asked by.
 */
export function emailsOf(properties: CrmObject['properties']): string[] {
  return [properties.email, ...(properties.hs_additional_emails?.split(';') ?? [])].flatMap((email) =>
    email == null || email === '' ? [] : [email.trim().toLowerCase()],
  );
}

/** The ids of the records that were merged into one, with semicolons between. */
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
    employees: toInt(p.numberofemployees),
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
];

export function toDeal({ id, properties: p }: CrmObject): DealRecord {
  // An amount in no known currency is no amount.
  const amount =
    p.amount == null || p.deal_currency_code == null
      ? null
      : { amount: p.amount, currency: p.deal_currency_code };
  return {
    id,
    name: p.dealname ?? null,
    amount,
    stage: p.dealstage ?? null,
    closesAt: p.closedate == null ? null : toDateTime(p.closedate),
    createdAt: p.createdate == null ? '' : toDateTime(p.createdate),
  };
}

export const TICKET_PROPERTIES = [
  'subject',
  'hs_pipeline_stage',
  'hs_ticket_priority',
  'createdate',
  'closed_date',
];

export function toTicket({ id, properties: p }: CrmObject): TicketRecord {
  return {
    id,
    subject: p.subject ?? null,
    stage: p.hs_pipeline_stage ?? null,
    priority: p.hs_ticket_priority ?? null,
    openedAt: p.createdate == null ? null : toDateTime(p.createdate),
    closedAt: p.closed_date == null ? null : toDateTime(p.closed_date),
    createdAt: p.createdate == null ? '' : toDateTime(p.createdate),
  };
}

export const ALL_MARKETING: SubscriptionType = { id: null, name: null };

/** All marketing mail, and what the account has a property for: `hs_email_optout_<id>`, labelled in English. */
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

/** Of the types that the contact's record tells of. Who was never asked has neither opted out nor agreed. */
export function toSubscriptions(
  { properties, propertiesWithHistory }: CrmObjectWithHistory,
  types: readonly SubscriptionType[],
): MarketingSubscription[] {
  return types.flatMap((type) => {
    const property = optOutProperty(type);
    const isOut = toFlag(properties[property]);
    if (isOut === null) return [];
    const changes = (propertiesWithHistory?.[property] ?? []).flatMap(({ timestamp, sourceType }) =>
      timestamp == null ? [] : [{ at: toDateTime(timestamp), source: sourceType ?? null }],
    );
    const [last] = changes.sort((a, b) => b.at.localeCompare(a.at));
    return [
      {
        id: type.id,
        purpose: type.name,
        channel: 'EMAIL',
        status: isOut ? 'OPTED_OUT' : 'NOT_OPTED_OUT',
        source: last?.source ?? null,
        updatedAt: last?.at ?? null,
      },
    ];
  });
}

/** An opt-out of all marketing mail is a withdrawal. Of who has not opted out of all, the CRM does not know more. */
export function toConsents(contact: CrmObjectWithHistory): ConsentStatement[] {
  return toSubscriptions(contact, [ALL_MARKETING])
    .filter(({ status }) => status === 'OPTED_OUT')
    .map(({ updatedAt = null, source }) => ({
      purpose: 'MARKETING',
      channel: 'EMAIL',
      status: 'REVOKED',
      updatedAt,
      evidence: ['hs_email_optout', source].filter((part) => part != null).join(', '),
    }));
}

/** The associated ids, each once, the one that the CRM calls primary first. */
export function toIds(associations: readonly Association[]): string[] {
  const isPrimary = ({ associationTypes }: Association) =>
    associationTypes.some(({ label }) => label === 'Primary');
  const ordered = [...associations.filter(isPrimary), ...associations.filter((one) => !isPrimary(one))];
  return [...new Set(ordered.map(({ toObjectId }) => String(toObjectId)))];
}

/** Without a value nobody ever set it, which is no; a property that the account does not have is not sent. */
function toFlag(text: string | null | undefined): boolean | null {
  return text === undefined ? null : text === 'true';
}

function toInt(text: string | null | undefined): number | null {
  const value = Number(text);
  // An Int has 32 bits.
  return text == null || value !== (value | 0) ? null : value;
}

function toDateTime(text: string): string {
  return parseMoment(text).toISOString();
}
