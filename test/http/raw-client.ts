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

/** Sends requests that `fetch` refuses, such as with any Host or Origin. Without an `agent`, uses a new connection. */
export async function sendRequest(port: number, rawRequest: RawRequest = {}): Promise<RawAnswer> {
  const {
    method = 'GET',
    path = '/graphql?query={__typename}',
    headers = {},
    body,
    agent,
    localAddress,
  } = rawRequest;
  const request = send({ host: HOST, port, method, path, headers, agent: agent ?? false, localAddress });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}

/** Opens a connection and writes a text to it. */
export async function open(port: number, written = '', localAddress = HOST): Promise<Socket> {
  const socket = connect({ port, host: HOST, localAddress });
  // The tests expect that the server ends the connection.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  if (written !== '') socket.write(written);
  return socket;
}

/** Reads a connection until the server ends it. */
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

/** Finds traces of the implementation in an answer. Expected to be empty. */
export function findInternals({
  headers = {},
  body,
}: {
  headers?: IncomingHttpHeaders;
  body: string;
}): string[] {
  const names = Object.keys(headers).filter((name) => name === 'x-powered-by' || name === 'server');
  return [
    ...names,
    ...(body.match(/\.[jt]s:\d+|node_modules|node:internal|\bat \w+ \(|x-powered-by/gi) ?? []),
  ];
}
