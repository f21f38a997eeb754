import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { V8_FLAGS } from '../../src/v8/flags.js';
import { faultControl } from './fault-control.js';
import { load } from './load.js';
import { build, start, type Build, type Running, type StartOptions } from './processes.js';
import { CUSTOMERS, customersEverywhere, customersQuery, customerQuery, SYSTEMS } from './query.js';
import { median, ratios } from './report.js';
import { tuningEnvironment } from './tuning.js';

/**
 * Measures flags and tricks of `src/v8` in a whole gateway:
 *
 *     node --import tsx test/bench/v8-gateway.ts [--node <path of a node>]... [--blocks 7]
 *       [--flags="<flags>"]... [--plain <file of src/v8>]... [--all="<flags>"]
 *
 * It starts a gateway as `npm start` does. For each `--flags` it starts another one with these flags, and for
 * each `--plain` one with the plain alternative to that trick. Blocks alternate between them: four clients
 * query one customer each, then one client queries fifty. The table shows the ratio of the processor time of
 * a request to that of the first gateway in the same block, and the memory at the end.
 *
 * `--all` gives further flags to all of them. With these flags V8 collects no old objects:
 *
 *     --all="--min-semi-space-size=16 --max-semi-space-size=16 --initial-heap-size=2048"
 *
 * Then the growth of the heap is the memory that requests had promoted to the old generation. A busy machine
 * does not disturb that figure.
 */
const { values: options } = parseArgs({
  options: {
    node: { type: 'string', multiple: true, default: [process.execPath] },
    flags: { type: 'string', multiple: true, default: [] },
    plain: { type: 'string', multiple: true, default: [] },
    all: { type: 'string', default: '' },
    blocks: { type: 'string', default: '7' },
  },
});
const blocks = Number(options.blocks);
const flagsIn = (text: string) => text.split(' ').filter((flag) => flag !== '');
const PLAIN: Readonly<Record<string, string>> = {
  'field-weak-map': 'export const fieldWeakMap = () => new WeakMap();',
  'transient-map': 'export const TransientMap = Map;',
  'call-signal':
    'export const CallController = AbortController; export const toAbortSignal = (signal) => signal;',
};

const builds: Build[] = [];
const running: Running[] = [];
async function compile(plain?: string): Promise<Build> {
  const compiled = await build();
  builds.push(compiled);
  if (plain !== undefined) {
    const code = PLAIN[plain];
    if (code === undefined) throw new Error(`--plain takes one of ${Object.keys(PLAIN).join(', ')}.`);
    writeFileSync(join(compiled.folder, `src/v8/${plain}.js`), code);
  }
  return compiled;
}
async function open(options: StartOptions): Promise<Running> {
  const opened = await start(options);
  running.push(opened);
  return opened;
}

const loads = [
  {
    name: 'one customer',
    bodies: customersEverywhere().map((email) => customerQuery(email)),
    requests: 600,
    connections: 4,
  },
  {
    name: '50 customers',
    bodies: [customersQuery(customersEverywhere().slice(0, 50))],
    requests: 40,
    connections: 1,
  },
];

try {
  const asItIs = await compile();
  const contenders: { name: string; build: Build; v8Flags?: readonly string[] }[] = [
    { name: 'as it is', build: asItIs },
    ...options.flags.map((flags) => ({
      name: flags === '' ? 'no flags' : flags,
      build: asItIs,
      v8Flags: flagsIn(flags),
    })),
  ];
  for (const plain of options.plain)
    contenders.push({ name: `plain ${plain}`, build: await compile(plain), v8Flags: V8_FLAGS });
  const sources = await Promise.all(
    SYSTEMS.map((system) =>
      open({
        role: 'source',
        build: asItIs,
        environment: { BENCH_SYSTEMS: system, BENCH_CUSTOMERS: String(CUSTOMERS) },
      }),
    ),
  );
  await faultControl(sources.map(({ ready }) => ready.url)).heal();
  const environment = {
    ...(Object.assign({}, ...sources.map(({ ready }) => ready.settings)) as Record<string, string>),
    PORT: '0',
    ID_SECRET: 'a secret of the bench',
    AUTH: 'off',
    LOG_LEVEL: 'warn',
    // On a busy machine the gateway would otherwise refuse requests.
    DEADLINE_MS: '60000',
    MAX_DELAY_MS: '60000',
    IDENTITY_DEADLINE_PERCENT: '100',
    ...tuningEnvironment({ '*': { limits: { timeout: '1 minute' } } }),
  };
  process.stdout.write(
    '| Node | gateway | load | CPU / unchanged | ms a request | RSS, MB | highest, MB | heap growth, kB a request |\n',
  );
  process.stdout.write(
    '| ---- | ------- | ---- | -------------- | ------------ | ------- | ----------- | ------------------------- |\n',
  );
  for (const node of options.node) {
    const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
    const gateways = [];
    for (const { name, ...contender } of contenders) {
      const gateway = await open({
        role: 'gateway',
        environment,
        node,
        flags: flagsIn(options.all),
        ...contender,
      });
      for (const { bodies, requests, connections } of loads)
        await load(gateway.ready.url, bodies, { requests: requests * 2, connections });
      gateways.push({ name, gateway, cpuMs: loads.map((): number[] => []), heapMb: loads.map(() => 0) });
    }
    for (let block = 0; block < blocks; block += 1)
      for (const { gateway, cpuMs, heapMb } of block % 2 === 0 ? gateways : gateways.toReversed())
        for (const [i, { bodies, requests, connections }] of loads.entries()) {
          const before = await gateway.usage();
          await load(gateway.ready.url, bodies, { requests, connections });
          const after = await gateway.usage();
          cpuMs[i]?.push((after.cpuMs - before.cpuMs) / requests);
          heapMb[i] = (heapMb[i] ?? 0) + after.heapMb - before.heapMb;
        }
    for (const { name, gateway, cpuMs, heapMb } of gateways) {
      const { rssMb, peakRssMb } = await gateway.usage();
      for (const [i, { name: what, requests }] of loads.entries()) {
        const cpuOfLoad = cpuMs[i] ?? [];
        const cpu = median(ratios(cpuOfLoad, gateways[0]?.cpuMs[i] ?? [])).toFixed(2);
        const figures = [cpu, median(cpuOfLoad).toFixed(2), rssMb.toFixed(0), peakRssMb.toFixed(0)];
        figures.push((((heapMb[i] ?? 0) * 1024) / (requests * blocks)).toFixed(1));
        process.stdout.write(`| ${[version, name, what, ...figures].join(' | ')} |\n`);
      }
      await gateway.stop();
    }
  }
} finally {
  for (const child of running) await child.stop();
  for (const { remove } of builds) remove();
}
