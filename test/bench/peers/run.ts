import { join } from 'node:path';
import { execFileSync, spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { faultControl } from '../fault-control.js';
import { build, start, type Build, type Running, type StartOptions } from '../processes.js';
import { json, leftOut, table, type Figure } from '../report.js';
import { availableParallelism } from 'node:os';
import { cpuBesidePeers, sameAnswersOfPeers } from './compare.js';
import { COUNTING_FLAGS, FLAGS, PEERS, type FlagsName, type Peer, type RunningPeer } from './contenders.js';
import { FULL, QUICK } from './effort.js';
import { installedVersions, installPeers, TAILCALL } from './installed.js';
import { allocatedBesidePeers, growthOfLists, loadedBesidePeers } from './loaded.js';
import { writeSupergraph } from './supergraph.js';
import { PEER_SYSTEMS } from './systems.js';

/**
 * `npm run bench:peers [-- --quick] [--json] [--peer <role>] [--profile <folder>]`: other gateways and ours,
 * over the same systems. `--peer` can be repeated; the default is all.
 *
 * The bench reports speed and asserts nothing: the exit code differs from 0 only if a part failed.
 */
const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    peer: { type: 'string', multiple: true, default: PEERS.map(({ role }) => role) },
    profile: { type: 'string' },
  },
});
const effort = options.quick ? QUICK : FULL;
const chosenPeers = PEERS.filter(({ role }) => options.peer.includes(role));

/** The systems and the load use one core, the measured gateway another. */
const [LOAD_CORE, CONTENDER_CORE] = canPin() ? [0, 1] : [undefined, undefined];

const running: Running[] = [];

/** All measured figures. They are reported even if the bench ends early. */
const figures: Figure[] = [];

async function run(compiled: Build): Promise<void> {
  const open = async (options: Omit<StartOptions, 'build'>): Promise<Running> => {
    const opened = await start({ build: compiled, ...options });
    running.unshift(opened);
    return opened;
  };
  progress('installing the peers');
  await installPeers(compiled);
  const versionOf = await installedVersions();

  progress('starting the systems');
  const systems = await Promise.all(
    PEER_SYSTEMS.map((system) =>
      open({ role: 'peer-source', environment: { BENCH_SYSTEM: system }, core: LOAD_CORE }),
    ),
  );
  const settings = Object.assign({}, ...systems.map(({ ready }) => ready.settings)) as Record<string, string>;
  const control = faultControl(systems.map(({ ready }) => ready.url));
  const environment = {
    ...settings,
    BENCH_SUPERGRAPH: await writeSupergraph(compiled, settings),
    BENCH_TAILCALL: TAILCALL,
    BENCH_TAILCALL_CONFIG: join(compiled.folder, 'tailcall.graphql'),
    // Set as the manuals of the peers advise.
    NODE_ENV: 'production',
    PORT: '0',
    ID_SECRET: 'a secret of the bench',
    AUTH: 'off',
    LOG_LEVEL: 'warn',
    // Do not refuse requests under load, as the peers do not.
    MAX_DELAY_MS: '60000',
    // Lists of 5,000 customers, on a busy machine.
    DEADLINE_MS: '60000',
    MAX_CUSTOMERS: '5000',
    MAX_BODY_KB: '1024',
  };

  const openPeers = async (
    chosen: readonly Peer[],
    shared: Omit<StartOptions, 'build' | 'role'>,
    what: string,
  ): Promise<RunningPeer[]> => {
    const peers: RunningPeer[] = [];
    for (const peer of chosen) {
      const name = peer.package === undefined ? peer.name : `${peer.name} ${versionOf(peer.package)}`;
      try {
        peers.push({ ...peer, name, running: await open({ ...peer, ...shared }) });
      } catch (error) {
        figures.push(leftOut(`${name}, ${what}`, 'ms', reasonOf(error)));
      }
    }
    return peers;
  };
  for (const flags of Object.keys(FLAGS) as FlagsName[]) {
    const before = running.length;
    const shared = { environment, flags: FLAGS[flags], v8Flags: [], core: CONTENDER_CORE };
    const gateway = await open({
      role: 'gateway-beside-peers',
      ...shared,
      // The second profile would overwrite the first.
      profileFolder: flags === 'no flags' ? options.profile : undefined,
    });
    const alone = await open({
      role: 'gateway-beside-peers',
      ...shared,
      environment: { ...environment, BENCH_ALONE: '1' },
    });
    const contenders = { flags, gateway, alone, peers: await openPeers(chosenPeers, shared, flags) };
    progress(`comparing answers, ${flags}`);
    figures.push(await sameAnswersOfPeers(contenders));
    progress(`under load, ${flags}`);
    figures.push(...(await loadedBesidePeers(contenders, control, effort)));
    progress(`CPU per request, one after another, ${flags}`);
    figures.push(...(await cpuBesidePeers(contenders, control, effort)));
    progress(`growth of lists, ${flags}`);
    figures.push(...(await growthOfLists(contenders, control, effort)));
    await stop(running.length - before);
  }
  progress('allocated bytes');
  const shared = { environment, flags: COUNTING_FLAGS, v8Flags: [], core: CONTENDER_CORE };
  const gateway = await open({ role: 'gateway-beside-peers', ...shared });
  // Tailcall does not run on Node.
  const peers = await openPeers(
    chosenPeers.filter(({ role }) => role !== 'tailcall'),
    shared,
    'allocated bytes',
  );
  figures.push(...(await allocatedBesidePeers(gateway, peers, control, effort)));
}

/** Whether processes can be bound to cores: on Linux with the program `taskset` and at least two cores. */
function canPin(): boolean {
  return availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Stops the processes that were started last. */
async function stop(count: number): Promise<void> {
  for (const child of running.splice(0, count)) await child.stop();
}

function writeFigures(): void {
  process.stdout.write(options.json ? json(figures) : `\n${table(figures)}`);
}

function progress(what: string): void {
  process.stderr.write(`${what} ...\n`);
}

const compiled = await build();
if (LOAD_CORE !== undefined)
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', String(LOAD_CORE), String(process.pid)], {
    stdio: 'ignore',
  });
process.once('exit', compiled.remove);
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    progress(`ended by ${signal}`);
    writeFigures();
    process.exit(1);
  });
try {
  await run(compiled);
} finally {
  writeFigures();
  await stop(running.length);
}
