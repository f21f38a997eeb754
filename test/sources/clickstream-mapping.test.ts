import { describe, expect, it } from 'vitest';
import { toClickEvent, toSeenDevice, toTimelineItem, toVisit } from '../../sources/clickstream/mapping.js';
import { SourceContractError } from '../../src/errors.js';

const at = '2026-10-01T12:00:00.000000Z';
const event = {
  page: 0,
  event_id: 'e',
  name: 'page_view',
  happened: at,
  domain_sessionid: 's',
  domain_userid: 'd',
  page_url: null,
  page_title: null,
  products: null,
  search: null,
  logged_in: false,
};
const visit = {
  page: 0,
  domain_sessionid: 's',
  domain_userid: 'd',
  started: at,
  ended: at,
  page_views: 1,
  pages: [],
  useragent: null,
  first_page_url: 'https://shop.example/',
  page_referrer: null,
  refr_medium: null,
  refr_source: null,
  mkt_campaign: null,
  logged_in: false,
};

describe('an address in the click log', () => {
  it.each([
    ['a query', 'https://shop.example/mugs?email=jan@example.nl'],
    ['a fragment', 'https://shop.example/mugs#access_token=secret'],
    ['a query and a fragment', 'https://shop.example/mugs?a=1#b'],
    ['a fragment with a question mark', 'https://shop.example/mugs#b?a=1'],
    ['a line break in its query', 'https://shop.example/mugs?a=1\nb=2'],
    ['neither', 'https://shop.example/mugs'],
  ])('is shown without its query and fragment: %s', (_, url) => {
    expect(toClickEvent({ ...event, page_url: url }).pageUrl).toBe('https://shop.example/mugs');
    expect(
      toVisit({ ...visit, pages: [{ page_url: url, page_title: null, viewed: at }] }).pages[0]?.url,
    ).toBe('https://shop.example/mugs');
    expect(toVisit({ ...visit, page_referrer: url.replace('shop', 'other') }).referrer?.url).toBe(
      'https://other.example/mugs',
    );
  });
});

it('a page of another site of the organisation is not a referrer', () => {
  const referrer = { page_referrer: 'https://blog.shop.example/mugs', refr_source: null };
  expect(toVisit({ ...visit, ...referrer, refr_medium: 'internal' }).referrer).toBeNull();
  expect(toVisit({ ...visit, ...referrer, refr_medium: 'search' }).referrer).toEqual({
    url: 'https://blog.shop.example/mugs',
    medium: 'search',
    name: null,
    campaign: null,
  });
});

describe('a price in the click log', () => {
  it.each([
    ['12345678901234567.89', '12345678901234567.89'],
    ['"12345678901234567.89"', '12345678901234567.89'],
    ['1e21', '1000000000000000000000'],
    ['19.95', '19.95'],
  ])('retains each digit of %s', (sent, amount) => {
    const products = `[{ "id": "S1", "name": null, "price": ${sent}, "currency": "EUR" }]`;
    expect(toClickEvent({ ...event, products }).products).toMatchObject([
      { price: { amount, currency: 'EUR' } },
    ]);
  });
});

const moments = ['1', '2', '3'].map((day) => `2026-10-0${day}T12:00:00.123456Z`) as [string, string, string];

it('a visit in the click log has each column in its place', () => {
  const [started, viewed, ended] = moments;
  expect(
    toVisit({
      ...{
        ...visit,
        started,
        ended,
        page_views: 7,
        logged_in: true,
        mkt_campaign: 'spring',
        refr_source: 'Search',
      },
      ...{ page_referrer: 'https://search.example/', refr_medium: 'search' },
      pages: [
        { page_url: 'https://shop.example/b', page_title: 'B', viewed },
        { page_url: null, page_title: null, viewed: started },
      ],
    }),
  ).toEqual({
    ...{ recordId: 's', startedAt: '2026-10-01T12:00:00.123Z', endedAt: '2026-10-03T12:00:00.123Z' },
    ...{ pageCount: 7, isLoggedIn: true },
    pages: [
      { url: 'https://shop.example/b', title: 'B', viewedAt: '2026-10-02T12:00:00.123Z' },
      { url: null, title: null, viewedAt: '2026-10-01T12:00:00.123Z' },
    ],
    device: { visitorId: 'd', kind: 'OTHER', os: null, browser: null, firstSeenAt: null, lastSeenAt: null },
    referrer: { url: 'https://search.example/', medium: 'search', name: 'Search', campaign: 'spring' },
  });
});

it.each<[object, object | null]>([
  [{ mkt_campaign: 'spring' }, { url: null, medium: null, name: null, campaign: 'spring' }],
  [{ page_referrer: 'https://shop.example/other' }, null],
  [
    { page_referrer: 'https://shop.example/other', refr_medium: 'unknown', mkt_campaign: 'spring' },
    { url: null, medium: null, name: null, campaign: 'spring' },
  ],
  [
    { page_referrer: 'https://shop.example:8443/', refr_medium: 'unknown' },
    { url: 'https://shop.example:8443/', medium: 'unknown', name: null, campaign: null },
  ],
  [{ page_referrer: null, first_page_url: null }, null],
  [{ page_referrer: 'no address', first_page_url: 'no address' }, null],
])('a visit with %j has the referrer %j', (more, referrer) => {
  expect(toVisit({ ...visit, ...more }).referrer).toEqual(referrer);
});

it.each([
  [0, 'Visit of 0 pages'],
  [1, 'Visit of 1 page'],
  [2, 'Visit of 2 pages'],
])('a visit of %i pages is on the timeline', (page_views, title) => {
  expect(toTimelineItem({ ...visit, page_views })).toEqual({ kind: 'VISIT', at, id: 's', title });
});

