import { parseArgs } from 'node:util';
import { cpuOfFifty, cpuOfOne } from './cpu.js';
import { demo } from './demo.js';
import { FULL, QUICK } from './effort.js';
import { faultControl } from './fault-control.js';
import { latency } from './latency.js';
import { createClient } from './load.js';
import { memory } from './memory.js';
import { build, start, type Build, type Running, type StartOptions } from './processes.js';
import { CUSTOMERS, one, SYSTEMS } from './query.js';
import { json, table, type Figure } from './report.js';
import { sameAnswers } from './same-answers.js';

/**
 * `npm run bench [-- --quick] [--json] [--only <part>]... [--profile <folder>]`, with the parts below.
 *
 * Speed is told, never asserted: the exit code is only another than 0 when something broke.
 */
const PARTS = ['latency', 'cpu', 'list', 'memory', 'demo'];
const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: PARTS },
    profile: { type: 'string' },
  },
});
for (const part of options.only)
  if (!PARTS.includes(part)) throw new Error(`There is no part "${part}": choose from ${PARTS.join(', ')}.`);
const effort = options.quick ? QUICK : FULL;
const isAsked = (...parts: string[]) => parts.some((part) => options.only.includes(part));

const running: Running[] = [];

async function run(compiled: Build): Promise<Figure[]> {
  const figures: Figure[] = [];
  const open = (one: Omit<StartOptions, 'build'>) => keep(start({ build: compiled, ...one }));

  if (isAsked('latency', 'cpu', 'list', 'memory')) {
    progress('starting the systems');
    const sources = await Promise.all(
      SYSTEMS.map((system) =>
        open({
          role: 'source',
          environment: { BENCH_SYSTEM: system, BENCH_CUSTOMERS: String(CUSTOMERS) },
        }),
      ),
    );
    const settings = Object.assign({}, ...sources.map(({ ready }) => ready.settings)) as Record<
      string,
      string
    >;
    const control = faultControl(sources.map(({ ready }) => ready.url));
    const environment = { ...settings, PORT: '0', ID_SECRET: 'a secret of the bench', LOG_LEVEL: 'warn' };

    if (isAsked('latency', 'cpu', 'list')) {
      const asked = { environment, profileFolder: options.profile };
      const gateway = await open({ role: 'gateway', ...asked });
      const handWritten = await open({ role: 'hand-written', ...asked });
      const contenders = { gateway, handWritten };
      progress('comparing answers');
      figures.push(await sameAnswers(gateway, handWritten));
      if (isAsked('latency')) {
        progress('latency');
        figures.push(...(await latency(contenders, { settings, control }, effort)));
      }
      if (isAsked('cpu')) {
        progress('CPU per request about one customer');
        const answer = await answerOf(gateway);
        const yoga = await open({ role: 'yoga' });
        const fixed = await open({ role: 'static', environment: { BENCH_STATIC_BODY: answer } });
        figures.push(...(await cpuOfOne(contenders, { yoga, fixed }, control, effort)));
      }
      if (isAsked('list')) {
        progress('CPU per request about fifty customers');
        figures.push(...(await cpuOfFifty(contenders, control, effort)));
      }
    }
    if (isAsked('memory')) {
      progress('memory');
      figures.push(...(await memory(await open({ role: 'gateway', environment }), effort)));
    }
    await stopAll();
  }
  if (isAsked('demo')) {
    progress('the demo');
    figures.push(...(await demo(effort)));
  }
  return figures;
}

async function answerOf({ ready }: Running): Promise<string> {
  const client = createClient(ready.url);
  const { body } = await client.post(one('everywhere@example.nl'));
  client.close();
  return body;
}

async function keep(starting: Promise<Running>): Promise<Running> {
  const one = await starting;
  running.unshift(one);
  return one;
}

async function stopAll(): Promise<void> {
  for (const one of running.splice(0)) await one.stop();
}

function progress(what: string): void {
  process.stderr.write(`${what} ...\n`);
}

const compiled = await build();
process.once('exit', compiled.remove);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
try {
  const figures = await run(compiled);
  process.stdout.write(options.json ? json(figures) : `\n${table(figures)}`);
} finally {
  await stopAll();
}
