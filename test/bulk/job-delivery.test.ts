import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { CALLER_SETTINGS } from '../support/callers.js';
import { createTestGateway } from '../support/gateway.js';
import { faultControl } from '../support/stand-ins.js';
import { startReceiver } from '../webhooks/receiver.js';
import { auditIn, emailOf, jobClient, linesOf, Status } from './job-client.js';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
let passedMs = 0;
const realNow = Date.now.bind(Date);
// The store reads the clock that exists when it opens.
vi.spyOn(Date, 'now').mockImplementation(() => realNow() + passedMs);

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-job-delivery-'));
const auditFile = join(folder, 'audit.jsonl');
const [control, receiver] = await Promise.all([faultControl([], ['order-system']), startReceiver()]);
writeFileSync(
  join(folder, 'card.graphql'),
  'query Card($by: CustomerKey!) { customer(by: $by) { id name primaryEmail } }',
);
const gateway = createTestGateway(
  {
    ...CALLER_SETTINGS,
    ...control.settings,
    AUDIT_FILE: auditFile,
    DEADLINE_MS: '20000',
    WEBHOOK_FILE: join(folder, 'webhooks.db'),
    WEBHOOK_SECRET: 'a secret of the tests',
    WEBHOOK_ENDPOINTS: JSON.stringify([
      { name: 'tool', url: receiver.url, secrets: [SECRET], allowPrivate: true, callers: ['operator'] },
      { name: 'gone', url: receiver.url, secrets: [SECRET], allowPrivate: true, callers: ['operator'] },
    ]),
  },
  { operations: pathToFileURL(`${folder}/`) },
);
await gateway.opened;
const { submit, submitted, send, statusOf, whenState, finishedJob } = jobClient(gateway);
afterEach(async () => {
  answerWith(() => ({ status: 204 }));
  verified.length = 0;
  receiver.received.length = 0;
  await control.heal();
});
afterAll(async () => {
  vi.restoreAllMocks();
  await gateway.close();
  await receiver.close();
  await control.close();
  rmSync(folder, { recursive: true });
});

const Message = z.object({ type: z.string(), timestamp: z.iso.datetime(), data: z.looseObject({}) });
const rowsData = z.object({
  job: z.string(),
  operation: z.literal('Card'),
  part: z.number(),
  parts: z.number(),
  rows: z.array(z.object({ line: z.number(), data: z.object({ customer: z.looseObject({}) }).nullable() })),
});

/** The messages whose signatures were valid when they arrived. */
const verified: (z.infer<typeof Message> & { message: string })[] = [];
function answerWith(answer: (typeof receiver)['answer']): void {
  receiver.answer = (received) => {
    const { id: message, headers, body } = received;
    verified.push({ message, ...Message.parse(new Webhook(SECRET).verify(body, headers)) });
    return answer(received);
  };
}
answerWith(() => ({ status: 204 }));
const messagesOf = ({ id }: { id: string }) => verified.filter(({ data }) => data['job'] === id);
const typesOf = (job: { id: string }) => messagesOf(job).map(({ type }) => type);
const patience = { timeout: 20_000, interval: 20 };
const whenFinished = (job: { id: string }) =>
  vi.waitFor(() => {
    expect(typesOf(job).at(-1)).toBe('bulk.finished');
  }, patience);

/** All files of the store, as text. */
const onDisk = () =>
  readdirSync(folder)
    .filter((name) => name.startsWith('webhooks.db'))
    .map((name) => readFileSync(join(folder, name), 'latin1'))
    .join('\n');

