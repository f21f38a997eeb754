import { once } from 'node:events';
import { Agent, request as ask, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Gateway } from '../../src/gateway.js';
import { listen, type HttpServer } from '../../src/http/http.js';
import type { Environment } from '../../src/settings.js';

/** The ways that a request can come in by a port. Suites say nothing of it: they are run once more by each. */
const DOORS = { 'the lean front': { HTTP_FRONT: 'on' }, "Yoga's own way": { HTTP_FRONT: 'off' } };

export type FrontDoor = keyof typeof DOORS;

/** FRONT_DOOR has all suites of a run ask by one. */
let door = Object.keys(DOORS).find((name): name is FrontDoor => name === process.env['FRONT_DOOR']);

/** From now on, the gateways of this file's tests are asked by that door. */
export function useFrontDoor(chosen: FrontDoor): void {
  door = chosen;
}

export function doorSettings(): Environment {
  return door === undefined ? {} : DOORS[door];
}

/** What a gateway does otherwise when it is asked over a port. */
export function behindItsDoor(gateway: Gateway): Pick<Gateway, 'fetch' | 'close'> {
  if (door === undefined) return gateway;
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

/** Ten thousand connections, one after the other, use up the machine's ports. */
const kept = new Agent({ keepAlive: true });

/** Sends the headers that it is given, true or not, and no others, as `fetch` does not. */
async function fetchPlainly(url: URL, init: RequestInit = {}): Promise<Response> {
  const asked = new Request(url, init);
  const { method, signal, body } = asked;
  // On one of its own where less may be sent than is said: that is good for nothing more.
  const agent = init.body instanceof ReadableStream || asked.headers.has('content-length') ? false : kept;
  const sent = ask(url, { method, headers: Object.fromEntries(asked.headers), signal, agent });
  if (init.body instanceof ReadableStream) {
    // In chunks: how much it is nobody knows beforehand.
    const reader = body?.getReader();
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read())
      sent.write(read.value);
    sent.end();
  } else sent.end(Buffer.from(await asked.arrayBuffer()));
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const headers = new Headers();
  for (const [name, value = ''] of Object.entries(answer.headers))
    for (const one of [value].flat()) headers.append(name, one);
  const told = await buffer(answer);
  const status = answer.statusCode ?? 0;
  return new Response(method === 'HEAD' || [204, 304].includes(status) ? null : told, { status, headers });
}
