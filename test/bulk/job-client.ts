import { readFileSync } from 'node:fs';
import { expect, vi } from 'vitest';
import { z } from 'zod';
import { headersOf } from '../support/callers.js';
import type { TestGateway } from '../support/gateway.js';

export const Status = z.object({
  id: z.string(),
  key: z.string().optional(),
  state: z.string(),
  reason: z.string().optional(),
  lines: z.object({ read: z.number(), answered: z.number(), failed: z.number() }),
  errors: z.array(z.object({ code: z.string(), source: z.string().optional(), lines: z.number() })),
  parts: z.object({ all: z.number(), finished: z.number(), ready: z.number() }),
  expiresAt: z.iso.datetime(),
});
const Row = z.object({
  line: z.number(),
  input: z.record(z.string(), z.unknown()).optional(),
  data: z.record(z.string(), z.unknown()).nullable(),
  errors: z.array(z.object({ extensions: z.looseObject({ code: z.string() }) })).optional(),
});
export type Row = z.infer<typeof Row>;
type Headers = Record<string, string>;
type Role = 'operator' | 'campaign';

export interface Sent {
  method?: string;
  role?: Role;
  headers?: Headers;
  body?: string;
}

export interface Job {
  id: string;
  key: string;
}

export const linesOf = (emails: readonly string[]) =>
  emails.map((email) => JSON.stringify({ email })).join('\n');
export const emailOf = (number: number) => `customer-${number}@example.nl`;

export const rowsIn = (text: string): Row[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Row.parse(JSON.parse(line)));
export const codesOf = (row: Row | undefined) => row?.errors?.map(({ extensions }) => extensions.code);

/** The lines of an audit file. */
export const auditIn = (file: string) =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Sends requests about jobs of the operation `card` to a gateway. */
export function jobClient(gateway: Pick<TestGateway, 'fetch'>) {
  const send = async (path: string, { method = 'GET', role = 'operator', headers, body }: Sent = {}) =>
    gateway.fetch(`/bulk/${path}`, {
      method,
      headers: { ...(await headersOf(role)), ...headers },
      ...(body === undefined ? {} : { body }),
    });

  const submit = (body: string, { headers, ...sent }: Omit<Sent, 'body'> = {}, query = '') =>
    send(`card${query}`, {
      ...{ method: 'POST', body, ...sent },
      headers: { 'content-type': 'application/x-ndjson', prefer: 'respond-async', ...headers },
    });

  const submitted = async (...request: Parameters<typeof submit>): Promise<Job> => {
    const { id, key = '' } = Status.parse(await (await submit(...request)).json());
    return { id, key };
  };

  const statusOf = async (id: string, sent: Sent = {}) =>
    Status.parse(await (await send(`jobs/${id}`, sent)).json());

  const whenState = (id: string, state: string, sent: Sent = {}) =>
    vi.waitFor(
      async () => {
        expect((await statusOf(id, sent)).state).toBe(state);
      },
      { timeout: 20_000, interval: 20 },
    );

  return {
    send,
    submit,
    submitted,
    statusOf,
    /** Resolves when the job has this state. */
    whenState,
    /** Submits a job and waits until it is finished. */
    finishedJob: async (body: string, sent: Omit<Sent, 'body'> = {}): Promise<Job> => {
      const job = await submitted(body, sent);
      await whenState(job.id, 'finished', { ...sent, headers: authorizationIn(sent) });
      return job;
    },
    results: ({ id, key }: Job, query = '', sent: Sent = {}) =>
      send(`jobs/${id}/results${query}`, { ...sent, headers: { 'bulk-job-key': key, ...sent.headers } }),
  };
}

function authorizationIn({ headers = {} }: Sent): Headers {
  const { authorization } = headers;
  return authorization === undefined ? {} : { authorization };
}
