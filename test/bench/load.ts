import autocannon from 'autocannon';
import { request as httpRequest, Agent } from 'node:http';
import { once } from 'node:events';

/** Body of a POST with an operation. */
export type Body = string;

export type Headers = Readonly<Record<string, string>>;

/** A request without an answer by then counts as not answered. Long lists take seconds on a busy machine. */
const TIMEOUT_S = 60;

const HEADERS = { 'content-type': 'application/json', accept: 'application/json' };

/** Sends a number of requests and repeats the bodies in order. Throws when an answer is missing or has errors. */
export async function load(
  url: string,
  bodies: readonly Body[],
  { requests, connections, headers = {} }: { requests: number; connections: number; headers?: Headers },
): Promise<void> {
  let next = 0;
  let firstErrors = '';
  const result = await autocannon({
    url,
    connections,
    amount: requests,
    timeout: TIMEOUT_S,
    requests: [
      {
        method: 'POST',
        headers: { ...HEADERS, ...headers },
        setupRequest: (request) => ({ ...request, body: bodies[next++ % bodies.length] }),
      },
    ],
    verifyBody: (body) => {
      const [, errors] = String(body).split('"errors"', 2);
      firstErrors ||= errors?.slice(0, 300) ?? '';
      return errors === undefined;
    },
  });
  const { mismatches, errors, non2xx } = result;
  if (mismatches + errors + non2xx > 0) {
    throw new Error(
      `Of ${requests} requests to ${url}, ${errors} were not answered, ${non2xx} had a status other than 2xx, ${mismatches} contained errors. ${firstErrors}`,
    );
  }
}

export interface Client {
  /** Returns the body of the answer and the response time. */
  post(body: Body): Promise<{ body: string; ms: number }>;
  close(): void;
}

/** A client that sends one request at a time over one connection. */
export function createClient(url: string, headers: Headers = {}): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    post: async (body) => {
      const started = performance.now();
      const sentRequest = httpRequest(url, { method: 'POST', agent, headers: { ...HEADERS, ...headers } });
      sentRequest.end(body);
      const [response] = (await once(sentRequest, 'response')) as [AsyncIterable<Buffer>];
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      const ms = performance.now() - started;
      return { body: Buffer.concat(chunks).toString('utf8'), ms };
    },
    close: () => {
      agent.destroy();
    },
  };
}

/** Sends one query after another. Throws when an answer contains errors. */
export interface QueryClient {
  query(body: Body): Promise<void>;
  close(): void;
}

export function createQueryClient(url: string): QueryClient {
  const client = createClient(url);
  return {
    query: async (body) => {
      const { body: answer } = await client.post(body);
      if (answer.includes('"errors"')) throw new Error(`An answer contains errors: ${answer.slice(-500)}`);
    },
    close: () => {
      client.close();
    },
  };
}
