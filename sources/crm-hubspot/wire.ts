import { z } from 'zod';
import { plainDecimal } from '../../src/index.js';

/** Schemas of the parts of HubSpot's responses that are read: https://developers.hubspot.com/docs/api/crm */

/**
 * The versions in use, which are tested. They are not settings: HubSpot's later, dated versions have other paths
 * (`/crm/objects/2026-03/...`), and possibly other answers.
 */
export const OBJECTS_API = '/crm/v3/objects';
export const ASSOCIATIONS_API = '/crm/v4/associations';
export const PROPERTIES_API = '/crm/v3/properties';

/** A property's value: a text, also for numbers and times. A cleared property is an empty text. */
const value = z
  .string()
  .nullish()
  .transform((text) => (text === '' ? null : text));

/** HubSpot writes times as ISO 8601, and those of older properties as milliseconds since 1970. */
const moment = value.refine((text) => text == null || !Number.isNaN(parseMoment(text).valueOf()));

export function parseMoment(text: string): Date {
  return new Date(/^\d+$/.test(text) ? Number(text) : text);
}

/** A number with all its digits, even if HubSpot writes it with an exponent. */
const amount = value.transform((text, context) => {
  if (text == null) return text;
  const plain = plainDecimal(text);
  if (plain === null) context.addIssue('not a decimal number');
  return plain;
});

/** A CRM object. A property that was not requested is left out. */
const crmObject = z.object({
  id: z.string(),
  properties: z
    .object({
      amount,
      closed_date: moment,
      closedate: moment,
      createdate: moment,
      lastmodifieddate: moment,
    })
    .catchall(value),
});
export type CrmObject = z.infer<typeof crmObject>;

/**
 * A batch read. Status 200 if all records were found, 207 if some were not. The missing ones are in `errors`,
 * which is not read.
 */
export const batchRead = z.object({ results: z.array(crmObject) });

/** A CRM object with the history of its properties. A property that was never set has no history. */
const crmObjectWithHistory = crmObject.extend({
  propertiesWithHistory: z
    .record(z.string(), z.array(z.object({ timestamp: moment, sourceType: value })))
    .nullish(),
});
export type CrmObjectWithHistory = z.infer<typeof crmObjectWithHistory>;
export const historyRead = z.object({ results: z.array(crmObjectWithHistory) });

/** The properties of an account, including custom ones. */
const property = z.object({ name: z.string(), label: z.string() });
export type Property = z.infer<typeof property>;
export const propertiesRead = z.object({ results: z.array(property) });

export const searchPage = z.object({
  total: z.int().min(0).nullish(),
  results: z.array(crmObject),
  paging: z.object({ next: z.object({ after: z.string() }).nullish() }).nullish(),
});

export const associationsRead = z.object({
  results: z.array(
    z.object({
      from: z.object({ id: z.string() }),
      to: z.array(
        z.object({
          toObjectId: z.union([z.int(), z.string()]),
          associationTypes: z.array(z.object({ label: z.string().nullish() })),
        }),
      ),
      paging: z.object({ next: z.object({ after: z.string() }).nullish() }).nullish(),
    }),
  ),
});
export type AssociationsOf = z.infer<typeof associationsRead>['results'][number];
export type Association = AssociationsOf['to'][number];
