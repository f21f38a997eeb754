import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { restCall, type RestCall } from '../declared/rest-grammar.js';
import type { Environment } from '../settings.js';
import { readRequest, type ReceivedRequest, type RequestedPart } from './measured-request.js';
import type { RecordedCall, Recording } from './recording.js';
import { RecordingError } from './read-recording.js';
import { answerNobody, answerRows, nobodyAnswers, recordedRows, type RestAnswer } from './rest-answers.js';
import {
  HeldRequests,
  jsonText,
  MAX_REQUESTS,
  type CallFacts,
  type RecordedStandIn,
  type ServedCall,
  type StandInBehaviour,
} from './stand-in.js';

const MAX_BODY_BYTES = 1_000_000;
const TOKEN = { access_token: 'made-up-token', token_type: 'Bearer', expires_in: 3600 };

interface MeasuredCall {
  name: string;
  call: RestCall;
  recorded: RecordedCall;
}

/** Serves the measured calls of a REST system. It accepts any credentials. */
export async function startRestStandIn(
  recording: Recording,
  settings: (url: string) => Environment,
): Promise<RecordedStandIn> {
  const standIn = new RestStandIn(recording, settings);
  await standIn.listen();
  return standIn;
}

/** The calls of the recording. Throws a RecordingError for one that is not in the words of the grammar. */
export function measuredRestCalls({ source, calls }: Recording): MeasuredCall[] {
  return Object.entries(calls).map(([name, recorded]) => {
    const parsed = restCall.safeParse(recorded.call);
    if (parsed.success) return { name, call: parsed.data, recorded };
    throw new RecordingError(
      source,
      `The call "${name}" is not a call of a REST system: ${parsed.error.issues[0]?.message ?? ''}.`,
    );
  });
}

function factsOf({ call, recorded: { answers } }: MeasuredCall): CallFacts {
  const { page, matching = 'exact', maxBatch, rows } = call;
  return {
    keys: Object.entries(answers).flatMap(([key, found]) => (found.length === 0 ? [] : [key])),
    takesBatch: JSON.stringify(call).includes('{keys'),
    maxBatch,
    matching,
    nobodyAnswers: nobodyAnswers(call).length,
    isList: rows !== undefined,
    page:
      page === undefined
        ? undefined
        : {
            size: 'size' in page ? page.size : undefined,
            maxItems: page.maxItems,
            acceptsPart: page.acceptPart === true,
          },
  };
}

class RestStandIn implements RecordedStandIn {
  readonly name: string;
  behaviour: StandInBehaviour = {};
  served: ServedCall[] = [];
  unknownRequests: string[] = [];
  seenHeaders = new Set<string>();
  readonly held = new HeldRequests();
  readonly calls: ReadonlyMap<string, CallFacts>;
  readonly #recording: Recording;
  readonly #settings: (url: string) => Environment;
  readonly #measured: readonly MeasuredCall[];
  readonly #server: Server;

  constructor(recording: Recording, settings: (url: string) => Environment) {
    this.name = recording.source;
    this.#recording = recording;
    this.#settings = settings;
    this.#measured = measuredRestCalls(recording);
    this.calls = new Map(this.#measured.map((measured) => [measured.name, factsOf(measured)]));
    this.#server = createServer((request, response) => {
      void readJson(request).then((body) => {
        this.#receive(request, body, response);
      });
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
    const measured = this.#measured.find(({ name }) => name === call);
    return measured === undefined ? [] : recordedRows(measured.call, measured.recorded, [key]);
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

  #receive(
    { method = 'GET', url = '/', headers }: IncomingMessage,
    body: unknown,
    response: ServerResponse,
  ): void {
    for (const name of Object.keys(headers)) this.seenHeaders.add(name);
    if (this.behaviour.isHolding === true) {
      this.held.change(1);
      response.once('close', () => {
        this.held.change(-1);
      });
      return;
    }
    const at = url.indexOf('?');
    const request = {
      method,
      path: at === -1 ? url : url.slice(0, at),
      query: new URLSearchParams(at === -1 ? '' : url.slice(at + 1)),
      body,
      origin: `http://${headers.host ?? '127.0.0.1'}`,
    };
    const { status, body: answer, headers: more } = this.#answer(request);
    response.writeHead(status, {
      'content-type': 'application/json',
      ...this.#recording.system.rateLimit?.headers,
      ...more,
    });
    response.end(jsonText(answer));
  }

  #answer(request: ReceivedRequest & { origin: string }): RestAnswer {
    if (this.behaviour.isRefusing === true)
      return this.#recording.system.refused ?? { status: 401, body: { error: 'Unauthorized.' } };
    if (isTokenRequest(request)) return { status: 200, body: TOKEN };
    for (const measured of this.#measured) {
      const part = readRequest(measured.call, request);
      if (part !== undefined) return this.#serve(measured, part, request);
    }
    this.unknownRequests.push(`${request.method} ${request.path}${shownNames(request.query)}`);
    return { status: 400, body: { error: 'This request is not in the recording.' } };
  }

  #serve(
    { name, call, recorded }: MeasuredCall,
    part: RequestedPart,
    request: ReceivedRequest & { origin: string },
  ): RestAnswer {
    const { changeRows, nobodyAnswer = 0, isEndless = false } = this.behaviour;
    const { keys } = part;
    const isTooLarge = call.maxBatch !== undefined && keys.length > call.maxBatch;
    const found = recordedRows(call, recorded, keys);
    const rows = changeRows?.({ call: name, keys, rows: found }) ?? found;
    const note = (from: number, to: number): void => {
      this.served.push({ call: name, keys, from, to, of: rows.length, isTooLarge });
    };
    if (isTooLarge || this.served.length >= MAX_REQUESTS) {
      note(0, 0);
      return { status: 400, body: { error: 'Too many keys or requests.' } };
    }
    if (rows.length === 0) {
      note(0, 0);
      return answerNobody(call, recorded, nobodyAnswer);
    }
    const { from, to, ...answer } = answerRows(call, recorded, { rows, part, request, isEndless });
    note(from, to);
    return answer;
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

/** The JSON of a body, or its text if it is none. */
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
