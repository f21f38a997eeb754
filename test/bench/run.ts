import { parseArgs } from 'node:util';
import type { Bench } from './bench.js';
import { audience } from './audience.js';
import { bulk } from './bulk.js';
import { cacheReads } from './cache.js';
import { clicks } from './clicks.js';
import { cpuOfFifty, cpuOfOne } from './cpu.js';
import { curves } from './curves.js';
import { defer } from './defer.js';
import { demo } from './demo.js';
import { FULL, QUICK } from './effort.js';
import { events } from './events.js';
import { faultControl } from './fault-control.js';
import { hanging } from './hanging.js';
import { hot } from './hot.js';
import { identity } from './identity.js';
import { latency } from './latency.js';
import { createClient } from './load.js';
import { memory } from './memory.js';
import { mixed } from './mixed.js';
import { outage } from './outage.js';
import { overload } from './overload.js';
import { pluggedIn } from './plugged-in.js';
import { priority } from './priority.js';
import { privacy } from './privacy.js';
import { visitorTiming } from './visitor-timing.js';
import { warm } from './warm.js';
import { build, start, type Build, type Running, type StartOptions } from './processes.js';
import { CUSTOMERS, customerQuery, SYSTEMS } from './query.js';
import { leftOut, json, table, type Figure } from './report.js';
import { sameAnswers } from './same-answers.js';
import { soak } from './soak.js';

/**
 * `npm run bench [-- --quick] [--json] [--only <part>]... [--profile <folder>] [--minutes <of the soak>]`,
 * with the parts below.
 *
 * The bench reports speed and asserts nothing: the exit code differs from 0 only if a part failed.
 */
const PARTS = [
  'latency',
  'cpu',
  'list',
  'memory',
  'hot',
  'warm',
  'mixed',
  'outage',
  'bulk',
  'audience',
  'defer',
  'plugged-in',
  'curves',
  'cache',
  'identity',
  'clicks',
  'overload',
  'hanging',
  'priority',
  'privacy',
  'timing',
  'events',
  'demo',
];
/** Parts that start everything they need. The other parts need the four systems. */
const ALONE = ['cache', 'identity', 'clicks', 'demo'];
/** Parts that run only when they are named, because they take long. */
const ONLY_BY_NAME = ['soak'];
const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: PARTS },
    profile: { type: 'string' },
    minutes: { type: 'string', default: '10' },
  },
});
for (const part of options.only)
  if (![...PARTS, ...ONLY_BY_NAME].includes(part))
    throw new Error(`There is no part "${part}": choose from ${[...PARTS, ...ONLY_BY_NAME].join(', ')}.`);
const minutes = Number(options.minutes);
if (!(minutes > 0)) throw new Error('--minutes takes a number above 0.');
const effort = options.quick ? QUICK : FULL;
const isSelected = (...parts: string[]) => parts.some((part) => options.only.includes(part));

const running: Running[] = [];

