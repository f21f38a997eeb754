import { once } from 'node:events';
import { Agent, request as send, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Gateway } from '../../src/gateway.js';
import { listen, type HttpServer } from '../../src/http/http.js';
import type { Environment } from '../../src/settings.js';

/** The implementations of HTTP that a gateway behind a port can use. Suites can run once with each. */
const FRONTS = { 'the lean front': { HTTP_FRONT: 'on' }, 'Yoga alone': { HTTP_FRONT: 'off' } };

export type HttpFront = keyof typeof FRONTS;

/** TEST_FRONT selects the implementation for all suites of a run. */
let front = Object.keys(FRONTS).find((name): name is HttpFront => name === process.env['TEST_FRONT']);

/** Selects the implementation for the gateways of this test file that are created later. */
export function useHttpFront(chosen: HttpFront): void {
  front = chosen;
}

/** The settings that select the implementation. Empty if none is selected. */
export function frontSettings(): Environment {
  return front === undefined ? {} : FRONTS[front];
}

/** The gateway, reached through a port if an implementation is selected. */
export function behindHttpFront(gateway: Gateway): Pick<Gateway, 'fetch' | 'close'> {
  if (front === undefined) return gateway;
  let server: Promise<HttpServer> | undefined;
  return {
    fetch: async (path, init) => {
      const { origins } = gateway.authentication;
      server ??= listen(gateway.handler, { host: '127.0.0.1', port: 0, origins });
      const { pathname, search } = new URL(path, 'http://gateway');
      return fetchPlainly(new URL(`${pathname}${search}`, (await server).url), init);
    },
    close: async () => {
      await (await server)?.stop();
      await gateway.close();
    },
  };
}

/** Reuses connections, because ten thousand short connections would exhaust the ports of the machine. */
const reusing = new Agent({ keepAlive: true });

/** Sends exactly the given headers, even invalid ones. `fetch` would change or refuse them. */
async function fetchPlainly(url: URL, init: RequestInit = {}): Promise<Response> {
  const request = new Request(url, init);
  const { method, signal, body } = request;
  // If the body may be shorter than `Content-Length`, the connection cannot be reused.
  const agent =
    init.body instanceof ReadableStream || request.headers.has('content-length') ? false : reusing;
  const sent = send(url, { method, headers: Object.fromEntries(request.headers), signal, agent });
  if (init.body instanceof ReadableStream) {
    // The length is unknown, so the body is sent in chunks.
    const reader = body?.getReader();
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read())
      sent.write(read.value);
    sent.end();
  } else sent.end(Buffer.from(await request.arrayBuffer()));
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const headers = new Headers();
  for (const [name, value = ''] of Object.entries(answer.headers))
    for (const text of [value].flat()) headers.append(name, text);
  const content = await buffer(answer);
  const status = answer.statusCode ?? 0;
  return new Response(method === 'HEAD' || [204, 304].includes(status) ? null : content, { status, headers });
}
