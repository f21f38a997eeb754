import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTuned, type Bench } from './bench.js';
import { asOperator, CALLER_SETTINGS } from './callers.js';
import { createClient, type Body, type Client } from './load.js';
import { customersEverywhere, one } from './query.js';
import { median, spread, type Figure } from './report.js';

/**
 * What it costs that a caller says who it is, that every field is withPrivacy to its policy, that customers' consent is asked
 * (and kept), and that each answer has its line in the audit: CPU per request about one customer, beside the same with
 * nothing of it. All that is asked of the systems but consent is kept: what privacy adds is the same, and not lost in what
 * asking them takes.
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
      spread('CPU per request, one customer, nobody is asked who they are', without, 'ms'),
      spread('CPU per request, one customer, with callers, policies, consent and audit', withAll, 'ms'),
      {
        ...spread('What privacy costs, CPU per request', costs, 'µs', `by round ${byRound.join(', ')}`),
        atMost: AT_MOST_US,
      },
      spread("What Yoga's HTTP layer costs, CPU per request", layer, 'µs'),
      {
        name: "What privacy costs / what Yoga's HTTP layer costs",
        value: median(costs) / median(layer),
        unit: 'x',
        atMost: AT_MOST_US / YOGA_LAYER_US,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Milliseconds of CPU per request, by who was asked. */
interface Block {
  withPrivacy: number;
  withoutPrivacy: number;
  byYoga: number;
}

/** Two processes of the same program differ by a part of what is measured, for as long as they live: so there are several. */
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
    const one: Block = { withPrivacy: 0, withoutPrivacy: 0, byYoga: 0 };
    for (const name of block % 2 === 0 ? names : names.toReversed()) {
      const { running, client } = gateways[name];
      const before = await running.usage();
      await sendRequests(client, bodies, sent);
      one[name] = ((await running.usage()).cpuMs - before.cpuMs) / sent;
    }
    measured.push(one);
  }
  for (const name of names) {
    gateways[name].client.close();
    await gateways[name].running.stop();
  }
  return measured;
}

/** The goal, and what Yoga's HTTP layer takes of a request where it was set. On a machine of another speed their ratio tells. */
const AT_MOST_US = 60;
const YOGA_LAYER_US = 100;

/** Those who may ask anything are told what it cost, which is no part of privacy; so are those who ask where it comes from. */
const REPORT_COST = { 'x-sources': '1' };

/** One after another, on the connection that was there before: how it begins would be a part of so short a block. */
async function sendRequests(client: Client, bodies: readonly Body[], requests: number): Promise<void> {
  for (let i = 0; i < requests; i += 1) {
    const { body } = await client.post(bodies[i % bodies.length] ?? '');
    if (body.includes('"errors"')) throw new Error(`An answer contains errors: ${body.slice(0, 300)}`);
  }
}

/** The machine's own speed swings more than what is compared: so there are more blocks, each over before it has. */
const BLOCK_MULTIPLIER = 5;

/** Of an answer that is given whole there would be nothing to compare. */
const NO_RESPONSE_CACHE = { ANSWERS_MAX_MB: '0' };

const ONE_HOUR_FRESHNESS = { '*': { freshness: { maxAge: '1 hour' } } } as const;

/** As of one customer elsewhere in the bench, but for what is not to be had for a purpose that needs consent: tickets. */
const FIELDS = `id name emails { value source }
  orders(first: 3) { nodes { number placedAt total { amount currency } lines { quantity product { sku title } } } }
  language company { name } cart { total { amount currency } }`;

/** Consent is kept for seconds: of so few customers it is asked so seldom that it is warm. */
const CUSTOMERS = 3;

/** Only customers who allow it: of others there is less to answer. */
async function findConsentingCustomers(client: Client): Promise<Body[]> {
  const bodies: Body[] = [];
  for (const body of customersEverywhere().map((email) => one(email, FIELDS))) {
    if (bodies.length === CUSTOMERS) break;
    if (!(await client.post(body)).body.includes('"errors"')) bodies.push(body);
  }
  if (bodies.length < CUSTOMERS) throw new Error(`Only ${bodies.length} customers allow all that is asked.`);
  return bodies;
}
