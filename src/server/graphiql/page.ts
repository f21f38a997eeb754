import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import type { Plugin } from 'graphql-yoga';

const EXAMPLES = new URL('./examples/', import.meta.url);

/** The example operations, in the order of their file names; each is a tab in GraphiQL, and runs as a test. */
export function exampleOperations(): { name: string; query: string }[] {
  return readdirSync(EXAMPLES)
    .filter((name) => name.endsWith('.graphql'))
    .sort()
    .map((name) => ({ name, query: readFileSync(new URL(name, EXAMPLES), 'utf8') }));
}

interface Page {
  compressed: Uint8Array<ArrayBuffer>;
  plain: string;
  etag: string;
}

/**
 * GraphiQL for browsers that open the endpoint. All of it comes with the page, so that it works without any network
 * but the one to the gateway. It weighs megabytes: it is sent compressed, and not at all when the browser has it.
 */
export function useGraphiqlPage(endpoint: string): Plugin {
  let page: Promise<Page> | undefined;
  return {
    onRequest: async (event) => {
      const { url, request, fetchAPI } = event;
      if (url.pathname !== endpoint || request.method !== 'GET' || url.searchParams.has('query')) return;
      if (!(request.headers.get('accept') ?? '').includes('text/html')) return;
      page ??= makePage(endpoint);
      const { compressed, plain, etag } = await page;
      const headers = { etag, vary: 'accept, accept-encoding', 'cache-control': 'private, no-cache' };
      if (request.headers.get('if-none-match') === etag) {
        event.endResponse(new fetchAPI.Response(null, { status: 304, headers }));
      } else if ((request.headers.get('accept-encoding') ?? '').includes('gzip')) {
        const sent = { ...headers, 'content-type': 'text/html; charset=utf-8', 'content-encoding': 'gzip' };
        event.endResponse(new fetchAPI.Response(compressed, { headers: sent }));
      } else {
        event.endResponse(
          new fetchAPI.Response(plain, {
            headers: { ...headers, 'content-type': 'text/html; charset=utf-8' },
          }),
        );
      }
    },
  };
}

async function makePage(endpoint: string): Promise<Page> {
  const examples = exampleOperations();
  const plain = renderGraphiQL({
    title: 'Stekkerdoos',
    endpoint,
    defaultTabs: examples.map(({ query }) => ({ query })),
    ...(examples[0] === undefined ? {} : { defaultQuery: examples[0].query }),
  });
  const compressed = new Uint8Array(await promisify(gzip)(plain));
  return { plain, compressed, etag: `"${createHash('sha256').update(plain).digest('base64url')}"` };
}
