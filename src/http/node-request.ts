import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AbortListening } from '../operation/answer.js';

/** As much of a request as is known before its body is read. Any Request is one, and what is made of node's. */
export interface RequestHead {
  readonly method: string;
  readonly url: string;
  readonly headers: Pick<Headers, 'get'>;
  /** Aborted when the client has hung up without an answer. */
  readonly signal: AbortListening;
  /** What it came on, where that is known. */
  readonly connection?: object;
}

/** A request of node:http. */
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

/** The headers of a request of node:http, as a Request has them. */
export function headersOf({ headers }: IncomingMessage): RequestHead['headers'] {
  return {
    get: (name) => {
      const value = headers[name.toLowerCase()];
      return Array.isArray(value) ? value.join(', ') : (value ?? null);
    },
  };
}