it('an event in the click log has each column in its place', () => {
  expect(
    toClickEvent({
      ...{
        ...event,
        happened: moments[0],
        page_url: 'https://shop.example/b',
        page_title: 'B',
        logged_in: true,
      },
      products:
        '[{"id":"S1","price":"1","currency":"USD"},{"id":"S2","name":"Mug","price":2,"currency":"EUR"}]',
      search: '{"search_term":"mugs"}',
    }),
  ).toEqual({
    ...{ recordId: 'e', name: 'page_view', at: moments[0], happenedAt: '2026-10-01T12:00:00.123Z' },
    ...{ visitId: 's', visitorId: 'd', pageUrl: 'https://shop.example/b', pageTitle: 'B' },
    products: [
      { sku: 'S1', name: null, price: { amount: '1', currency: 'USD' } },
      { sku: 'S2', name: 'Mug', price: { amount: '2', currency: 'EUR' } },
    ],
    ...{ searchTerm: 'mugs', isLoggedIn: true },
  });
  expect(toClickEvent({ ...event, domain_sessionid: null })).toMatchObject({
    ...{ visitId: null, pageUrl: null, pageTitle: null, products: [], searchTerm: null },
  });
});

it.each(['', 'null', '[]'])('a cell of %j in the click log has no value', (cell) => {
  expect(toClickEvent({ ...event, products: cell, search: cell })).toMatchObject({
    ...{ products: [], searchTerm: null },
  });
  expect(toClickEvent({ ...event, search: '{"search_term":null}' }).searchTerm).toBeNull();
});

it.each([
  ['{', '{'],
  ['{}', '"mugs"'],
  ['[{"id":"S1"}]', '[{"search_term":"mugs"}]'],
])('the cells %j and %j of another shape are refused, and named', (products, search) => {
  expect(() => toClickEvent({ ...event, products })).toThrow(SourceContractError);
  expect(() => toClickEvent({ ...event, products })).toThrow(/at: products/);
  expect(() => toClickEvent({ ...event, search })).toThrow(/at: search/);
});

describe('the device of a user agent', () => {
  const webkit = 'AppleWebKit/537.36 (KHTML, like Gecko)';
  it.each<[string | null, string, string | null, string | null]>([
    [null, 'OTHER', null, null],
    ['curl/8', 'OTHER', null, null],
    [`Mozilla/5.0 (Windows NT 10.0; Win64) ${webkit} Chrome/1 Safari/1 Edg/1`, 'DESKTOP', 'Windows', 'Edge'],
    [`Mozilla/5.0 (Windows NT 10.0) ${webkit} Chrome/1 Safari/1 OPR/1`, 'DESKTOP', 'Windows', 'Opera'],
    [`Mozilla/5.0 (Windows NT 10.0) ${webkit} Chrome/1 Safari/1`, 'DESKTOP', 'Windows', 'Chrome'],
    [`Mozilla/5.0 (X11; CrOS x86_64) ${webkit} Chrome/1 Safari/1`, 'DESKTOP', 'ChromeOS', 'Chrome'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:1) Gecko/1 Firefox/1', 'DESKTOP', 'Linux', 'Firefox'],
    [`Mozilla/5.0 (Macintosh; Intel Mac OS X 1) ${webkit} Version/1 Safari/1`, 'DESKTOP', 'macOS', 'Safari'],
    [`Mozilla/5.0 (Linux; Android 1) ${webkit} Chrome/1 Mobile Safari/1`, 'MOBILE', 'Android', 'Chrome'],
    [`Mozilla/5.0 (Linux; Android 1) ${webkit} Chrome/1 Safari/1`, 'TABLET', 'Android', 'Chrome'],
    [
      `Mozilla/5.0 (Linux; Android 1) ${webkit} SamsungBrowser/1 Chrome/1 Mobile Safari/1`,
      ...(['MOBILE', 'Android', 'Samsung Internet'] as const),
    ],
    [
      `Mozilla/5.0 (iPhone; CPU iPhone OS 1 like Mac OS X) ${webkit} CriOS/1 Mobile/1 Safari/1`,
      ...(['MOBILE', 'iOS', 'Chrome'] as const),
    ],
    [
      `Mozilla/5.0 (iPhone; CPU iPhone OS 1 like Mac OS X) ${webkit} FxiOS/1 Mobile/1 Safari/1`,
      ...(['MOBILE', 'iOS', 'Firefox'] as const),
    ],
    [
      `Mozilla/5.0 (iPad; CPU OS 1 like Mac OS X) ${webkit} Version/1 Mobile/1 Safari/1`,
      ...(['TABLET', 'iOS', 'Safari'] as const),
    ],
    [`Mozilla/5.0 (iPhone; like Mac OS X) ${webkit} EdgiOS/1 Version/1 Safari/1`, 'MOBILE', 'iOS', 'Edge'],
    [`Mozilla/5.0 (Linux; Android 1) ${webkit} Chrome/1 Mobile EdgA/1`, 'MOBILE', 'Android', 'Edge'],
  ])('%j is %s with %j and %j', (useragent, kind, os, browser) => {
    const seen = { person: 0, domain_userid: 'd', first_seen: moments[0], last_seen: moments[1], useragent };
    const device = { visitorId: 'd', kind, os, browser };
    expect(toVisit({ ...visit, useragent }).device).toMatchObject(device);
    expect(toSeenDevice(seen)).toEqual({
      ...device,
      firstSeenAt: '2026-10-01T12:00:00.123Z',
      lastSeenAt: '2026-10-02T12:00:00.123Z',
    });
  });
});
