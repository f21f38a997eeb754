import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { CALLER_SETTINGS, visitorToken } from '../support/callers.js';
import { createTestGateway } from '../support/gateway.js';
import { faultControl } from '../support/stand-ins.js';
import { auditIn, emailOf, jobClient, linesOf, rowsIn, type Job } from './job-client.js';

const HOUR = 3_600_000;
let passedMs = 0;
const realNow = Date.now.bind(Date);
// The store reads the clock that exists when it opens.
vi.spyOn(Date, 'now').mockImplementation(() => realNow() + passedMs);

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-job-callers-'));
const auditFile = join(folder, 'audit.jsonl');
const control = await faultControl([], ['order-system']);
writeFileSync(
  join(folder, 'card.graphql'),
  'query Card($by: CustomerKey!) { customer(by: $by) { id name primaryEmail orderCount { value } } }',
);
const gateway = createTestGateway(
  {
    ...CALLER_SETTINGS,
    ...control.settings,
    AUDIT_FILE: auditFile,
    BULK_JOB_RETAIN_H: '1',
    DEADLINE_MS: '20000',
    WEBHOOK_FILE: join(folder, 'webhooks.db'),
    WEBHOOK_SECRET: 'a secret of the tests',
  },
  { operations: pathToFileURL(`${folder}/`) },
);
const { send, submit, submitted, statusOf, whenState, finishedJob, results } = jobClient(gateway);
afterEach(() => control.heal());
afterAll(async () => {
  vi.restoreAllMocks();
  await gateway.close();
  await control.close();
  rmSync(folder, { recursive: true });
});

/** The headers of a token of an operator. */
const tokenOf = async (claims: Record<string, string>) => ({
  authorization: `Bearer ${await visitorToken(emailOf(1), { roles: ['operator'], ...claims })}`,
});
const deleteJob = ({ id }: Job, headers?: Record<string, string>) =>
  send(`jobs/${id}`, { method: 'DELETE', ...(headers === undefined ? {} : { headers }) });

