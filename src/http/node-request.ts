import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHead, RequestState } from '../operation/request-state.js';

/** A request of node:http. */
export class NodeRequest implements RequestHead {
  readonly method: string;
  readonly headers: RequestHead['headers'];
  readonly signal: RequestHead['signal'];
  readonly connection: object;
  readonly state: RequestState = {};
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
