import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Plugin } from 'graphql-yoga';
import { renderPage, type RenderedPage } from './render.js';

const EXAMPLES = new URL('./examples/', import.meta.url);

/** Reads the example operations, in the order of their file names. Each is a tab in GraphiQL, and runs as a test. */
export function exampleOperations(): { name: string; query: string }[] {
  return readdirSync(EXAMPLES)
    .filter((name) => name.endsWith('.graphql'))
    .sort()
    .map((name) => ({ name, query: readFileSync(new URL(name, EXAMPLES), 'utf8') }));
}

const LOGO =
  '<svg viewBox="0 0 40 24" width="40" fill="none" stroke="currentColor" stroke-width="2">' +
  '<rect x="1" y="4" width="38" height="16" rx="5"/>' +
  '<path d="M8 10v4m5-4v4m11-4v4m5-4v4" stroke-linecap="round"/></svg>';

/** The page may run its own scripts and call the gateway. It may load nothing from elsewhere. */
const SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'unsafe-inline' blob:",
  'worker-src blob:',
  "style-src 'unsafe-inline'",
  'font-src data:',
  'img-src data:',
  "connect-src 'self' blob:",
  "frame-ancestors 'none'",
].join('; ');

/**
 * A link to the page may contain an API key, `/graphql#key=...`. The page then sends the key with its requests.
 * Browsers never send the part after `#` to a server. The script removes it from the URL, and stores it until the tab
 * is closed.
 */
const SEND_KEY = `
  const linkedKey = new URLSearchParams(location.hash.slice(1)).get('key');
  if (linkedKey !== null) {
    sessionStorage.setItem('stekkerdoos-key', linkedKey);
    history.replaceState(null, '', location.pathname + location.search);
  }
  const key = sessionStorage.getItem('stekkerdoos-key');
  if (key !== null) {
    const send = window.fetch;
    window.fetch = (address, options = {}) => {
      const headers = new Headers(options.headers);
      const isGateway = new URL(address, location.href).href.split('?')[0] === location.origin + location.pathname;
      if (isGateway && !headers.has('authorization')) headers.set('authorization', 'Bearer ' + key);
      return send(address, { ...options, headers });
    };
  }
`;

/**
 * Answers a browser that opens the endpoint with GraphiQL. The page contains all scripts and styles, so it needs only
 * a connection to the gateway. It has several megabytes, so it is sent compressed, and not again if the browser has
 * it cached.
 */
export function useGraphiqlPage(endpoint: string): Plugin {
  // The answers of the examples show where each value came from.
  const headers = JSON.stringify({ 'Report-Sources': '1' });
  const tabs = exampleOperations().map(({ query }) => ({ query, headers }));
  let page: Promise<RenderedPage> | undefined;
  return {
    onRequest: async (event) => {
      const { request, fetchAPI } = event;
      if (request.method !== 'GET' && request.method !== 'HEAD') return;
      if (request.headers.get('accept')?.includes('text/html') !== true) return;
      // With POST, customers' identifiers in subscriptions stay out of URLs, which proxies log.
      page ??= renderPage(
        { title: 'Stekkerdoos', logo: LOGO, endpoint, method: 'POST', defaultTabs: tabs },
        SEND_KEY,
      );
      const { compressed, etag } = await page;
      const isCompressed = request.headers.get('accept-encoding')?.includes('gzip') === true;
      const headers = {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': SECURITY_POLICY,
        'cache-control': 'private, no-cache',
        vary: 'accept, accept-encoding, origin',
        etag,
        ...(isCompressed ? { 'content-encoding': 'gzip' } : {}),
      };
      if (request.headers.get('if-none-match')?.includes(etag) === true) {
        event.endResponse(new fetchAPI.Response(null, { status: 304, headers }));
      } else if (request.method === 'HEAD') event.endResponse(new fetchAPI.Response(null, { headers }));
      else {
        const body = isCompressed ? compressed : await promisify(gunzip)(compressed);
        event.endResponse(new fetchAPI.Response(new Uint8Array(body), { headers }));
      }
    },
  };
}
