import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  id: string;
  headers: Record<string, string>;
  body: string;
}

export interface Receiver {
  url: string;
  /** All received messages, in order of arrival. */
  received: Received[];
  /** The answer to further messages. If undefined, the receiver never answers. */
  answer: (received: Received) => Answer | undefined;
  close(): Promise<void>;
}

interface Answer {
  status: number;
  headers?: Record<string, string>;
}

/** Starts an endpoint on loopback. */
export async function startReceiver(answer: Receiver['answer'] = () => ({ status: 204 })): Promise<Receiver> {
  const server = createServer((request, response) => {
    void take(request, response);
  });
  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const received = { id: headers['webhook-id'] ?? '', headers, body: Buffer.concat(chunks).toString() };
    receiver.received.push(received);
    const answer = receiver.answer(received);
    if (answer !== undefined) response.writeHead(answer.status, answer.headers).end();
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}/hooks?from=us`,
    received: [],
    answer,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
  return receiver;
}