describe('a job for an endpoint', () => {
  test('sends each row once in signed messages, then its end, and stores no row', async () => {
    const response = await submit(
      linesOf(Array.from({ length: 600 }, (_, i) => emailOf((i % 30) + 1))),
      {},
      '?deliver=tool',
    );
    const { id, key } = Status.parse(await response.json());
    expect(key).toBeUndefined();
    await whenFinished({ id });
    const messages = messagesOf({ id });
    expect(messages.map(({ type }) => type)).toEqual([
      'bulk.rows',
      'bulk.rows',
      'bulk.rows',
      'bulk.finished',
    ]);
    const parts = messages.slice(0, 3).map(({ data }) => rowsData.parse(data));
    expect(parts.flatMap(({ rows }) => rows.map(({ line }) => line)).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 600 }, (_, i) => i + 1),
    );
    expect(parts.map(({ part, rows }) => [part, rows.length]).toSorted()).toEqual([
      [1, 250],
      [2, 250],
      [3, 100],
    ]);
    expect(messages.at(-1)?.data).toEqual({
      ...{ job: id, operation: 'Card', state: 'finished' },
      ...{ lines: 600, answered: 600, failed: 0 },
    });
    expect((await send(`jobs/${id}/results`, { headers: { 'bulk-job-key': 'x' } })).status).toBe(404);
    const name = z.object({ name: z.string() }).parse(parts[0]?.rows[0]?.data?.customer).name;
    for (const text of [name, emailOf(1), 'primaryEmail']) expect(onDisk()).not.toContain(text);
    expect(auditIn(auditFile).filter((line) => 'job' in line)).toMatchObject([
      { job: { id, act: 'submit', lines: 600 } },
      ...[250, 250, 100].map(() => ({ job: { id, act: 'deliver', endpoint: 'tool' } })),
    ]);
  }, 30_000);

  test('is answered again for each attempt, so a later attempt has current data and the same id', async () => {
    answerWith(() => ({ status: receiver.received.length === 1 ? 500 : 204 }));
    const job = await submitted(linesOf([emailOf(5)]), {}, '?deliver=tool');
    await vi.waitFor(() => {
      expect(receiver.received).toHaveLength(1);
    }, patience);
    expect((await statusOf(job.id)).lines.answered).toBe(0);
    // The first delay is 5 s, with 20 % jitter.
    passedMs += 6_000;
    await whenFinished(job);
    const [first, second] = messagesOf(job);
    expect(second?.message).toBe(first?.message);
    const [before, after] = [first, second].map((message) => message?.data['rows']);
    expect(after).not.toEqual(before);
  }, 30_000);

  test('reads no part before the endpoint can receive it', async () => {
    answerWith(() => ({ status: 429, headers: { 'retry-after': '600' } }));
    const job = await submitted(
      linesOf(Array.from({ length: 1_500 }, (_, i) => emailOf((i % 30) + 1))),
      {},
      '?deliver=tool',
    );
    await vi.waitFor(() => {
      expect(receiver.received).toHaveLength(2);
    }, patience);
    const { calls = 0 } = control.counters()['order-system'] ?? {};
    // All other parts were leased and postponed without a call.
    await finishedJob(linesOf([emailOf(5)]));
    expect(receiver.received).toHaveLength(2);
    expect((control.counters()['order-system']?.calls ?? 0) - calls).toBeLessThan(5);
    answerWith(() => ({ status: 204 }));
    passedMs += 601_000;
    await whenFinished(job);
    expect((await statusOf(job.id)).lines).toEqual({ read: 1_500, answered: 1_500, failed: 0 });
  }, 60_000);

  test('fails and disables the endpoint if that is gone, and the endpoint is not used again', async () => {
    answerWith(() => ({ status: 410 }));
    const job = await submitted(linesOf([emailOf(5)]), {}, '?deliver=gone');
    await whenState(job.id, 'failed');
    expect((await statusOf(job.id)).reason).toContain('status 410');
    const next = await submitted(linesOf([emailOf(5)]), {}, '?deliver=gone');
    await whenState(next.id, 'failed');
    expect((await statusOf(next.id)).reason).toContain('is disabled');
    expect(typesOf(next)).toEqual([]);
  }, 30_000);

  test.each([
    ['another caller', 'campaign', '?deliver=tool', 403],
    ['an unknown endpoint', 'operator', '?notify=unknown', 403],
    ['two endpoints', 'operator', '?notify=tool&deliver=tool', 400],
  ] as const)('is refused for %s', async (_, role, query, status) => {
    expect((await submit(linesOf([emailOf(5)]), { role }, query)).status).toBe(status);
  });

  test('is refused without the preference for a job', async () => {
    const headers = { prefer: 'handling=strict' };
    expect((await submit(linesOf([emailOf(5)]), { headers }, '?deliver=tool')).status).toBe(400);
  });
});

describe('the end of a job', () => {
  test('is sent to the endpoint of `notify`, while its rows wait for their key', async () => {
    const job = await submitted(linesOf([emailOf(5), 'not an address']), {}, '?notify=tool');
    expect(job.key).not.toBe('');
    await whenFinished(job);
    expect(messagesOf(job).map(({ data }) => data)).toEqual([
      {
        ...{ job: job.id, operation: 'Card', state: 'finished' },
        ...{ lines: 2, answered: 2, failed: 1 },
      },
    ]);
  }, 30_000);

  test('is sent once if the job is deleted', async () => {
    await control.set('order-system', { fault: 'hang' });
    const job = await submitted(linesOf([emailOf(40)]), {}, '?notify=tool');
    await send(`jobs/${job.id}`, { method: 'DELETE' });
    await send(`jobs/${job.id}`, { method: 'DELETE' });
    await whenFinished(job);
    expect(messagesOf(job).map(({ data }) => data['state'])).toEqual(['cancelled']);
  }, 30_000);
});
