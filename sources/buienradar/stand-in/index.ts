import { serveHttp, type HttpAnswer, type HttpCall } from '../../stand-ins/http.js';
import { createRandom } from '../../stand-ins/random.js';
import type { StandIn } from '../../stand-ins/world.js';
import { feed, local } from './feed.js';

/**
 * Buienradar, imitated after a recording of its JSON feed 2.0 and of its rain text. test/contracts/buienradar.contract.ts
 * compares it with both. Here they have one address; the real ones have a host each.
 *
 * Imitated peculiarities of the real system:
 * - times are local Dutch times without a zone, and times in the rain text have no day;
 * - half of the stations have no thermometer: the member is null or missing;
 * - the lowest and highest temperatures of a day are texts such as "3/5", beside numbers;
 * - strengths of rain may have decimals and no leading zeros (users report it since 2022);
 * - no credentials are required.
 *
 * Not in the contract: the errors, and the rain text for a place outside its area (here empty, with 200).
 */
export interface BuienradarOptions {
  /** The clock, in milliseconds since 1970. Default: the real one. */
  now?: () => number;
}

const minuteMs = 60_000;
const stepMs = 5 * minuteMs;

export async function startBuienradar({ now = Date.now }: BuienradarOptions = {}): Promise<StandIn> {
  const service = await serveHttp(() => (call) => answer(call, now()));
  return {
    name: 'buienradar',
    url: service.url,
    settings: (url) => ({ BUIENRADAR_URL: url, BUIENRADAR_RAIN_URL: url }),
    close: service.close,
  };
}

function answer({ method, path, query }: HttpCall, now: number): HttpAnswer {
  if (method !== 'GET') return { status: 405, headers: { allow: 'GET' } };
  if (path === '/2.0/feed/json') {
    return {
      status: 200,
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify(feed(now)),
    };
  }
  if (path === '/data/raintext') return rainText(query, now);
  return { status: 404, headers: { 'content-type': 'text/html' }, body: '<h1>404</h1>' };
}

function rainText(query: URLSearchParams, now: number): HttpAnswer {
  const headers = { 'content-type': 'text/plain; charset=utf-8' };
  const lat = query.get('lat') ?? '';
  const lon = query.get('lon') ?? '';
  if (!/^\d+(\.\d+)?$/.test(lat) || !/^\d+(\.\d+)?$/.test(lon)) return { status: 400, headers };
  const isCovered = Number(lat) >= 50 && Number(lat) <= 54 && Number(lon) >= 1 && Number(lon) <= 9;
  return { status: 200, headers, body: isCovered ? lines(Number(lat), Number(lon), now) : '' };
}

/** A shower of two hours. Its strength depends only on the place. */
function lines(lat: number, lon: number, now: number): string {
  const random = createRandom('rain', Math.round(lat * 100) * 1_000 + Math.round(lon * 100));
  const peak = random.chance(0.4) ? random.integer(77, 160) : 0;
  const middle = random.integer(4, 20);
  const withDecimals = random.chance(0.2);
  return Array.from({ length: 24 }, (_, step) => {
    const strength = Math.max(0, peak - Math.abs(step - middle) * 12);
    const at = local(Math.floor(now / stepMs) * stepMs + step * stepMs).slice(11, 16);
    return `${withDecimals ? `${strength}.5` : String(strength).padStart(3, '0')}|${at}\r\n`;
  }).join('');
}
