import { request as send } from 'node:http';
import { startServer, type SmallServer } from '../connectors/server.js';

/** A system that is reached by way of the test. */
export interface HeldBack extends Pick<SmallServer, 'url' | 'seen' | 'close'> {
  /** From now on nothing that it says comes through. */
  hold(): void;
  /** Now all of it does. */
  release(): void;
  /** Requests that were given up before they were answered. */
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
      const asked = send(new URL(path, url), { method, headers: { ...headers, host: new URL(url).host } });
      asked.once('response', (answer) => {
        response.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(response);
      });
      asked.end(body);
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
