import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { startOrderSystem } from '../../sources/order-system/stand-in/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { CALLER_SETTINGS } from '../support/callers.js';
import { createTestGateway } from '../support/gateway.js';
import { faultControl } from '../support/stand-ins.js';
import { auditIn, codesOf, emailOf, jobClient, linesOf, rowsIn, Status, type Sent } from './job-client.js';

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-jobs-'));
const storeFolder = mkdtempSync(join(tmpdir(), 'stekkerdoos-jobs-store-'));
const auditFile = join(folder, 'audit.jsonl');
const system = await startOrderSystem(createWorld({ customers: 30 }));
const control = await faultControl([system]);
writeFileSync(
  join(folder, 'card.graphql'),
  'query Card($by: CustomerKey!) { customer(by: $by) { id name primaryEmail orderCount { value } } }',
);
writeFileSync(join(folder, 'suppressed'), '');
const gateway = createTestGateway(
  {
    ...CALLER_SETTINGS,
    ...system.settings(control.sources['order-system']?.url ?? ''),
    ADMIN_TOKEN: 'an admin token of the tests',
    AUDIT_FILE: auditFile,
    BULK_JOBS_PER_CALLER: '6',
    BULK_JOB_MAX_LINES: '2500',
    DEADLINE_MS: '20000',
    SUPPRESSION_FILE: join(folder, 'suppressed'),
    WEBHOOK_FILE: join(storeFolder, 'webhooks.db'),
    WEBHOOK_SECRET: 'a secret of the tests',
  },
  { operations: pathToFileURL(`${folder}/`) },
);
afterAll(async () => {
  await gateway.close();
  await control.close();
  await system.close();
  for (const path of [folder, storeFolder]) rmSync(path, { recursive: true });
});

const { send, submit, statusOf, finishedJob, results } = jobClient(gateway);
const MARKETING = { 'x-purpose': 'MARKETING' };

/** All files of the store, as text. */
const onDisk = () =>
  readdirSync(storeFolder)
    .map((name) => readFileSync(join(storeFolder, name), 'latin1'))
    .join('\n');

async function setConsent(email: string, status: string): Promise<void> {
  const owner = new pg.Client({ connectionString: system.ownerUrl });
  await owner.connect();
  await owner.query(
    `UPDATE customer_consents SET status = $1, changed_at = now() WHERE purpose = 'MARKETING'
     AND cust_no = (SELECT cust_no FROM customers WHERE email = $2)`,
    [status, email],
  );
  await owner.end();
}