describe('a bulk job', () => {
  test('is visible only to the subject of the token that submitted it, also with another token', async () => {
    const anna = await tokenOf({ sub: 'anna', client_id: 'desk' });
    const job = await finishedJob(linesOf([emailOf(5)]), { headers: anna });
    const others = [
      await tokenOf({ sub: 'ben', client_id: 'desk' }),
      await tokenOf({ sub: 'anna', client_id: 'other' }),
      await tokenOf({ client_id: 'desk' }),
      {},
    ];
    for (const headers of others) {
      expect((await send(`jobs/${job.id}`, { headers })).status).toBe(404);
      expect((await results(job, '', { headers })).status).toBe(404);
      for (const action of ['pause', 'resume'])
        expect((await send(`jobs/${job.id}/${action}`, { method: 'POST', headers })).status).toBe(404);
      expect((await deleteJob(job, headers)).status).toBe(404);
    }
    const again = await tokenOf({ sub: 'anna', client_id: 'desk', jti: 'a later token' });
    expect(rowsIn(await (await results(job, '', { headers: again })).text())).toHaveLength(1);
    expect((await deleteJob(job, again)).status).toBe(204);
  });

  test('is refused for a token that names neither a subject nor a client', async () => {
    const headers = await tokenOf({});
    expect((await submit(linesOf([emailOf(5)]), { headers })).status).toBe(403);
    expect((await send('jobs/job_x', { headers })).status).toBe(403);
    const client = await tokenOf({ client_id: 'tool' });
    const job = await submitted(linesOf([emailOf(5)]), { headers: client });
    await deleteJob(job, client);
  });

  test('has results that are refused if its caller has lost a scope or the purpose', async () => {
    const anna = { sub: 'anna', client_id: 'desk' };
    const job = await finishedJob(linesOf([emailOf(5)]), {
      headers: { ...(await tokenOf(anna)), 'x-purpose': 'SERVICE' },
    });
    const refused = [
      await tokenOf({ ...anna, scope: 'customers:find profile:read orders:read' }),
      await tokenOf({ ...anna, purpose: 'CUSTOMER_CARE' }),
      await tokenOf({ ...anna, roles: 'analyst', purpose: 'ANALYTICS' }),
    ];
    for (const headers of refused) {
      const answer = await results(job, '', { headers });
      expect(answer.status).toBe(403);
      expect(await answer.text()).toContain('may no longer see the results');
    }
    expect((await results(job, '', { headers: await tokenOf(anna) })).status).toBe(200);
    await deleteJob(job, await tokenOf(anna));
  });

  test('has an audit line for its submission, each fetch and its deletion, without personal data', async () => {
    const body = linesOf([emailOf(5), emailOf(6), 'not an address']);
    const job = await finishedJob(body, { role: 'campaign', headers: { 'x-purpose': 'SERVICE' } });
    await (await results(job, '', { role: 'campaign' })).text();
    await (await results(job, '?after=1', { role: 'campaign' })).text();
    await send(`jobs/${job.id}`, { role: 'campaign', method: 'DELETE' });
    // A job that is already deleted is not deleted again.
    await send(`jobs/${job.id}`, { role: 'campaign', method: 'DELETE' });
    const lines = auditIn(auditFile).filter(
      (line) => (line['job'] as { id: string } | undefined)?.id === job.id,
    );
    const common = {
      caller: 'campaign',
      purpose: 'SERVICE',
      operation: { name: 'Card', id: expect.any(String) as string },
      customers: [],
    };
    expect(lines).toMatchObject(
      [
        ['submit', 3],
        ['fetch', 3],
        ['fetch', 0],
        ['cancel', 3],
      ].map(([act, count]) => ({ ...common, job: { id: job.id, act, lines: count } })),
    );
    expect(JSON.stringify(lines)).not.toMatch(/example\.nl|not an address/);
  });

  test('is paused after the parts in progress, continues, and is deleted while it runs', async () => {
    await control.set('order-system', { fault: 'hang' });
    const job = await submitted(linesOf(Array.from({ length: 2_001 }, (_, i) => emailOf((i % 30) + 1))));
    await whenState(job.id, 'running');
    const pause = await send(`jobs/${job.id}/pause`, { method: 'POST' });
    expect([pause.status, await pause.json()]).toMatchObject([200, { state: 'paused' }]);
    await control.heal();
    await vi.waitFor(
      async () => {
        // The third part has not started.
        expect((await statusOf(job.id)).parts).toEqual({ all: 3, finished: 2, ready: 2 });
      },
      { timeout: 20_000, interval: 20 },
    );
    expect((await statusOf(job.id)).state).toBe('paused');
    const first = await results(job);
    expect(first.headers.get('link')).toContain('after=2');
    expect(rowsIn(await first.text())).toHaveLength(2_000);
    await control.set('order-system', { fault: 'hang' });
    expect((await send(`jobs/${job.id}/resume`, { method: 'POST' })).status).toBe(200);
    await whenState(job.id, 'running');
    expect((await deleteJob(job)).status).toBe(204);
    expect((await statusOf(job.id)).state).toBe('cancelled');
    expect((await results(job)).status).toBe(410);
  }, 60_000);

  test('is reported as expired after its time, and then its results are deleted', async () => {
    const job = await finishedJob(linesOf([emailOf(7)]));
    passedMs += HOUR - 60_000;
    expect((await results(job)).status).toBe(200);
    passedMs += 60_000;
    for (const answer of [
      await send(`jobs/${job.id}`),
      await results(job),
      await send(`jobs/${job.id}/resume`, { method: 'POST' }),
      await deleteJob(job),
    ]) {
      expect(answer.status).toBe(410);
      expect(await answer.text()).toContain('expired');
    }
  });
});
