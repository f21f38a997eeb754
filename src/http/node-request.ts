import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AbortListening } from '../operation/answer.js';

/** The part of a request that is known before its body is read. A `Request` and a `NodeRequest` both have it. */
export interface RequestHead {
  readonly method: string;
  readonly url: string;
  readonly headers: Pick<Headers, 'get'>;
  /** Aborted when the client disconnects before it has the answer. */
  readonly signal: AbortListening;
  /** The connection of the request, if it is known. */
  readonly connection?: object;
}

/** The head of a request of node:http. */
export class NodeRequest implements RequestHead {
  readonly method: string;
  readonly headers: RequestHead['headers'];
  readonly signal: RequestHead['signal'];
  readonly connection: object;
  readonly #incoming: IncomingMessage;

  constructor(incoming: IncomingMessage, response: ServerResponse) {
    this.method = incoming.method ?? '';
    this.headers = headersOf(incoming);
    this.signal = {
      addEventListener: (_abort, listener) => {
        response.once('close', () => {
          if (!response.writableFinished) listener();
        });
      },
    };
    this.connection = incoming.socket;
    this.#incoming = incoming;
  }

  get url(): string {
    const { headers, url = '' } = this.#incoming;
    return `http://${headers.host ?? ''}${url}`;
  }
}

/** Returns the headers of a request of node:http in the form of a `Request`. */
export function headersOf({ headers }: IncomingMessage): RequestHead['headers'] {
  return {
    get: (name) => {
      const value = headers[name.toLowerCase()];
      return Array.isArray(value) ? value.join(', ') : (value ?? null);
    },
  };
}
