import { once } from 'node:events';
import { request as send, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { GraphQLFormattedError } from 'graphql';

export interface Part {
  data?: Record<string, unknown> | null;
  errors?: readonly GraphQLFormattedError[];
  incremental?: readonly {
    data: Record<string, unknown> | null;
    path: readonly (string | number)[];
    label?: string;
    errors?: readonly GraphQLFormattedError[];
  }[];
  extensions?: Record<string, unknown>;
  hasNext?: boolean;
}

/** A `multipart/mixed` response on its own connection. */
export interface AnswerInParts {
  status: number;
  headers: IncomingHttpHeaders;
  /** Resolves to the next part, or to undefined after the last. */
  next(): Promise<Part | undefined>;
  /** Resolves to all remaining parts. */
  rest(): Promise<Part[]>;
  hangUp(): void;
}

export async function fetchIncremental(
  port: number,
  body: object,
  headers: Record<string, string> = {},
): Promise<AnswerInParts> {
  const request = send({
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: '/graphql',
    agent: false,
    headers: { 'content-type': 'application/json', accept: 'multipart/mixed', ...headers },
  });
  request.end(JSON.stringify(body));
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return readParts(response, () => request.destroy());
}

function readParts(response: IncomingMessage, hangUp: () => void): AnswerInParts {
  const type = response.headers['content-type'] ?? '';
  if (type !== 'multipart/mixed; boundary="-"')
    throw new Error(`The response is ${type}, not multipart/mixed.`);
  const chunks: AsyncIterator<Buffer, undefined> = response[Symbol.asyncIterator]();
  let text = Buffer.alloc(0);

  const upTo = async (end: RegExp): Promise<string | undefined> => {
    for (;;) {
      const found = end.exec(text.toString('latin1'));
      if (found !== null) {
        text = text.subarray(found.index + found[0].length);
        return found[0];
      }
      if (!(await more())) return undefined;
    }
  };
  const more = async (): Promise<boolean> => {
    const { value, done } = await chunks.next();
    if (done !== true) text = Buffer.concat([text, value]);
    return done !== true;
  };
  const next = async (): Promise<Part | undefined> => {
    const head = await upTo(
      /^\r\n---\r\nContent-Type: application\/json; charset=utf-8\r\nContent-Length: \d+\r\n\r\n|^\r\n-----\r\n/,
    );
    const length = Number(/Content-Length: (\d+)/.exec(head ?? '')?.[1]);
    if (Number.isNaN(length)) {
      if (head === undefined) throw new Error(`The response ended early: ${text.toString()}`);
      return undefined;
    }
    while (text.length < length) if (!(await more())) throw new Error('The response ended within a part.');
    const part = JSON.parse(text.subarray(0, length).toString()) as Part;
    text = text.subarray(length);
    return part;
  };
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    next,
    rest: async () => {
      const all: Part[] = [];
      for (let part = await next(); part !== undefined; part = await next()) all.push(part);
      return all;
    },
    hangUp,
  };
}

/** Merges the parts into one result, as a client does. The order of errors is not defined. */
export function mergeParts(parts: readonly Part[]): Pick<Part, 'data' | 'errors'> {
  const [first = {}, ...later] = structuredClone(parts);
  const errors = [...(first.errors ?? [])];
  const put = (to: Record<string, unknown>, from: Record<string, unknown>): void => {
    for (const [name, value] of Object.entries(from)) {
      const there = to[name];
      if (isObject(there) && isObject(value)) put(there, value);
      else to[name] = value;
    }
  };
  for (const { incremental = [] } of later)
    for (const { path, data, errors: more = [] } of incremental) {
      errors.push(...more);
      const place = path.reduce<unknown>((at, step) => (isObject(at) ? at[step] : undefined), first.data);
      if (isObject(place) && data !== null) put(place, data);
    }
  return { ...(first.data === undefined ? {} : { data: first.data }), errors };
}

function isObject(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null;
}
