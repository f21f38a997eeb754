import { mismatchesOf, parseExactJson, SourceContractError, type TimelineItem } from '../../src/index.js';
import type { z } from 'zod';
import type { Device, DeviceKind, Referrer, VisitedPage } from './schema.generated.js';
import { productsCell, searchCell, type DeviceRow, type EventRow, type VisitRow } from './wire.js';

export interface VisitRecord {
  recordId: string;
  startedAt: string;
  endedAt: string;
  pageCount: number;
  pages: VisitedPage[];
  device: Device;
  referrer: Referrer | null;
  isLoggedIn: boolean;
}

export interface ClickedProductRecord {
  sku: string;
  name: string | null;
  price: { amount: string; currency: string };
}

export interface ClickEventRecord {
  recordId: string;
  name: string;
  /** The time in microseconds, for cursors. */
  at: string;
  happenedAt: string;
  visitId: string | null;
  visitorId: string;
  pageUrl: string | null;
  pageTitle: string | null;
  products: ClickedProductRecord[];
  searchTerm: string | null;
  isLoggedIn: boolean;
}

/** Truncates a time to the milliseconds of a DateTime. */
function toDateTime(moment: string): string {
  return `${moment.slice(0, 23)}Z`;
}

export function toVisit(row: VisitRow): VisitRecord {
  return {
    recordId: row.domain_sessionid,
    startedAt: toDateTime(row.started),
    endedAt: toDateTime(row.ended),
    pageCount: row.page_views,
    pages: row.pages.map(({ page_url, page_title, viewed }) => ({
      url: withoutQuery(page_url),
      title: page_title,
      viewedAt: toDateTime(viewed),
    })),
    device: toDevice(row.domain_userid, row.useragent),
    referrer: toReferrer(row),
    isLoggedIn: row.logged_in,
  };
}

export function toTimelineItem(row: VisitRow): TimelineItem {
  const pages = row.page_views === 1 ? '1 page' : `${row.page_views} pages`;
  return { kind: 'VISIT', at: row.started, id: row.domain_sessionid, title: `Visit of ${pages}` };
}

/** Throws SourceContractError for a cell that does not fit its schema. */
export function toClickEvent(row: EventRow): ClickEventRecord {
  return {
    recordId: row.event_id,
    name: row.name,
    at: row.happened,
    happenedAt: toDateTime(row.happened),
    visitId: row.domain_sessionid,
    visitorId: row.domain_userid,
    pageUrl: withoutQuery(row.page_url),
    pageTitle: row.page_title,
    products: (readCell(productsCell, row.products, 'products') ?? []).map(
      ({ id, name = null, price, currency }) => ({
        sku: id,
        name,
        price: { amount: price, currency },
      }),
    ),
    searchTerm: readCell(searchCell, row.search, 'search')?.search_term ?? null,
    isLoggedIn: row.logged_in,
  };
}

export function toSeenDevice(row: DeviceRow): Device {
  return {
    ...toDevice(row.domain_userid, row.useragent),
    firstSeenAt: toDateTime(row.first_seen),
    lastSeenAt: toDateTime(row.last_seen),
  };
}

function readCell<T>(schema: z.ZodType<T>, text: string | null, name: string): T | null {
  // Without a value, Snowplow's loaders leave the cell empty, or write null or an empty list.
  if (text === null || text === '') return null;
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch {
    value = undefined;
  }
  if (value === null || (Array.isArray(value) && value.length === 0)) return null;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const mismatches = mismatchesOf(
    result.error.issues.map((issue) => ({ ...issue, path: [name, ...issue.path] })),
  );
  throw new SourceContractError(
    'clickstream',
    `clickstream sent a cell that does not fit its schema, at: ${mismatches.map(({ path }) => path).join(', ')}.`,
    { received: { mismatches } },
  );
}

/** Removes query and fragment, which may hold tokens, addresses and form data. */
function withoutQuery(url: string | null): string | null {
  return url?.replace(/[?#][^]*$/, '') ?? null;
}

function toReferrer(row: VisitRow): Referrer | null {
  const { page_referrer, refr_medium: medium, refr_source: name, mkt_campaign: campaign } = row;
  const isInternal = medium === 'internal' || hostOf(page_referrer) === hostOf(row.first_page_url);
  const url = isInternal ? null : withoutQuery(page_referrer);
  return (url ?? campaign) === null ? null : { url, medium: isInternal ? null : medium, name, campaign };
}

function hostOf(url: string | null): string | null {
  return url !== null && URL.canParse(url) ? new URL(url).host : null;
}

/** The most specific patterns first: a user agent also names the browsers that it is compatible with. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdgA?(iOS)?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/\b(Chrome|CriOS)\//, 'Chrome'],
  [/\bVersion\/.*\bSafari\//, 'Safari'],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\b(iPhone|iPad|iPod)\b/, 'iOS'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows NT\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];
const KINDS: readonly (readonly [RegExp, DeviceKind])[] = [
  [/\biPad\b|\bTablet\b|\bAndroid\b(?!.*\bMobile\b)/, 'TABLET'],
  [/\b(Mobile|iPhone|iPod)\b/, 'MOBILE'],
  [/\b(Windows NT|Mac OS X|CrOS|X11)\b/, 'DESKTOP'],
];

function toDevice(visitorId: string, useragent: string | null): Device {
  const firstMatch = <T>(patterns: readonly (readonly [RegExp, T])[]): T | undefined =>
    patterns.find(([pattern]) => pattern.test(useragent ?? ''))?.[1];
  return {
    visitorId,
    kind: firstMatch(KINDS) ?? 'OTHER',
    os: firstMatch(SYSTEMS) ?? null,
    browser: firstMatch(BROWSERS) ?? null,
    firstSeenAt: null,
    lastSeenAt: null,
  };
}
