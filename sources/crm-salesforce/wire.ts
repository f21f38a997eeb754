import { z } from 'zod';
import { decimalText } from '../../src/index.js';

/**
 * Schemas of the parts of Salesforce's responses that are read:
 * https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/
 */

/** The API version in use. Salesforce supports each version for years, and the answers of a version do not change. */
export const API = '/services/data/v62.0';

/** A field without a value is null; a field that was not requested is left out. */
const text = z
  .string()
  .nullish()
  .transform((value) => (value === undefined || value === '' ? null : value));

/** Salesforce writes the offset without a colon: `2011-07-07T00:37:00.000+0000`. */
const moment = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)$/)
  .transform((value) => new Date(value.replace(/([+-]\d\d)(\d\d)$/, '$1:$2')))
  .refine((date) => !Number.isNaN(date.valueOf()))
  .transform((date) => date.toISOString());

const date = z.iso.date().nullish();

export const id = z.string().regex(/^[A-Za-z0-9]{15}([A-Z0-5]{3})?$/);

const contact = z.object({
  Id: id,
  AccountId: id.nullish(),
  Name: text,
  LastName: text,
  Email: text,
  Phone: text,
  MobilePhone: text,
  HomePhone: text,
  Birthdate: date,
  MailingStreet: text,
  MailingPostalCode: text,
  MailingCity: text,
  MailingCountry: text,
  HasOptedOutOfEmail: z.boolean(),
  DoNotCall: z.boolean(),
  LastModifiedDate: moment,
  customerNumber: text,
});
export type Contact = z.infer<typeof contact>;
/** The fields of each contact. The customer number has another name in each organisation. */
export const CONTACT_FIELDS = Object.keys(contact.omit({ customerNumber: true }).shape);

/** The opt-outs of a contact. */
export const optOuts = contact.pick({ Id: true, HasOptedOutOfEmail: true, DoNotCall: true });
export type OptOuts = z.infer<typeof optOuts>;

/** An organisation may have a custom field for the customer number, with any name. */
export function contactWith(customerNumberField: string | undefined): z.ZodType<Contact> {
  return z.preprocess(
    (value) =>
      customerNumberField === undefined || typeof value !== 'object' || value === null
        ? value
        : { ...value, customerNumber: (value as Record<string, unknown>)[customerNumberField] },
    contact,
  );
}

export const account = z.object({
  Id: id,
  Name: text,
  Type: text,
  Industry: text,
  Website: text,
  BillingCity: text,
  NumberOfEmployees: z.int32().nullish(),
});
export type Account = z.infer<typeof account>;

/** A page of records, or of the children of one record. */
const pageOf = <T extends z.ZodType>(record: T) =>
  z.object({ done: z.boolean(), nextRecordsUrl: z.string().nullish(), records: z.array(record) });
export interface Page<T> {
  done: boolean;
  nextRecordsUrl?: string | null | undefined;
  records: T[];
}
export const queryPage = pageOf;

/** The answer to a query of `COUNT()` has no records. */
export const countPage = z.object({ totalSize: z.int().min(0) });
export const onlyId = z.object({ Id: id });

const opportunity = z.object({
  Id: id,
  Name: text,
  Amount: decimalText.nullish(),
  /** Only in an organisation with several currencies. */
  CurrencyIsoCode: text,
  StageName: text,
  CloseDate: date,
  IsClosed: z.boolean(),
  IsWon: z.boolean(),
  CreatedDate: moment,
});
export const OPPORTUNITY_FIELDS = Object.keys(opportunity.omit({ CurrencyIsoCode: true }).shape);

/** The opportunity is null if the user may not see it. */
export const opportunityRole = z.object({
  Id: id,
  ContactId: id,
  Role: text,
  Opportunity: opportunity.nullish(),
});
export type OpportunityRole = z.infer<typeof opportunityRole>;

export const supportCase = z.object({
  Id: id,
  ContactId: id,
  CaseNumber: text,
  Subject: text,
  Status: text,
  Priority: text,
  Origin: text,
  IsClosed: z.boolean(),
  CreatedDate: moment,
  ClosedDate: moment.nullish(),
  LastModifiedDate: moment.nullish(),
});
export type SupportCase = z.infer<typeof supportCase>;

export const campaignMember = z.object({
  Id: id,
  ContactId: id,
  Status: text,
  HasResponded: z.boolean(),
  FirstRespondedDate: date,
  CreatedDate: moment,
  Campaign: z.object({ Name: text, Type: text }).nullish(),
});
export type CampaignMember = z.infer<typeof campaignMember>;
export const CAMPAIGN_FIELDS = [
  ...Object.keys(campaignMember.omit({ Campaign: true }).shape),
  ...['Campaign.Name', 'Campaign.Type'],
];

/** The answers of several calls. A successful query has a page; a failed query has a list of errors. */
export const compositeOf = <T extends z.ZodType>(record: T) =>
  z.object({
    compositeResponse: z.array(
      z.union([
        z.object({ referenceId: z.string(), httpStatusCode: z.literal(200), body: pageOf(record) }),
        z.object({ referenceId: z.string(), httpStatusCode: z.int().min(300), body: z.unknown() }),
      ]),
    ),
  });

const errors = z.array(z.object({ errorCode: z.string() }));

/** The codes of a list of errors. Empty for any other value. */
export function errorCodesIn(body: unknown): string[] {
  return errors.safeParse(body).data?.map(({ errorCode }) => errorCode) ?? [];
}

/** The kind of an error by its code, if the code is more specific than the status or contradicts it. */
export function errorKindOf(status: number, body: unknown): 'rate-limited' | 'unavailable' | undefined {
  const codes = errorCodesIn(body);
  // Its status is 403, as for a forbidden call, but calls are accepted again later.
  if (codes.includes('REQUEST_LIMIT_EXCEEDED')) return 'rate-limited';
  if (status < 500 && codes.some((code) => code === 'QUERY_TIMEOUT' || code === 'SERVER_UNAVAILABLE'))
    return 'unavailable';
  return undefined;
}
