import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTuned, type Bench } from './bench.js';
import { asOperator, CALLER_SETTINGS } from './callers.js';
import { createClient, type Body, type Client } from './load.js';
import { customersEverywhere, customerQuery } from './query.js';
import { median, spread, type Figure } from './report.js';

/**
 * Cost of authentication, field policies, cached consent and the audit log: CPU per request about one customer,
 * compared with a gateway that has none of these. All data of the systems is cached, so that their calls do not hide
 * the difference.
 */
export async function privacy(bench: Bench): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-bench-audit-'));
  try {
    const rounds: Block[][] = [];
    for (let round = 0; round < ROUNDS; round += 1) rounds.push(await measure(bench, folder));
    const blocks = rounds.flat();
    const costOf = ({ withPrivacy, withoutPrivacy }: Block) => (withPrivacy - withoutPrivacy) * 1_000;
    const costs = blocks.map(costOf);
    const layer = blocks.map(({ byYoga, withoutPrivacy }) => (byYoga - withoutPrivacy) * 1_000);
    const byRound = rounds.map((round) => median(round.map(costOf)).toFixed(1));
    const [without, withAll] = [
      blocks.map(({ withoutPrivacy }) => withoutPrivacy),
      blocks.map(({ withPrivacy }) => withPrivacy),
    ];
    return [
      spread('CPU per request, one customer, without authentication', without, 'ms'),
      spread('CPU per request, one customer, with callers, policies, consent and audit', withAll, 'ms'),
      {
        ...spread('privacy, CPU per request', costs, 'µs', `by round ${byRound.join(', ')}`),
        atMost: AT_MOST_US,
      },
      spread("Yoga's HTTP layer, CPU per request", layer, 'µs'),
      {
        name: "CPU, privacy / Yoga's HTTP layer",
        value: median(costs) / median(layer),
        unit: 'x',
        atMost: AT_MOST_US / YOGA_LAYER_US,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** CPU per request of each gateway, in milliseconds. */
interface Block {
  withPrivacy: number;
  withoutPrivacy: number;
  byYoga: number;
}

/**
 * The number of restarts of all gateways, because two processes of the same program differ by a part of the measured
 * cost.
 */
const ROUNDS = 3;

async function measure(bench: Bench, folder: string): Promise<Block[]> {
  const { control, effort } = bench;
  const { blocks, sent, warmUp } = effort;
  const audited = { ...CALLER_SETTINGS, AUDIT_FILE: join(folder, 'audit.jsonl') };
  const open = async (settings: Readonly<Record<string, string>>, headers = {}) => {
    const running = await openTuned(bench, ONE_HOUR_FRESHNESS, { ...NO_RESPONSE_CACHE, ...settings });
    return { running, client: createClient(running.ready.url, { ...REPORT_COST, ...headers }) };
  };
  const withPrivacy = await open(audited, asOperator('MARKETING'));
  const withoutPrivacy = await open({});
  const byYoga = await open({ HTTP_FRONT: 'off' });
  const gateways = { withPrivacy, withoutPrivacy, byYoga };
  const names = ['withPrivacy', 'withoutPrivacy', 'byYoga'] as const;
  const bodies = await findConsentingCustomers(withPrivacy.client);
  await control.heal();
  for (const name of names) await sendRequests(gateways[name].client, bodies, warmUp);
  const measured: Block[] = [];
  for (let block = 0; block < (BLOCK_MULTIPLIER * blocks) / ROUNDS; block += 1) {
    const measurement: Block = { withPrivacy: 0, withoutPrivacy: 0, byYoga: 0 };
    for (const name of block % 2 === 0 ? names : names.toReversed()) {
      const { running, client } = gateways[name];
      const before = await running.usage();
      await sendRequests(client, bodies, sent);
      measurement[name] = ((await running.usage()).cpuMs - before.cpuMs) / sent;
    }
    measured.push(measurement);
  }
  for (const name of names) {
    gateways[name].client.close();
    await gateways[name].running.stop();
  }
  return measured;
}

/** Goal for the cost of privacy per request. */
const AT_MOST_US = 60;
/**
 * Cost of Yoga's HTTP layer on the machine on which the goal was set. On other machines the ratio of the two
 * counts.
 */
const YOGA_LAYER_US = 100;

/** Operators receive the cost of a query, which is not part of privacy. This header makes all gateways return it. */
const REPORT_COST = { 'x-sources': '1' };

/** Sends one request after another on an open connection: the time to connect would distort a short block. */
async function sendRequests(client: Client, bodies: readonly Body[], requests: number): Promise<void> {
  for (let i = 0; i < requests; i += 1) {
    const { body } = await client.post(bodies[i % bodies.length] ?? '');
    if (body.includes('"errors"')) throw new Error(`An answer contains errors: ${body.slice(0, 300)}`);
  }
}

/** The factor for more, shorter blocks, because the speed of the machine varies more than the compared cost. */
const BLOCK_MULTIPLIER = 5;

/** A response cache would skip the compared work. */
const NO_RESPONSE_CACHE = { ANSWERS_MAX_MB: '0' };

const ONE_HOUR_FRESHNESS = { '*': { freshness: { maxAge: '1 hour' } } } as const;

/** Fields of `query.ts`, without tickets: the policy does not allow them for a purpose that needs consent. */
const FIELDS = `id name emails { value source }
  orders(first: 3) { nodes { number placedAt total { amount currency } lines { quantity product { sku title } } } }
  language company { name } cart { total { amount currency } }`;

/** Consent is cached for seconds only. With this number of customers it is cached for nearly every request. */
const CUSTOMERS = 3;

/** Returns requests about customers with consent. Answers about others have less data. */
async function findConsentingCustomers(client: Client): Promise<Body[]> {
  const bodies: Body[] = [];
  for (const body of customersEverywhere().map((email) => customerQuery(email, FIELDS))) {
    if (bodies.length === CUSTOMERS) break;
    if (!(await client.post(body)).body.includes('"errors"')) bodies.push(body);
  }
  if (bodies.length < CUSTOMERS)
    throw new Error(`Only ${bodies.length} customers have consented to all fields.`);
  return bodies;
}
