import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import formats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { columns } from '../../sources/clickstream/stand-in/columns.js';
import { eventsOfVisit, type EventRow } from '../../sources/clickstream/stand-in/events.js';
import { OPTIONAL_COLUMNS } from '../../sources/clickstream/wire.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { contractFile } from './openapi.js';

const events: EventRow[] = createWorld({ customers: 200 })
  .people.flatMap(({ clickstream }) => clickstream?.visits ?? [])
  .flatMap(eventsOfVisit);

/** A JSON schema from Iglu, without keywords that only Snowplow's validator knows. */
function schema(...path: string[]): ValidateFunction {
  const published = JSON.parse(readFileSync(contractFile('snowplow', 'iglu', ...path), 'utf8')) as Record<
    string,
    unknown
  >;
  delete published.$schema;
  delete published.self;
  const ajv = new Ajv({ strict: false, multipleOfPrecision: 6 });
  formats.default(ajv);
  return ajv.compile(published);
}

/** The schema of the cells of each column, and whether a cell is a list. */
const cells: Record<string, { path: string[]; isList: boolean }> = {
  contexts_com_snowplowanalytics_snowplow_web_page_1_0_0: {
    path: ['com.snowplowanalytics.snowplow', 'web_page', '1-0-0.json'],
    isList: true,
  },
  unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1_0_0: {
    path: ['com.snowplowanalytics.snowplow.ecommerce', 'snowplow_ecommerce_action', '1-0-0.json'],
    isList: false,
  },
  contexts_com_snowplowanalytics_snowplow_ecommerce_product_1_0_0: {
    path: ['com.snowplowanalytics.snowplow.ecommerce', 'product', '1-0-0.json'],
    isList: true,
  },
  unstruct_event_com_google_ga4_enhanced_measurement_view_search_results_1_0_0: {
    path: ['com.google.ga4.enhanced-measurement', 'view_search_results', '1-0-0.json'],
    isList: false,
  },
};

describe('the click log against its contract', () => {
  test('every event matches the atomic schema', () => {
    const fits = schema('com.snowplowanalytics.snowplow', 'atomic', '1-0-0.json');
    const atomic = (event: EventRow) =>
      Object.fromEntries(Object.entries(event).filter(([name]) => !(name in cells)));
    expect(events.length).toBeGreaterThan(1_000);
    expect(events.filter((event) => !fits(atomic(event)))).toEqual([]);
  });

  test.each(Object.entries(cells))('every cell of %s matches its schema', (column, { path, isList }) => {
    const fits = schema(...path);
    const found = events.flatMap((event) => {
      const cell = event[column];
      if (cell == null) return [];
      const value: unknown = JSON.parse(String(cell));
      return isList ? value : [value];
    });
    expect(found.length).toBeGreaterThan(100);
    expect(found.filter((item) => !fits(item))).toEqual([]);
  });

  test('its columns are those of the recorded log, and one for searches on the site', () => {
    const recorded = readFileSync(
      contractFile('snowplow', 'clickstream-sample', 'snowplow_ecommerce_events.csv'),
      'utf8',
    );
    const header = (recorded.split('\n')[0] ?? '').trim().split(',');
    const search = 'unstruct_event_com_google_ga4_enhanced_measurement_view_search_results_1_0_0';
    expect(Object.keys(columns).toSorted()).toEqual([...header, search].toSorted());
    expect(OPTIONAL_COLUMNS.filter((column) => !(column in columns))).toEqual([]);
  });
});