describe('a bulk job', () => {
  test('returns the rows that the stream returns, and nothing readable is stored', async () => {
    const body = `${linesOf([emailOf(5), emailOf(6), 'stranger@example.nl'])}\nnot json`;
    const response = await submit(body);
    expect(response.status).toBe(202);
    expect(response.headers.get('preference-applied')).toBe('respond-async');
    const { id, key } = Status.parse(await response.json());
    expect(response.headers.get('location')).toBe(`/bulk/jobs/${id}`);
    const job = { id, key: key ?? '' };
    await vi.waitFor(async () => {
      expect(await statusOf(id)).toMatchObject({
        state: 'finished',
        lines: { read: 4, answered: 4, failed: 1 },
        errors: [{ code: 'BAD_USER_INPUT', lines: 1 }],
        parts: { all: 1, finished: 1, ready: 1 },
      });
    }, 20_000);
    // A finished job has nothing to pause.
    expect(Status.parse(await (await send(`jobs/${id}/pause`, { method: 'POST' })).json()).state).toBe(
      'finished',
    );
    const answer = await results(job);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('link')).toBeNull();
    const streamed = await send('card', {
      ...{ method: 'POST', body, headers: { 'content-type': 'application/x-ndjson' } },
    });
    const rows = rowsIn(await answer.text());
    expect(rows).toEqual(rowsIn(await streamed.text()));
    const name = z.object({ name: z.string() }).parse(rows[0]?.data?.['customer']).name;
    const disk = onDisk();
    expect(disk).toContain(id);
    for (const secret of [name, emailOf(5), 'stranger@example.nl', job.key])
      expect(disk).not.toContain(secret);
    // Both reading and handing over are in the audit.
    const audited = auditIn(auditFile).filter((line) => !('job' in line));
    expect(audited.slice(-3)).toMatchObject(
      Array(3).fill({
        caller: 'operator',
        operation: { name: 'Card' },
        customers: [{}, {}].map(() => expect.any(String) as unknown),
      }),
    );
  }, 30_000);

  test('is visible only to its caller, and its results need its key', async () => {
    const job = await finishedJob(linesOf([emailOf(7)]));
    const other = { role: 'campaign' } as const;
    expect((await send(`jobs/${job.id}`, other)).status).toBe(404);
    expect((await results(job, '', other)).status).toBe(404);
    expect((await send(`jobs/${job.id}`, { ...other, method: 'DELETE' })).status).toBe(404);
    const second = await finishedJob(linesOf([emailOf(7)]));
    expect((await results({ ...job, key: second.key })).status).toBe(403);
    expect((await results({ ...job, key: 'x' })).status).toBe(403);
    expect((await send(`jobs/${job.id}/results`)).status).toBe(400);
    expect((await results(job)).status).toBe(200);
    for (const { id } of [job, second]) await send(`jobs/${id}`, { method: 'DELETE' });
  });

  test('has parts, which can be fetched from any part on, as CSV too', async () => {
    const emails = Array.from({ length: 1_010 }, (_, i) => emailOf((i % 30) + 1));
    const job = await finishedJob(`email,note\n${emails.map((email) => `${email},"a\nb"`).join('\n')}`, {
      headers: { 'content-type': 'text/csv' },
    });
    const first = await results(job, '?parts=1&format=csv');
    expect(first.headers.get('link')).toBe(
      `</bulk/jobs/${job.id}/results?parts=1&format=csv&after=1>; rel="next"`,
    );
    const text = await first.text();
    expect(text.split('\n')[0]).toBe(
      'line,input.email,input.note,id,name,primaryEmail,orderCount.value,errors,asOf',
    );
    const second = await results(job, '?after=1');
    expect(second.headers.get('link')).toBeNull();
    expect(rowsIn(await second.text()).map(({ line }) => line)).toEqual(
      Array.from({ length: 10 }, (_, i) => i + 1_002),
    );
    expect((await (await results(job, '?after=1&format=csv')).text()).slice(0, 5)).toBe('1002,');
    await send(`jobs/${job.id}`, { method: 'DELETE' });
  }, 30_000);

  test('hands over no data of a customer who has withdrawn consent or was suppressed after reading', async () => {
    const sent = { role: 'campaign', headers: MARKETING } as const;
    const job = await finishedJob(linesOf([emailOf(5), emailOf(10), emailOf(15)]), sent);
    const before = rowsIn(await (await results(job, '', sent)).text());
    expect(before.map((row) => row.data?.['customer'])).toEqual(
      Array(3).fill(expect.objectContaining({ id: expect.any(String) as unknown })),
    );
    await setConsent(emailOf(10), 'WITHDRAWN');
    await gateway.fetch('/admin/forget', {
      method: 'POST',
      headers: { authorization: 'Bearer an admin token of the tests' },
      body: JSON.stringify({ identifier: { email: emailOf(15) }, suppress: true }),
    });
    const after = rowsIn(await (await results(job, '', sent)).text());
    expect(after[0]).toEqual(before[0]);
    expect(after.map(({ input, data }) => ({ input, data })).slice(1)).toEqual([
      { input: { email: emailOf(10) }, data: null },
      { input: { email: emailOf(15) }, data: null },
    ]);
    expect(after.slice(1).map(codesOf)).toEqual([expect.arrayContaining(['CONSENT_REQUIRED']), ['ERASED']]);
    await setConsent(emailOf(10), 'GIVEN');
    await send(`jobs/${job.id}`, { ...sent, method: 'DELETE' });
  }, 30_000);

  test('is deleted with its results', async () => {
    const job = await finishedJob(linesOf([emailOf(8)]));
    expect((await send(`jobs/${job.id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await statusOf(job.id)).state).toBe('cancelled');
    expect((await results(job)).status).toBe(410);
  });

  const refusals: [string, string, Sent, number][] = [
    ['a body without lines', '', {}, 400],
    ['more lines than allowed', linesOf(Array.from({ length: 2_501 }, () => emailOf(1))), {}, 413],
    ['a CSV without an identifier', 'name\nEva', { headers: { 'content-type': 'text/csv' } }, 400],
  ];
  test.each(refusals)('is refused for %s, and nothing is stored', async (_, body, sent, status) => {
    expect((await submit(body, sent)).status).toBe(status);
  });

  test('is refused if its caller has the most jobs', async () => {
    const jobs = [];
    let response = await submit(linesOf([emailOf(9)]));
    for (let count = 0; count < 6 && response.status === 202; count += 1) {
      jobs.push(Status.parse(await response.json()).id);
      response = await submit(linesOf([emailOf(9)]));
    }
    expect(response.status).toBe(429);
    for (const id of jobs) await send(`jobs/${id}`, { method: 'DELETE' });
    expect((await submit(linesOf([emailOf(9)]))).status).toBe(202);
  });

  const requests: [string, string, string, number][] = [
    ['an unknown job', 'GET', 'jobs/job_x', 404],
    ['an unknown action', 'POST', 'jobs/job_x/stop', 405],
    ['an unknown format', 'GET', 'jobs/job_x/results?format=xml', 400],
  ];
  test.each(requests)('answers %s with an error', async (_, method, path, status) => {
    expect((await send(path, { method })).status).toBe(status);
  });
});
