import { describe, expect, it } from 'vitest';
import { toClickEvent, toVisit } from '../../sources/clickstream/mapping.js';

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

it('a page of another of our own sites is no referrer', () => {
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
  ])('loses no digit of %s', (sent, amount) => {
    const products = `[{ "id": "S1", "name": null, "price": ${sent}, "currency": "EUR" }]`;
    expect(toClickEvent({ ...event, products }).products).toMatchObject([
      { price: { amount, currency: 'EUR' } },
    ]);
  });
});
