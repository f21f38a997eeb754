import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTuned, type Bench } from './bench.js';
import { asOperator, CALLER_SETTINGS } from './callers.js';
import { createClient, load, type Body } from './load.js';
import { customersEverywhere, one } from './query.js';
import { spread, type Figure } from './report.js';

/**
 * What it costs that a caller says who it is, that every field is held to its policy, that customers' consent is asked
 * (and kept), and that each answer has its line in the audit: CPU per request about one customer, beside the same with
 * nothing of it. All that is asked of the systems but consent is kept: what privacy adds is the same, and not lost in what
 * asking them takes.
 */
export async function privacy(bench: Bench): Promise<Figure[]> {
  const { control, effort } = bench;
  const { blocks, sent, warmUp } = effort;
  const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-bench-audit-'));
  try {
    const held = await openTuned(bench, KEPT, {
      ...WORKED_OUT,
      ...CALLER_SETTINGS,
      AUDIT_FILE: join(folder, 'audit.jsonl'),
    });
    const free = await openTuned(bench, KEPT, WORKED_OUT);
    const headers = asOperator('MARKETING');
    const bodies = await allowed(held.ready.url, headers);
    await control.heal();
    const runs = [
      { running: held, headers, cpuMs: [] as number[] },
      { running: free, headers: {}, cpuMs: [] as number[] },
    ];
    for (const { running, headers: own } of runs)
      await load(running.ready.url, bodies, { requests: warmUp, connections: 1, headers: own });
    for (let block = 0; block < blocks; block += 1)
      for (const { running, headers: own, cpuMs } of block % 2 === 0 ? runs : runs.toReversed()) {
        const before = await running.usage();
        await load(running.ready.url, bodies, { requests: PER_BLOCK * sent, connections: 1, headers: own });
        cpuMs.push(((await running.usage()).cpuMs - before.cpuMs) / (PER_BLOCK * sent));
      }
    const [withAll, without] = runs.map(({ cpuMs }) => cpuMs);
    const overhead = (withAll ?? []).map((value, i) => (value - (without?.[i] ?? Number.NaN)) * 1_000);
    return [
      spread('CPU per request, one customer, nobody is asked who they are', without ?? [], 'ms'),
      spread('CPU per request, one customer, with callers, policies, consent and audit', withAll ?? [], 'ms'),
      { ...spread('What privacy costs, CPU per request', overhead, 'µs'), atMost: 60 },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Answers are quick here, so there can be more of them. */
const PER_BLOCK = 5;

/** Of an answer that is given whole there would be nothing to compare. */
const WORKED_OUT = { ANSWERS_MAX_MB: '0' };

const KEPT = { '*': { freshness: { maxAge: '1 hour' } } } as const;

/** As of one customer elsewhere in the bench, but for what is not to be had for a purpose that needs consent: tickets. */
const FIELDS = `id name emails { value source }
  orders(first: 3) { nodes { number placedAt total { amount currency } lines { quantity product { sku title } } } }
  language company { name } cart { total { amount currency } }`;

/** Consent is kept for seconds: of so few customers it is asked so seldom that it is warm. */
const CUSTOMERS = 3;

/** Only customers who allow it: of others there is less to answer. */
async function allowed(url: string, headers: Readonly<Record<string, string>>): Promise<Body[]> {
  const client = createClient(url, headers);
  const bodies: Body[] = [];
  for (const body of customersEverywhere().map((email) => one(email, FIELDS))) {
    if (bodies.length === CUSTOMERS) break;
    if (!(await client.post(body)).body.includes('"errors"')) bodies.push(body);
  }
  client.close();
  if (bodies.length < CUSTOMERS) throw new Error(`Only ${bodies.length} customers allow all that is asked.`);
  return bodies;
}
