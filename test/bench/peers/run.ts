import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FULL, QUICK } from '../effort.js';
import { faultControl } from '../fault-control.js';
import { build, start, type Build, type Running, type StartOptions } from '../processes.js';
import { json, leftOut, table, type Figure } from '../report.js';
import { cpuBesidePeers, memoryBesidePeers, sameAnswersOfPeers } from './compare.js';
import { FLAGS, PEERS, type FlagsName, type RunningPeer } from './contenders.js';
import { installedVersions, installPeers, TAILCALL } from './installed.js';
import { writeSupergraph } from './supergraph.js';
import { PEER_SYSTEMS } from './systems.js';
import { throughputBesidePeers } from './throughput.js';

/**
 * `npm run bench:peers [-- --quick] [--json] [--profile <folder>]`: other gateways and ours, over the same systems.
 *
 * The bench reports speed and asserts nothing: the exit code is not 0 only when something failed.
 */
const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
});
const effort = options.quick ? QUICK : FULL;

const running: Running[] = [];

async function run(compiled: Build): Promise<Figure[]> {
  const open = async (one: Omit<StartOptions, 'build'>): Promise<Running> => {
    const opened = await start({ build: compiled, ...one });
    running.unshift(opened);
    return opened;
  };
  progress('installing the peers');
  await installPeers(compiled);
  const versionOf = await installedVersions();

  progress('starting the systems');
  const systems = await Promise.all(
    PEER_SYSTEMS.map((system) => open({ role: 'peer-source', environment: { BENCH_SYSTEM: system } })),
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
  };

  const figures: Figure[] = [];
  for (const flags of Object.keys(FLAGS) as FlagsName[]) {
    const before = running.length;
    const shared = { environment, flags: FLAGS[flags] };
    const gateway = await open({
      role: 'gateway-beside-peers',
      ...shared,
      // The second profile would overwrite the first.
      profileFolder: flags === 'no flags' ? options.profile : undefined,
    });
    const peers: RunningPeer[] = [];
    for (const peer of PEERS) {
      const name = peer.package === undefined ? peer.name : `${peer.name} ${versionOf(peer.package)}`;
      try {
        peers.push({ ...peer, name, running: await open({ ...peer, ...shared }) });
      } catch (error) {
        figures.push(leftOut(`${name}, ${flags}`, 'ms', reasonOf(error)));
      }
    }
    const contenders = { flags, gateway, peers };
    progress(`comparing answers, ${flags}`);
    figures.push(await sameAnswersOfPeers(contenders));
    progress(`CPU per request, ${flags}`);
    figures.push(...(await cpuBesidePeers(contenders, control, effort)));
    progress(`requests per second, ${flags}`);
    figures.push(...(await throughputBesidePeers(contenders, effort)));
    figures.push(...(await memoryBesidePeers(contenders)));
    await stop(running.length - before);
  }
  return figures;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
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
