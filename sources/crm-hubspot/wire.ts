import { z } from 'zod';

/** What HubSpot CRM sends, as far as we read it: https://developers.hubspot.com/docs/api/crm */

/** A CRM object. All property values are text, also numbers and moments; a property that was not asked for is left out. */
export const crmObject = z.object({
  id: z.string(),
  properties: z.record(z.string(), z.string().nullish()),
});
export type CrmObject = z.infer<typeof crmObject>;

/** A batch read: 200 when all were found, 207 when some were not; those are told in `errors`, which we do not need. */
export const batchRead = z.object({ results: z.array(crmObject) });

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
    }),
  ),
});
export type Association = z.infer<typeof associationsRead>['results'][number]['to'][number];
