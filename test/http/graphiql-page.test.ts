import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { exampleOperations } from '../../src/http/graphiql/page.js';
import { createTestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';

/** Headers of a browser. */
const BROWSER = {
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'accept-encoding': 'gzip, deflate, br',
};

const gateway = createTestGateway(directSettings());
afterAll(() => gateway.close());

const open = (path = '/graphql', init: RequestInit = {}) =>
  gateway.fetch(path, { ...init, headers: { ...BROWSER, ...(init.headers as Record<string, string>) } });

describe('the GraphiQL page', () => {
  test('is sent to a browser, compressed', async () => {
    const response = await open();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-encoding')).toBe('gzip');
    const sent = Buffer.from(await response.arrayBuffer());
    const html = gunzipSync(sent).toString();
    expect(sent.length).toBeLessThan(html.length / 3);
    expect(html).toContain('<title>Stekkerdoos</title>');
    for (const { query } of exampleOperations()) expect(html).toContain(JSON.stringify(query));
  });

  test('is where a browser is redirected from the root of the gateway', async () => {
    const response = await open('/');
    expect(response.status).toBe(302);
    expect(response.headers.get('location')).toBe('/graphql');
    const other = await gateway.fetch('/', { headers: { accept: 'application/json' } });
    expect(other.status).toBe(404);
  });

  test('loads nothing from other origins, and has a policy that forbids it', async () => {
    const response = await open('/graphql', { headers: { 'accept-encoding': 'identity' } });
    expect(response.headers.get('content-encoding')).toBeNull();
    const html = await response.text();
    expect(html).toContain('</html>');
    const head = html.slice(0, html.indexOf('<script>')).replace(/<style>.*<\/style>/s, (style) => {
      expect(style).not.toMatch(/url\(["']?(?!data:|["']?#)/);
      expect(style).not.toContain('@import');
      return '';
    });
    expect(head).not.toMatch(/(src|href)="(?!data:)/);
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none';/);
    expect(response.headers.get('content-security-policy')).not.toMatch(/https?:|\*/);
  });

  test('is not sent again to a browser that has it cached', async () => {
    const etag = (await open()).headers.get('etag') ?? '';
    const response = await open('/graphql', { headers: { 'if-none-match': `"other", W/${etag}` } });
    expect(response.status).toBe(304);
    expect(await response.text()).toBe('');
    expect((await open('/graphql', { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
  });

  test('is the same if its URL ends with a slash or contains an operation', async () => {
    const etag = (await open()).headers.get('etag');
    expect((await open('/graphql/')).headers.get('etag')).toBe(etag);
    // GraphiQL writes the operation into the URL while a user types. A reload must return the page.
    expect((await open('/graphql?query=%7B__typename%7D')).headers.get('etag')).toBe(etag);
  });

  test('answers HEAD requests', async () => {
    const response = await open('/graphql', { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('etag')).toBe((await open()).headers.get('etag'));
    expect(await response.text()).toBe('');
  });

  test('is not sent to programs', async () => {
    const response = await gateway.fetch('/graphql?query={__typename}', { headers: { accept: '*/*' } });
    expect(await response.json()).toEqual({ data: { __typename: 'Query' } });
  });

  test('is rendered without blocking other requests', async () => {
    const fresh = createTestGateway(directSettings());
    const order: string[] = [];
    const page = fresh.fetch('/graphql', { headers: BROWSER }).then(() => order.push('page'));
    for (let i = 0; i < 5; i++) {
      await fresh.fetch('/graphql?query={__typename}');
      order.push('answer');
    }
    await page;
    await fresh.close();
    expect(order).toEqual([...Array.from({ length: 5 }, () => 'answer'), 'page']);
  });
});
