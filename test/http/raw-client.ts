import { once } from 'node:events';
import { request as send, type Agent, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';

const HOST = '127.0.0.1';

export interface RawAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface RawRequest {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  agent?: Agent;
  localAddress?: string;
}

/** Sends what `fetch` would not: any Host, Origin or Sec-Fetch-Site. On a connection of its own, unless told. */
export async function sendRequest(port: number, asked: RawRequest = {}): Promise<RawAnswer> {
  const {
    method = 'GET',
    path = '/graphql?query={__typename}',
    headers = {},
    body,
    agent,
    localAddress,
  } = asked;
  const request = send({ host: HOST, port, method, path, headers, agent: agent ?? false, localAddress });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}

/** A connection that what is given was written to. */
export async function open(port: number, written = '', localAddress = HOST): Promise<Socket> {
  const socket = connect({ port, host: HOST, localAddress });
  // That the other side ends it is what the tests are about.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  if (written !== '') socket.write(written);
  return socket;
}

/** All that comes over a connection until the other side ends it. */
export async function received(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  if (!socket.closed) await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

export function post(body: string, headers: Record<string, string> = {}): RawRequest {
  return {
    method: 'POST',
    path: '/graphql',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  };
}

/** What an answer tells of what we are made of. Empty, as it should be. */
export function insidesIn({ headers = {}, body }: { headers?: IncomingHttpHeaders; body: string }): string[] {
  const told = Object.keys(headers).filter((name) => name === 'x-powered-by' || name === 'server');
  return [
    ...told,
    ...(body.match(/\.[jt]s:\d+|node_modules|node:internal|\bat \w+ \(|x-powered-by/gi) ?? []),
  ];
}
