import type { CompanyRecord, CustomerRecord } from '../../src/index.js';
import type { Deal } from './schema.generated.js';
import { parseMoment, type Association, type CrmObject } from './wire.js';

/** What the CRM knows of a contact, beyond who it is. */
export interface ContactRecord extends CustomerRecord {
  jobTitle: string | null;
  lifecycleStage: string | null;
}

/** What the CRM knows of a company. */
export interface CrmCompany extends CompanyRecord {
  name: string | null;
  domain: string | null;
  city: string | null;
  industry: string | null;
  employees: number | null;
}

export interface DealRecord extends Deal {
  createdAt: string;
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

export function toCompany({ properties: p }: CrmObject): CrmCompany {
  return {
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

/** The associated ids, the one that the CRM calls primary first. */
export function toIds(associations: readonly Association[]): string[] {
  const isPrimary = ({ associationTypes }: Association) =>
    associationTypes.some(({ label }) => label === 'Primary');
  return [...associations.filter(isPrimary), ...associations.filter((one) => !isPrimary(one))].map(
    ({ toObjectId }) => String(toObjectId),
  );
}

function toInt(text: string | null | undefined): number | null {
  const value = Number(text);
  // An Int has 32 bits.
  return text == null || value !== (value | 0) ? null : value;
}

function toDateTime(text: string): string {
  return parseMoment(text).toISOString();
}
