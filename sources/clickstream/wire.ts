import { z } from 'zod';
import { decimalText } from '../../src/index.js';

/**
 * The columns of Snowplow's files that are read. They have the names of its canonical event:
 * https://docs.snowplow.io/docs/fundamentals/canonical-event/ . Self-describing events and contexts are JSON as text, in a
 * column named after their schema.
 */

/** Columns that exist only with certain trackers and enrichments. */
export const OPTIONAL_COLUMNS = [
  'derived_tstamp',
  'page_title',
  'page_referrer',
  'refr_medium',
  'refr_source',
  'mkt_campaign',
  'useragent',
  'unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1_0_0',
  'contexts_com_snowplowanalytics_snowplow_ecommerce_product_1_0_0',
  'unstruct_event_com_google_ga4_enhanced_measurement_view_search_results_1_0_0',
] as const;

/** A time in the format of the queries: in UTC, with microseconds. */
const moment = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);

export const visitRow = z.object({
  /** The index of the requested page. */
  page: z.number(),
  domain_sessionid: z.string(),
  domain_userid: z.string(),
  started: moment,
  ended: moment,
  page_views: z.number(),
  pages: z.array(
    z.object({ page_url: z.string().nullable(), page_title: z.string().nullable(), viewed: moment }),
  ),
  useragent: z.string().nullable(),
  first_page_url: z.string().nullable(),
  page_referrer: z.string().nullable(),
  refr_medium: z.string().nullable(),
  refr_source: z.string().nullable(),
  mkt_campaign: z.string().nullable(),
  logged_in: z.boolean(),
});
export type VisitRow = z.infer<typeof visitRow>;

export const eventRow = z.object({
  page: z.number(),
  event_id: z.string(),
  name: z.string(),
  happened: moment,
  domain_sessionid: z.string().nullable(),
  domain_userid: z.string(),
  page_url: z.string().nullable(),
  page_title: z.string().nullable(),
  products: z.string().nullable(),
  search: z.string().nullable(),
  logged_in: z.boolean(),
});
export type EventRow = z.infer<typeof eventRow>;

export const deviceRow = z.object({
  person: z.number(),
  domain_userid: z.string(),
  first_seen: moment,
  last_seen: moment,
  useragent: z.string().nullable(),
});
export type DeviceRow = z.infer<typeof deviceRow>;

/**
 * The cell of com.snowplowanalytics.snowplow.ecommerce/product/jsonschema/1-0-0. A price is text in a CSV file, or if the loader
 * wrote decimals as text.
 */
export const productsCell = z.array(
  z.object({ id: z.string(), name: z.string().nullish(), price: decimalText, currency: z.string() }),
);

/** The cell of com.google.ga4.enhanced-measurement/view_search_results/jsonschema/1-0-0. */
export const searchCell = z.object({ search_term: z.string().nullish() });
