import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from 'citty';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { webhooks } from '../../src/cli/webhooks.js';
import { GatewayError } from '../../src/errors.js';
import { createWebhookStore, type WebhookStore } from '../../src/webhooks/store.js';
import { planFor } from '../webhooks/deliveries.js';
import { anEvent } from '../webhooks/store-contract.js';

const secret = 'a secret of the test';
let folder: string;
let file: string;
/** The store of the running gateway, which stays open. */
let store: WebhookStore;
let ids: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'webhooks-'));
  file = join(folder, 'webhooks.db');
  store = await createWebhookStore({ file, secret });
  await store.add([anEvent('anna')]);
  const [event] = await store.leaseEvents(1, 60_000);
  if (event === undefined) throw new Error('There is no event.');
  const plans = ['mailer', 'crm'].map((endpoint) => planFor(event.event, endpoint, Date.now() - 1_000));
  ids = await store.processed(event, { deliveries: plans });
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

/** Runs `stekkerdoos webhooks <args>` while the gateway runs. */
async function run(...rawArgs: string[]): Promise<{ code: number; out: string; err: string }> {
  vi.stubEnv('WEBHOOK_FILE', file);
  vi.stubEnv('WEBHOOK_SECRET', secret);
  const output = { out: '', err: '' };
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((output.out += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((output.err += String(text)), true));
  try {
    await runCommand(webhooks, { rawArgs });
    return { code: Number(process.exitCode ?? 0), ...output };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { code: 2, out: output.out, err: error.message };
  } finally {
    process.exitCode = undefined;
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  }
}

async function giveUp(endpoint: string): Promise<void> {
  for (const delivery of await store.leaseDeliveries(endpoint, 10, 60_000))
    await store.settle(delivery, { state: 'dead', attempts: 10, reason: 'status 500' });
}

it('lists deliveries with their outcomes, without data of the customer', async () => {
  await giveUp('mailer');
  const all = await run('list');
  expect(all.out.trim().split('\n')).toHaveLength(2);
  const dead = await run('list', '--state', 'dead');
  expect(dead.out).toMatch(
    /^msg_\S+ {2}dead {2}mailer {2}orderPlaced {2}due \S+Z {2}10 attempts {2}status 500\n$/,
  );
  const shown = await run('show', ids[0] ?? '');
  expect(shown.out).toContain('state dead\n');
  for (const { out } of [all, dead, shown]) expect(out).not.toContain('anna');
  expect(await run('list', '--state', 'lost')).toMatchObject({ code: 2, out: '' });
  expect(await run('show', 'msg_none')).toMatchObject({ code: 2, err: 'There is no such delivery.' });
});

it('shows only the times that a delivery has', async () => {
  const timesOf = async (id = '') =>
    (await run('show', id)).out.split('\n').flatMap((line) => /^(\w+) \S+Z$/.exec(line)?.[1] ?? []);
  await giveUp('mailer');
  expect(await timesOf(ids[0])).toEqual(['createdAt', 'dueAt', 'finishedAt']);
  expect(await timesOf(ids[1])).toEqual(['createdAt', 'dueAt', 'nextAt']);
});

it('replays one delivery, or all dead deliveries', async () => {
  await giveUp('mailer');
  await giveUp('crm');
  expect(await run('replay', ids[0] ?? '')).toMatchObject({ code: 0, out: '1 queued again.\n' });
  expect(await store.find(ids[0] ?? '')).toMatchObject({ state: 'waiting', attempts: 0 });
  expect(await run('replay', '--dead', '--endpoint', 'mailer')).toMatchObject({ code: 1 });
  expect(await run('replay', '--dead')).toMatchObject({ code: 0, out: '1 queued again.\n' });
  expect(await run('replay')).toMatchObject({ code: 2 });
});

it('lists the disabled endpoints, and enables them', async () => {
  await store.disable('mailer', 'status 410');
  const { out } = await run('endpoints');
  expect(out).toMatch(
    /^crm {2}enabled {2}1 waiting\nmailer {2}disabled since \S+Z \(status 410\) {2}1 dead\n$/,
  );
  expect(await run('endpoints', 'enable', 'mailer')).toMatchObject({ code: 0 });
  expect(await store.disabled()).toEqual([]);
  expect(await run('endpoints', 'enable', 'mailer')).toMatchObject({ code: 2 });
});
