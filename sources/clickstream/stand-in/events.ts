import type { SeedClick, SeedVisit } from '../../stand-ins/seed-clickstream.js';

const site = new URL('https://www.kopjenkan.example');

/** An enriched event. A missing column is null. */
export type EventRow = Readonly<Record<string, string | number | null>>;

export function eventsOfVisit(visit: SeedVisit): EventRow[] {
  return visit.events.map((click, index) => ({
    ...(index === 0 ? referrerOf(visit) : { page_referrer: site.href, refr_medium: 'internal' }),
    ...eventOf(click),
    domain_userid: visit.visitorId,
    domain_sessionid: visit.sessionId,
    domain_sessionidx: visit.sessionIndex,
    useragent: visit.useragent,
  }));
}

function eventOf(click: SeedClick): EventRow {
  const url = new URL(click.page, site);
  const collectedAt = new Date(Date.parse(click.at) + 140).toISOString();
  return {
    app_id: 'kopjenkan',
    platform: 'web',
    etl_tstamp: new Date(Date.parse(click.at) + 1_000).toISOString(),
    collector_tstamp: collectedAt,
    dvce_created_tstamp: click.at,
    derived_tstamp: click.at,
    event: click.kind === 'page_view' ? 'page_view' : 'unstruct',
    event_id: click.id,
    name_tracker: 'ns1',
    v_tracker: 'js-3.24.0',
    v_collector: 'ssc-3.3.0-kafka',
    v_etl: 'snowplow-enrich-kafka-5.0.0',
    user_id: click.userId,
    geo_country: 'NL',
    page_url: url.href,
    page_title: click.title,
    page_urlscheme: 'https',
    page_urlhost: url.host,
    page_urlport: 443,
    page_urlpath: url.pathname,
    page_urlquery: url.search.slice(1) || null,
    ...describe(click),
  };
}

function describe({ kind, product, term, id }: SeedClick): EventRow {
  const page = { contexts_com_snowplowanalytics_snowplow_web_page_1_0_0: JSON.stringify([{ id }]) };
  const named = (vendor: string, name: string) => ({
    ...page,
    event_vendor: vendor,
    event_name: name,
    event_format: 'jsonschema',
    event_version: '1-0-0',
  });
  switch (kind) {
    case 'page_view':
      return named('com.snowplowanalytics.snowplow', 'page_view');
    case 'search':
      return {
        ...named('com.google.ga4.enhanced-measurement', 'view_search_results'),
        unstruct_event_com_google_ga4_enhanced_measurement_view_search_results_1_0_0: JSON.stringify({
          search_term: term,
        }),
      };
    default:
      return {
        ...named('com.snowplowanalytics.snowplow.ecommerce', 'snowplow_ecommerce_action'),
        unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1_0_0:
          JSON.stringify({ type: kind, name: null }),
        contexts_com_snowplowanalytics_snowplow_ecommerce_product_1_0_0: JSON.stringify(
          product === null
            ? []
            : [
                {
                  id: product.sku,
                  name: product.title,
                  category: 'Keuken',
                  price: product.priceCents / 100,
                  currency: 'EUR',
                },
              ],
        ),
      };
  }
}

function referrerOf({ referrer }: SeedVisit): EventRow {
  if (referrer === null) return {};
  return {
    page_referrer: referrer.url,
    refr_medium: referrer.medium,
    refr_source: referrer.source,
    mkt_campaign: referrer.campaign,
  };
}
