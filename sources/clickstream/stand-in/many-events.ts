import { DuckDBInstance } from '@duckdb/node-api';
import { columns } from './columns.js';

export interface ManyEvents {
  /** The number of events, in visits of eight. */
  events: number;
  /** The number of days with events. */
  days: number;
}

const eventsPerVisit = 8;

/** Returns the number of customers in the log. Each has one device, and a number such as K000042. */
export function customersOf({ events }: ManyEvents): number {
  return Math.max(1, Math.floor(events / 40));
}

/**
 * Writes a click log of any size to a folder that does not exist yet. The events have the order of collection, as a loader
 * writes them, and are not held in the memory of this process. The same options give the same events. One in three visits logs
 * in.
 */
export async function writeManyEvents(folder: string, many: ManyEvents): Promise<void> {
  const expressions: Record<string, string> = {
    app_id: "'kopjenkan'",
    platform: "'web'",
    event: "CASE WHEN step < 7 THEN 'page_view' ELSE 'unstruct' END",
    event_name: "CASE WHEN step < 7 THEN 'page_view' ELSE 'snowplow_ecommerce_action' END",
    event_id: "md5('event' || visit || '/' || step)",
    collector_tstamp: 'collected',
    derived_tstamp: 'collected',
    user_id: "CASE WHEN chance % 3 = 0 AND step > 1 THEN 'K' || lpad(customer::VARCHAR, 6, '0') END",
    domain_userid: "md5('device' || customer)",
    domain_sessionid: "md5('visit' || visit)",
    domain_sessionidx: '1',
    page_url: "'https://www.kopjenkan.example/p/' || product || '?utm_source=x'",
    page_title: "'Product ' || product",
    page_referrer:
      "CASE WHEN step = 0 THEN 'https://www.google.nl/' ELSE 'https://www.kopjenkan.example/' END",
    refr_medium: "CASE WHEN step = 0 THEN 'search' ELSE 'internal' END",
    useragent:
      "'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/' || 100 + chance % 41 || '.0.0.0 Safari/537.36'",
    contexts_com_snowplowanalytics_snowplow_web_page_1_0_0: `'[{"id":"' || md5('page' || visit || '/' || step) || '"}]'`,
    unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1_0_0:
      'CASE WHEN step = 7 THEN \'{"type":"product_view","name":null}\' END',
    contexts_com_snowplowanalytics_snowplow_ecommerce_product_1_0_0:
      'CASE WHEN step < 7 THEN \'[]\' ELSE \'[{"id":"SKU-\' || product || \'","category":"Keuken","price":12.5,"currency":"EUR"}]\' END',
  };
  const selected = Object.entries(columns).map(
    ([name, type]) => `(${expressions[name] ?? 'NULL'})::${type} AS "${name}"`,
  );
  const database = await DuckDBInstance.create(':memory:', { threads: '2' });
  try {
    const connection = await database.connect();
    // Each day has a separate query, because one query would hold an open file for each day.
    for (let day = 0; day < many.days; day += 1)
      await connection.run(`
        COPY (
          WITH visits AS (
            SELECT range AS visit, hash(range) AS chance, hash(range * 31) % ${customersOf(many)} AS customer
            FROM range(${day}, ${Math.floor(many.events / eventsPerVisit)}, ${many.days})
          ), steps AS (
            SELECT *, hash(visit * 8 + step) % 500 AS product,
              TIMESTAMPTZ '2026-11-01 00:00:00+00' - to_days(${day}) + to_seconds((chance % 80000 + step * 37)::INTEGER)
                AS collected
            FROM visits, range(${eventsPerVisit}) AS steps(step)
          )
          SELECT ${selected.join(', ')}, strftime(collected AT TIME ZONE 'UTC', '%Y-%m-%d') AS collector_date
          FROM steps ORDER BY collected
        ) TO '${folder}' (FORMAT parquet, PARTITION_BY (collector_date), APPEND)`);
    connection.closeSync();
  } finally {
    database.closeSync();
  }
}