async function run(compiled: Build): Promise<Figure[]> {
  const figures: Figure[] = [];
  const open = (item: Omit<StartOptions, 'build' | 'profileFolder'>) =>
    track(start({ build: compiled, profileFolder: options.profile, ...item }));
  /** Runs a part and stops its processes. When it fails, the other parts still run, and the exit code is 1. */
  const part = async (what: string, measure: () => Promise<Figure[]>): Promise<void> => {
    progress(what);
    const before = running.length;
    try {
      figures.push(...(await measure()));
    } catch (error) {
      process.exitCode = 1;
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      figures.push(leftOut(what, 'x', 'it failed: see standard error'));
    }
    await stop(running.length - before);
  };

  if (isSelected('identity')) await part('identity', () => identity({ open }));
  if (isSelected('cache')) await part('reading from the cache', () => cacheReads({ open }));
  if (isSelected('clicks')) await part('reading a click log', () => clicks({ open }));
  if (options.only.some((part) => !ALONE.includes(part))) {
    progress('starting the systems');
    const sources = await Promise.all(
      SYSTEMS.map((system) =>
        open({
          role: 'source',
          environment: { BENCH_SYSTEMS: system, BENCH_CUSTOMERS: String(CUSTOMERS) },
        }),
      ),
    );
    const settings = Object.assign({}, ...sources.map(({ ready }) => ready.settings)) as Record<
      string,
      string
    >;
    const control = faultControl(sources.map(({ ready }) => ready.url));
    const environment = {
      ...settings,
      PORT: '0',
      ID_SECRET: 'a secret of the bench',
      AUTH: 'off',
      LOG_LEVEL: 'warn',
    };

    if (isSelected('latency', 'cpu', 'list')) {
      await part('comparing with the hand-written schema', async () => {
        const gateway = await open({ role: 'gateway', environment });
        const handWritten = await open({ role: 'hand-written', environment });
        const contenders = { gateway, handWritten };
        const compared = [await sameAnswers('hand-written', gateway, handWritten)];
        if (isSelected('latency')) {
          progress('latency');
          compared.push(...(await latency(contenders, { settings, control }, effort)));
        }
        if (!isSelected('cpu', 'list')) return compared;
        const interpreted = await open({
          role: 'gateway',
          environment: { ...environment, EXECUTION: 'interpreted' },
        });
        const stitched = await open({ role: 'stitched', environment });
        compared.push(await sameAnswers('plain stitching', gateway, stitched));
        const all = { ...contenders, interpreted, stitched };
        if (isSelected('cpu')) {
          progress('CPU per request about one customer');
          const answer = await answerOf(gateway);
          const yoga = await open({ role: 'yoga' });
          const fixed = await open({ role: 'static', environment: { BENCH_STATIC_BODY: answer } });
          compared.push(...(await cpuOfOne(all, { yoga, fixed }, control, effort)));
        }
        if (isSelected('list')) {
          progress('CPU per request about fifty customers');
          compared.push(...(await cpuOfFifty(all, control, effort)));
        }
        return compared;
      });
    }
    if (isSelected('memory'))
      await part('memory', async () => memory(await open({ role: 'gateway', environment }), effort));
    const bench: Bench = { open, environment, control, effort, programs: compiled.folder };
    if (isSelected('hot')) await part('hot customers', () => hot(bench));
    if (isSelected('warm')) await part('cached answers', () => warm(bench));
    if (isSelected('mixed')) await part('hot and cold customers', () => mixed(bench));
    if (isSelected('outage')) await part('an outage of two systems', () => outage(bench));
    if (isSelected('bulk')) await part('a thousand customers from all systems', () => bulk(bench));
    if (isSelected('audience')) await part('the plan of an audience', () => audience(bench));
    if (isSelected('defer')) await part('@defer', () => defer(bench));
    if (isSelected('plugged-in')) await part('sources that a query does not use', () => pluggedIn(bench));
    if (isSelected('curves')) await part('more customers, more sources', () => curves(bench));
    if (isSelected('overload')) await part('overload', () => overload(bench));
    if (isSelected('hanging')) await part('a system that hangs', () => hanging(bench));
    if (isSelected('priority')) await part('an export during page views', () => priority(bench));
    if (isSelected('privacy')) await part('cost of privacy', () => privacy(bench));
    if (isSelected('timing')) await part('response times for a visitor', () => visitorTiming(bench));
    if (isSelected('events')) await part('webhooks', () => events(bench));
    if (isSelected('soak')) await part(`${minutes} minutes of soak`, () => soak(bench, minutes));
    await stop(running.length);
  }
  if (isSelected('demo')) await part('the demo', () => demo(effort));
  return figures;
}

async function answerOf({ ready }: Running): Promise<string> {
  const client = createClient(ready.url);
  const { body } = await client.post(customerQuery('everywhere@example.nl'));
  client.close();
  return body;
}

async function track(starting: Promise<Running>): Promise<Running> {
  const started = await starting;
  running.unshift(started);
  return started;
}

/** Stops the processes that were started last. */
async function stop(count: number): Promise<void> {
  for (const child of running.splice(0, count)) await child.stop();
}

function progress(what: string): void {
  process.stderr.write(`${what} ...\n`);
}

const compiled = await build();
process.once('exit', compiled.remove);
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    progress(`ended by ${signal}`);
    process.exit(1);
  });
try {
  const figures = await run(compiled);
  process.stdout.write(options.json ? json(figures) : `\n${table(figures)}`);
} finally {
  await stop(running.length);
}
