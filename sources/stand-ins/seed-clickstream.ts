import { createRandom } from './random.js';
import { before, dayMs, minuteMs, worldNow } from './seed-time.js';
import type { SeedProduct } from './world.js';

/** A person's part of the click log: visits to the shop's site, newest last. */
export interface ClickstreamPart {
  visits: SeedVisit[];
}

export interface SeedVisit {
  sessionId: string;
  /** The number of the visit among those of the device. */
  sessionIndex: number;
  visitorId: string;
  useragent: string;
  /** The referrer of the first page. */
  referrer: { url: string; medium: string; source: string; campaign: string | null } | null;
  events: SeedClick[];
}

export interface SeedClick {
  id: string;
  /** ISO date-time with Z and milliseconds. */
  at: string;
  /** The number of the customer who is logged in. Null without a login. */
  userId: string | null;
  kind: 'page_view' | 'product_view' | 'add_to_cart' | 'search';
  /** Path and query. */
  page: string;
  title: string;
  product: Pick<SeedProduct, 'sku' | 'title' | 'priceCents'> | null;
  term: string | null;
}

const useragents = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36',
  'Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0',
];
const referrers: SeedVisit['referrer'][] = [
  null,
  null,
  { url: 'https://www.google.nl/', medium: 'search', source: 'Google', campaign: null },
  { url: 'https://duckduckgo.com/', medium: 'search', source: 'DuckDuckGo', campaign: null },
  { url: 'https://l.instagram.com/?u=secret', medium: 'social', source: 'Instagram', campaign: 'herfst' },
];
const terms = ['koffiemolen', 'theepot', 'waterkoker', 'mok blauw', 'filter nr 4', 'cadeau voor oma'];

const retentionDays = 40;

export function createClickstreamPart(
  place: number,
  products: readonly SeedProduct[],
  {
    customerNumber,
    devices,
    isRich,
  }: { customerNumber: string | undefined; devices: readonly string[]; isRich: boolean },
): ClickstreamPart {
  const random = createRandom('clickstream', place);
  const usedDevices = devices.length > 0 ? devices : [deviceId(place)];
  const count = isRich ? 5 : Math.max(usedDevices.length + 1, random.integer(1, 4));
  const starts = Array.from({ length: count }, (_, index) =>
    // The newest visits are in the last days, so that every setting of the days to read shows each customer.
    before(
      worldNow,
      (index < usedDevices.length ? random.fraction() * 6 : random.fraction() * retentionDays) * dayMs,
    ),
  ).sort();
  return {
    visits: starts.map((startedAt, index) => {
      const number = place * 16 + index;
      let clicks: SeedClick[] | undefined;
      return {
        sessionId: uuid('5e551000', number),
        sessionIndex: 1 + Math.floor(index / usedDevices.length),
        visitorId: usedDevices[index % usedDevices.length] ?? '',
        useragent: useragents[(place + (index % usedDevices.length)) % useragents.length] ?? '',
        referrer: random.pick(referrers),
        // Events are generated when they are read, because most of a large world's events are never read.
        get events() {
          return (clicks ??= createClicks({
            number,
            startedAt,
            products,
            // A person with several visits is not logged in during the first ones.
            customerNumber: index === 0 && count > usedDevices.length ? undefined : customerNumber,
          }));
        },
      };
    }),
  };
}

function createClicks({
  number,
  startedAt,
  products,
  customerNumber,
}: {
  number: number;
  startedAt: string;
  products: readonly SeedProduct[];
  customerNumber: string | undefined;
}): SeedClick[] {
  const random = createRandom('clicks', number);
  const product = random.pick(products);
  const term = random.pick(terms);
  const home = { page: '/', title: 'Home', product: null, term: null };
  const shown = {
    page: `/p/${product.sku}?utm_source=x`,
    title: product.title,
    product: { sku: product.sku, title: product.title, priceCents: product.priceCents },
    term: null,
  };
  const steps: Omit<SeedClick, 'id' | 'at' | 'userId'>[] = [
    { kind: 'page_view', ...home },
    { kind: 'search', ...home, page: `/zoeken?q=${encodeURIComponent(term)}`, title: 'Zoeken', term },
    { kind: 'page_view', ...shown, product: null },
    { kind: 'product_view', ...shown },
  ];
  if (random.chance(0.3)) steps.push({ kind: 'add_to_cart', ...shown });
  let moment = Date.parse(startedAt);
  return steps.map((step, index) => {
    if (index > 0) moment += random.integer(2_000, 3 * minuteMs);
    return {
      ...step,
      id: uuid('e0e00000', number * 8 + index),
      at: new Date(moment).toISOString(),
      // The person logs in after the first page.
      userId: index === 0 ? null : (customerNumber ?? null),
    };
  });
}

function deviceId(place: number): string {
  return uuid('d0d00000', place);
}

function uuid(start: string, number: number): string {
  return `${start}-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}
