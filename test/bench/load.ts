import autocannon from 'autocannon';
import { request as httpRequest, Agent } from 'node:http';
import { once } from 'node:events';

/** An operation as it travels: the body of a POST. */
export type Body = string;

export type Headers = Readonly<Record<string, string>>;

const HEADERS = { 'content-type': 'application/json', accept: 'application/json' };

/** Sends a number of requests, taking the bodies in turn. Throws when an answer is not a whole one. */
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
      `Of ${requests} requests to ${url} ${errors} were not answered, ${non2xx} had another status than 2xx, ${mismatches} told errors. ${firstErrors}`,
    );
  }
}

export interface Client {
  /** The answer's body and how long it took to come. */
  post(body: Body): Promise<{ body: string; ms: number }>;
  close(): void;
}

/** One client that asks one thing at a time over one connection. */
export function createClient(url: string, headers: Headers = {}): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    post: async (body) => {
      const started = performance.now();
      const asked = httpRequest(url, { method: 'POST', agent, headers: { ...HEADERS, ...headers } });
      asked.end(body);
      const [response] = (await once(asked, 'response')) as [AsyncIterable<Buffer>];
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

/** Asks one thing after another, and throws when an answer is not a whole one. */
export interface Asker {
  ask(body: Body): Promise<void>;
  close(): void;
}

export function createAsker(url: string): Asker {
  const client = createClient(url);
  return {
    ask: async (body) => {
      const { body: answer } = await client.post(body);
      if (answer.includes('"errors"')) throw new Error(`An answer tells errors: ${answer.slice(-500)}`);
    },
    close: () => {
      client.close();
    },
  };
}
