/**
 * The columns of an event file in their order, with their types. Also each self-describing event and context
 * that the shop tracks has a column, with JSON.
 */
const text =
  'app_id platform event event_id name_tracker v_tracker v_collector v_etl user_id user_ipaddress user_fingerprint domain_userid network_userid geo_country geo_region geo_city geo_zipcode geo_region_name ip_isp ip_organization ip_domain ip_netspeed page_url page_title page_referrer page_urlscheme page_urlhost page_urlpath page_urlquery page_urlfragment refr_urlscheme refr_urlhost refr_urlpath refr_urlquery refr_urlfragment refr_medium refr_source refr_term mkt_medium mkt_source mkt_term mkt_content mkt_campaign se_category se_action se_label se_property useragent os_name os_family os_manufacturer os_timezone base_currency geo_timezone mkt_clickid mkt_network etl_tags refr_domain_userid domain_sessionid event_vendor event_name event_format event_version event_fingerprint'.split(
    ' ',
  );
const moments =
  'etl_tstamp collector_tstamp dvce_created_tstamp dvce_sent_tstamp refr_dvce_tstamp derived_tstamp'.split(
    ' ',
  );
const json = [
  'contexts_com_snowplowanalytics_snowplow_web_page_1_0_0',
  'contexts_com_snowplowanalytics_snowplow_ecommerce_user_1_0_0',
  'contexts_com_snowplowanalytics_snowplow_ecommerce_page_1_0_0',
  'unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1_0_0',
  'contexts_com_snowplowanalytics_snowplow_ecommerce_cart_1_0_0',
  'contexts_com_snowplowanalytics_snowplow_ecommerce_product_1_0_0',
  'contexts_com_snowplowanalytics_snowplow_ecommerce_checkout_step_1_0_0',
  'contexts_com_snowplowanalytics_snowplow_ecommerce_transaction_1_0_0',
  'contexts_com_snowplowanalytics_snowplow_client_session_1_0_1',
  'contexts_com_snowplowanalytics_mobile_screen_1_0_0',
  'unstruct_event_com_google_ga4_enhanced_measurement_view_search_results_1_0_0',
];

export const columns: Readonly<Record<string, string>> = Object.fromEntries<string>([
  ...[...text, ...json].map((name) => [name, 'VARCHAR'] as const),
  ...moments.map((name) => [name, 'TIMESTAMPTZ'] as const),
  ...['txn_id', 'domain_sessionidx', 'page_urlport', 'refr_urlport'].map(
    (name) => [name, 'INTEGER'] as const,
  ),
  ...['geo_latitude', 'geo_longitude', 'se_value'].map((name) => [name, 'DOUBLE'] as const),
]);
