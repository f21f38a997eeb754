import { alignMany, defineLoader, InvalidInputError, type FileClient } from '../../src/index.js';
import { toClickEvent, toSeenDevice, type ClickEventRecord } from './mapping.js';
import { aboutPerson, ownEvents, ownParameters, personText, type Person } from './people.js';
import type { Device } from './schema.generated.js';
import { deviceRow, eventRow, visitRow, type VisitRow } from './wire.js';

/** A page of one person's visits or events, newest first. */
export interface Page {
  person: Person;
  /** The maximum number of items. */
  size: number;
  /** The time and id of the last item of the page before. */
  after: { at: string; id: string } | null;
}

export interface VisitPage extends Page {
  /** Only visits that began at this time or later. */
  since: string | null;
}

export interface EventPage extends Page {
  /** Only events with one of these names; null for all. */
  names: readonly string[] | null;
}

const MAX_PAGES_PER_VISIT = 50;
const MAX_DEVICES = 20;
const MAX_EVENT_NAMES = 20;

/** The distinct people of the pages, and the index of each page's person. */
function distinctPeople(pages: readonly Page[]) {
  const indexes = new Map<string, number>();
  const people: Person[] = [];
  const personIndexes = pages.map(({ person }) => {
    const text = personText(person);
    const index = indexes.get(text) ?? people.length;
    if (index === people.length) people.push(person);
    indexes.set(text, index);
    return index;
  });
  return { people, personIndexes };
}

/** Parameters 5 to 9 of a query for pages. */
function pageParameters(pages: readonly Page[], personIndexes: readonly number[]) {
  return [
    [...pages.keys()],
    personIndexes,
    pages.map(({ size }) => size),
    // A text that sorts after every time.
    pages.map(({ after }) => after?.at ?? 'Z'),
    pages.map(({ after }) => after?.id ?? ''),
  ] as const;
}

const REQUESTED = `
  requested AS (
    SELECT unnest($5::INTEGER[]) AS page, unnest($6::INTEGER[]) AS person, unnest($7::INTEGER[]) AS size,
      unnest($8::VARCHAR[]) AS after_at, unnest($9::VARCHAR[]) AS after_id`;

const VISIT_COLUMNS = [
  'page_url',
  'page_title',
  'page_referrer',
  'refr_medium',
  'refr_source',
  'mkt_campaign',
  'useragent',
];

export const visitPages = defineLoader<FileClient, VisitPage, readonly VisitRow[]>({
  name: 'visitPages',
  keyText: ({ person, size, after, since }) =>
    JSON.stringify([personText(person), size, after?.at, after?.id, since]),
  about: ({ person }) => aboutPerson(person),
  load: async (pages, files) => {
    const { people, personIndexes } = distinctPeople(pages);
    const rows = await files.rows(
      visitRow,
      `${ownEvents(VISIT_COLUMNS)},
      visits AS (
        SELECT person, domain_sessionid, min(domain_userid) AS domain_userid, min(happened) AS started, max(happened) AS ended,
          count(*) FILTER (event_name = 'page_view')::INTEGER AS page_views,
          coalesce(list({ page_url: page_url, page_title: page_title, viewed: happened } ORDER BY happened, event_id)
            FILTER (event_name = 'page_view'), [])[1:${MAX_PAGES_PER_VISIT}] AS pages,
          arg_min(useragent, happened) AS useragent,
          first(page_url ORDER BY happened, event_id) AS first_page_url,
          first(page_referrer ORDER BY happened, event_id) AS page_referrer,
          first(refr_medium ORDER BY happened, event_id) AS refr_medium,
          first(refr_source ORDER BY happened, event_id) AS refr_source,
          first(mkt_campaign ORDER BY happened, event_id) AS mkt_campaign,
          bool_or(user_id IS NOT NULL) AS logged_in
        FROM own
        WHERE domain_sessionid IS NOT NULL
        GROUP BY person, domain_sessionid
      ), ${REQUESTED}, unnest($10::VARCHAR[]) AS since)
      SELECT page, visits.* EXCLUDE (person)
      FROM requested JOIN visits USING (person)
      WHERE started >= since AND (started < after_at OR (started = after_at AND domain_sessionid < after_id))
      QUALIFY row_number() OVER (PARTITION BY page ORDER BY started DESC, domain_sessionid DESC) <= size
      ORDER BY page, started DESC, domain_sessionid DESC`,
      [
        ...ownParameters(people),
        ...pageParameters(pages, personIndexes),
        pages.map(({ since }) => since ?? ''),
      ],
    );
    return alignMany([...pages.keys()], rows, {
      source: 'clickstream',
      keyOf: (row) => row.page,
      idOf: (row) => row.domain_sessionid,
    });
  },
});

