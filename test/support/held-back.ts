import { request as send } from 'node:http';
import { startServer, type SmallServer } from '../connectors/server.js';

/** A proxy in front of a system, which the test controls. */
export interface HeldBack extends Pick<SmallServer, 'url' | 'seen' | 'close'> {
  /** Holds all responses back from now on. */
  hold(): void;
  /** Sends all responses that were held back. */
  release(): void;
  /** The number of requests that the client aborted before a response. */
  readonly givenUp: number;
}

export async function heldBack(url: string): Promise<HeldBack> {
  let open: () => void = () => undefined;
  let until = Promise.resolve();
  let givenUp = 0;
  const server = await startServer(({ method, url: path, headers, body }, response) => {
    response.once('close', () => {
      if (!response.writableEnded) givenUp += 1;
    });
    void until.then(() => {
      const request = send(new URL(path, url), { method, headers: { ...headers, host: new URL(url).host } });
      request.once('response', (answer) => {
        response.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(response);
      });
      request.end(body);
    });
  });
  return {
    ...server,
    hold: () => {
      until = new Promise((resolve) => (open = resolve));
    },
    release: () => {
      open();
    },
    get givenUp() {
      return givenUp;
    },
  };
}
