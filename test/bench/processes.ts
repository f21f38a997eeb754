import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { copyFile, cp, mkdtemp, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { V8_FLAGS } from '../../src/v8/flags.js';
import type { Answer, BenchCommand, Ready, Role, Usage } from './bench-process.js';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A child process of the bench. */
export interface Running {
  ready: Ready;
  /** CPU time and memory of the process since its start. */
  usage: () => Promise<Usage>;
  /** Forces a garbage collection, then returns the usage. */
  collect: () => Promise<Usage>;
  /** Lets all of its cache entries expire. */
  forget: () => Promise<void>;
  /** Whether the process has not ended. */
  isRunning: () => boolean;
  stop: () => Promise<void>;
}

/** Compiled code, as `npm run build` writes it, in a temporary folder. */
export interface Build {
  folder: string;
  remove: () => void;
}

/**
 * Compiles the measured code. With tsx, it would differ from the code of `npm start`: tsx sets the name of every
 * function that is created while a request is answered, which costs time.
 */
export async function build(): Promise<Build> {
  const folder = await mkdtemp(join(tmpdir(), 'stekkerdoos-bench-'));
  await promisify(execFile)(process.execPath, [
    join(ROOT, 'node_modules/typescript/bin/tsc'),
    '-p',
    join(ROOT, 'test/bench'),
    '--outDir',
    folder,
  ]);
  // Skip the packages of the peers, which are hundreds of megabytes.
  const filter = (path: string) => !path.endsWith('.ts') && !path.endsWith('node_modules');
  for (const part of ['schema', 'src', 'sources', 'test/bench', 'test/support']) {
    await cp(join(ROOT, part), join(folder, part), { recursive: true, filter });
  }
  await copyFile(join(ROOT, 'package.json'), join(folder, 'package.json'));
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return {
    folder,
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const GATEWAYS: readonly Role[] = ['gateway', 'tuned-gateway', 'gateway-beside-peers'];

export interface StartOptions {
  role: Role;
  /** Program with this role. Default: that of the bench. */
  program?: string;
  /** Settings in addition to the environment of the bench. */
  environment?: Readonly<Record<string, string>>;
  build: Pick<Build, 'folder'>;
  /** V8 flags. Default: those of `npm start` for our gateway, none for other roles. */
  v8Flags?: readonly string[];
  /** Additional flags of Node. */
  flags?: readonly string[];
  /** Path of Node. Default: the Node that runs the bench. */
  node?: string;
  /** The core that the process is bound to, by the program `taskset`. Default: any. */
  core?: number | undefined;
  /** Folder for a CPU profile, written when the process stops. */
  profileFolder?: string | undefined;
}

/** Number of profiles, for distinct names: several processes of a role may run at the same time. */
let profiles = 0;

export async function start({
  role,
  program = 'test/bench/bench-process.js',
  environment = {},
  build: { folder },
  v8Flags = GATEWAYS.includes(role) ? V8_FLAGS : [],
  flags = [],
  node = process.execPath,
  core,
  profileFolder,
}: StartOptions): Promise<Running> {
  const child = fork(join(folder, program), [role], {
    cwd: ROOT,
    execPath: core === undefined ? node : 'taskset',
    env: { ...process.env, ...environment },
    execArgv: [
      ...(core === undefined ? [] : ['--cpu-list', String(core), node]),
      '--expose-gc',
      ...v8Flags,
      ...flags,
      ...(profileFolder === undefined
        ? []
        : [
            '--cpu-prof',
            `--cpu-prof-dir=${profileFolder}`,
            `--cpu-prof-name=${role}-${++profiles}.cpuprofile`,
          ]),
    ],
    // Standard output has only the figures, so the logs are dropped.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const first = await nextMessage(child, role);
  if (first.kind !== 'ready')
    throw new Error(`The process "${role}" sent "${first.kind}" before it was ready.`);
  const sendCommand = async (command: BenchCommand): Promise<Usage> => {
    child.send(command);
    const answer = await nextMessage(child, role);
    if (answer.kind !== 'usage') throw new Error(`The process "${role}" sent "${answer.kind}".`);
    return answer.usage;
  };
  return {
    ready: first.ready,
    usage: () => sendCommand('usage'),
    collect: () => sendCommand('collect'),
    forget: async () => {
      await sendCommand('forget');
    },
    isRunning: () => child.connected,
    stop: async () => {
      if (!child.connected) return;
      const gone = once(child, 'exit');
      child.send('stop' satisfies BenchCommand);
      await gone;
    },
  };
}

/** Waits for the next message of a child process. Throws when the process ends. */
async function nextMessage(child: ChildProcess, role: Role): Promise<Answer> {
  const over = new AbortController();
  try {
    return await Promise.race([
      once(child, 'message', { signal: over.signal }).then(([message]) => message as Answer),
      once(child, 'exit', { signal: over.signal }).then(([code]) => {
        throw new Error(`The process "${role}" ended with code ${String(code)}.`);
      }),
    ]);
  } finally {
    over.abort();
  }
}