const EVENT_COLUMNS = [
  'page_url',
  'page_title',
  'unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1_0_0 AS shop_action',
  'contexts_com_snowplowanalytics_snowplow_ecommerce_product_1_0_0 AS products',
  'unstruct_event_com_google_ga4_enhanced_measurement_view_search_results_1_0_0 AS search',
];

export const eventPages = defineLoader<FileClient, EventPage, readonly ClickEventRecord[]>({
  name: 'eventPages',
  keyText: ({ person, size, after, names }) =>
    JSON.stringify([personText(person), size, after?.at, after?.id, names]),
  about: ({ person }) => aboutPerson(person),
  load: async (pages, files) => {
    const { people, personIndexes } = distinctPeople(pages);
    const pageNames = pages.flatMap(({ names }, i) => (names ?? []).map((name) => [i, name] as const));
    const rows = await files.rows(
      eventRow,
      `${ownEvents(EVENT_COLUMNS)},
      named AS (
        SELECT *, coalesce(TRY(json_extract_string(shop_action, '$.type')), event_name, '') AS name FROM own
      ), ${REQUESTED}, unnest($10::INTEGER[]) AS every),
      wanted AS (SELECT unnest($11::INTEGER[]) AS page, unnest($12::VARCHAR[]) AS name)
      SELECT page, event_id, name, happened, domain_sessionid, domain_userid, page_url, page_title, products, search,
        user_id IS NOT NULL AS logged_in
      FROM requested JOIN named USING (person)
      WHERE (happened < after_at OR (happened = after_at AND event_id < after_id))
        AND (every = 1 OR (page, name) IN (SELECT page, name FROM wanted))
      QUALIFY row_number() OVER (PARTITION BY page ORDER BY happened DESC, event_id DESC) <= size
      ORDER BY page, happened DESC, event_id DESC`,
      [
        ...ownParameters(people),
        ...pageParameters(pages, personIndexes),
        pages.map(({ names }) => (names === null ? 1 : 0)),
        pageNames.map(([i]) => i),
        pageNames.map(([, name]) => name),
      ],
    );
    return alignMany([...pages.keys()], rows, {
      source: 'clickstream',
      keyOf: (row) => row.page,
      idOf: (row) => row.event_id,
    }).map((events) => {
      try {
        return events.map(toClickEvent);
      } catch (error) {
        // A malformed cell fails its own customer, not the whole batch.
        if (error instanceof Error) return error;
        throw error;
      }
    });
  },
});

/**
 * The distinct `names` of a field, sorted. Throws InvalidInputError if there are too many, or if one has
 * characters that a file cannot contain. Such a name would also fail other requests in the same batch.
 */
export function toNameFilter(names: readonly string[] | null | undefined): readonly string[] | null {
  if (names == null) return null;
  if (
    names.length <= MAX_EVENT_NAMES &&
    names.every((name) => name.length <= 1_000 && !/[\0\p{Surrogate}]/u.test(name))
  )
    return [...new Set(names)].sort();
  throw new InvalidInputError(`"names" must be at most ${MAX_EVENT_NAMES} names of events.`);
}

export const devicesOf = defineLoader<FileClient, Person, readonly Device[]>({
  name: 'devicesOf',
  keyText: personText,
  about: aboutPerson,
  load: async (people, files) => {
    const rows = await files.rows(
      deviceRow,
      `${ownEvents(['useragent'])}
      SELECT person, domain_userid, min(happened) AS first_seen, max(happened) AS last_seen, arg_max(useragent, happened) AS useragent
      FROM own
      GROUP BY person, domain_userid
      QUALIFY row_number() OVER (PARTITION BY person ORDER BY max(happened) DESC, domain_userid) <= ${MAX_DEVICES}
      ORDER BY person, last_seen DESC, domain_userid`,
      ownParameters(people),
    );
    return alignMany([...people.keys()], rows, {
      source: 'clickstream',
      keyOf: (row) => row.person,
      idOf: (row) => row.domain_userid,
    }).map((devices) => devices.map(toSeenDevice));
  },
});
