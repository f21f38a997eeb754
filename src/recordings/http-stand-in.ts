import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Environment } from '../settings.js';
import type { Recording } from './recording.js';
import {
  HeldRequests,
  jsonText,
  MAX_REQUESTS,
  type CallFacts,
  type RecordedStandIn,
  type ServedCall,
  type StandInBehaviour,
} from './stand-in.js';

/** A request as a stand-in received it. */
export interface ReceivedRequest {
  method: string;
  /** Percent-encoded, without the query. */
  path: string;
  query: URLSearchParams;
  /** The parsed JSON of the body, its text if it is not JSON, or undefined if there is none. */
  body: unknown;
  /** The value of a header. */
  header(name: string): string | undefined;
  /** The scheme and host of the client, for links. */
  origin: string;
}

export interface HttpAnswer {
  status: number;
  /** Sent as JSON. A text with a content type in `headers` is sent unchanged. */
  body: unknown;
  headers?: Readonly<Record<string, string>>;
}

/** The measured calls of a system that speaks HTTP. */
export interface ImitatedSystem {
  calls: ReadonlyMap<string, CallFacts>;
  rowsOf(call: string, key: string): readonly unknown[];
  /** Undefined if the request is not in the recording. */
  answer(request: ReceivedRequest, log: RequestLog): HttpAnswer | undefined | Promise<HttpAnswer | undefined>;
}

/** The current behaviour of the stand-in, and the log of measured calls. */
export interface RequestLog {
  behaviour: StandInBehaviour;
  note(served: ServedCall): void;
  /** Whether the source has sent more requests than the limit. */
  isExceeded(): boolean;
}

const MAX_BODY_BYTES = 1_000_000;
const TOKEN = { access_token: 'made-up-token', token_type: 'Bearer', expires_in: 3600 };
const REFUSED: HttpAnswer = { status: 401, body: { error: 'Unauthorized.' } };
const UNKNOWN: HttpAnswer = { status: 400, body: { error: 'This request is not in the recording.' } };

/** Serves an imitated system. It accepts any credentials. */
export async function startHttpStandIn(
  recording: Recording,
  system: ImitatedSystem,
  settings: (url: string) => Environment,
): Promise<RecordedStandIn> {
  const standIn = new HttpStandIn(recording, system, settings);
  await standIn.listen();
  return standIn;
}

class HttpStandIn implements RecordedStandIn {
  readonly name: string;
  readonly protocol = 'http';
  readonly calls: ReadonlyMap<string, CallFacts>;
  behaviour: StandInBehaviour = {};
  served: ServedCall[] = [];
  unknownRequests: string[] = [];
  seenHeaders = new Set<string>();
  readonly held = new HeldRequests();
  readonly #recording: Recording;
  readonly #system: ImitatedSystem;
  readonly #settings: (url: string) => Environment;
  readonly #server: Server;

  constructor(recording: Recording, system: ImitatedSystem, settings: (url: string) => Environment) {
    this.name = recording.source;
    this.calls = system.calls;
    this.#recording = recording;
    this.#system = system;
    this.#settings = settings;
    this.#server = createServer((request, response) => {
      readJson(request)
        .then((body) => this.#receive(request, body, response))
        // The client has closed the connection.
        .catch(() => response.destroy());
    });
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The stand-in has no port.');
    return `http://127.0.0.1:${address.port}`;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
  }

  rowsOf(call: string, key: string): readonly unknown[] {
    return this.#system.rowsOf(call, key);
  }

  reset(): void {
    this.behaviour = {};
    this.served = [];
    this.unknownRequests = [];
    this.seenHeaders = new Set();
  }

  settings(url: string): Environment {
    return this.#settings(url);
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#server.closeAllConnections();
    });
  }

  async #receive(
    { method = 'GET', url = '/', headers }: IncomingMessage,
    body: unknown,
    response: ServerResponse,
  ): Promise<void> {
    for (const name of Object.keys(headers)) this.seenHeaders.add(name);
    if (this.behaviour.isHolding === true) {
      this.held.change(1);
      response.once('close', () => {
        this.held.change(-1);
      });
      return;
    }
    const at = url.indexOf('?');
    const answer = await this.#answer({
      method,
      path: at === -1 ? url : url.slice(0, at),
      query: new URLSearchParams(at === -1 ? '' : url.slice(at + 1)),
      body,
      header: (name) => [headers[name]].flat()[0],
      origin: `http://${headers.host ?? '127.0.0.1'}`,
    });
    response.writeHead(answer.status, {
      'content-type': 'application/json',
      ...this.#recording.system.rateLimit?.headers,
      ...answer.headers,
    });
    const isText = typeof answer.body === 'string' && answer.headers?.['content-type'] !== undefined;
    response.end(isText ? answer.body : jsonText(answer.body));
  }

  async #answer(request: ReceivedRequest): Promise<HttpAnswer> {
    if (this.behaviour.isRefusing === true) return this.#recording.system.refused ?? REFUSED;
    if (isTokenRequest(request)) return { status: 200, body: TOKEN };
    const answer = await this.#system.answer(request, {
      behaviour: this.behaviour,
      note: (served) => this.served.push(served),
      isExceeded: () => this.served.length >= MAX_REQUESTS,
    });
    if (answer !== undefined) return answer;
    this.unknownRequests.push(`${request.method} ${request.path}${shownNames(request.query)}`);
    return UNKNOWN;
  }
}

/** Whether it is a request for an access token of OAuth 2 (RFC 6749). */
function isTokenRequest({ method, body }: ReceivedRequest): boolean {
  return method === 'POST' && typeof body === 'string' && /(^|&)grant_type=/.test(body);
}

/** The names of the parameters. Their values may be keys. */
function shownNames(query: URLSearchParams): string {
  const names = [...new Set(query.keys())];
  return names.length === 0 ? '' : `?${names.map((name) => `${name}=…`).join('&')}`;
}

/** The parsed JSON of a body, or its text if it is not JSON. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text === '' ? undefined : text;
  }
}
