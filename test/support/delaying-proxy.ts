import { request as send } from 'node:http';
import { startServer, type SmallServer } from '../connectors/server.js';

/** A proxy in front of a system. The test can delay its responses. */
export interface DelayingProxy extends Pick<SmallServer, 'url' | 'seen' | 'close'> {
  /** Holds all responses back from now on. */
  hold(): void;
  /** Sends all responses that were held back. */
  release(): void;
  /** The number of requests that the client aborted before a response. */
  readonly abortedCount: number;
}

export async function startDelayingProxy(url: string): Promise<DelayingProxy> {
  let open: () => void = () => undefined;
  let until = Promise.resolve();
  let abortedCount = 0;
  const server = await startServer(({ method, url: path, headers, body }, response) => {
    response.once('close', () => {
      if (!response.writableEnded) abortedCount += 1;
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
    get abortedCount() {
      return abortedCount;
    },
  };
}
