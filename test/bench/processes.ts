import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { V8_FLAGS } from '../../src/v8/flags.js';
import type { Answer, BenchCommand, Ready, Role, Usage } from './bench-process.js';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A process of the bench, at its service. */
export interface Running {
  ready: Ready;
  /** What it has used so far. */
  usage: () => Promise<Usage>;
  /** The same after a forced garbage collection. */
  collect: () => Promise<Usage>;
  /** Lets everything that it has cached grow too old. */
  forget: () => Promise<void>;
  /** False once it has ended, by itself too. */
  isRunning: () => boolean;
  stop: () => Promise<void>;
}

/** Program code as `npm run build` makes it, in a folder of its own. */
export interface Build {
  folder: string;
  remove: () => void;
}

/**
 * Compiles what is measured. Run by tsx it would be other code than `npm start` runs: tsx gives every function that is
 * made while a request is answered its name, which costs.
 */
export async function build(): Promise<Build> {
  const folder = await mkdtemp(join(tmpdir(), 'stekkerdoos-bench-'));
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as {
    config: { compilerOptions: object };
  };
  // A single file does not tell that its package is one of ES modules.
  const module = 'ESNext';
  const own = { ...config.compilerOptions, module, moduleResolution: 'Bundler', sourceMap: false };
  const { options } = ts.convertCompilerOptionsFromJson(own, ROOT);
  for (const part of ['schema', 'src', 'sources', 'test/bench', 'test/support']) {
    // The peers of the bench have packages of their own, hundreds of megabytes of them.
    for (const from of ts.sys.readDirectory(join(ROOT, part), undefined, ['**/node_modules'])) {
      const to = join(folder, relative(ROOT, from));
      await mkdir(dirname(to), { recursive: true });
      if (!from.endsWith('.ts')) await copyFile(from, to);
      else {
        const text = await readFile(from, 'utf8');
        const code = ts.transpileModule(text, { compilerOptions: options, fileName: from });
        await writeFile(to.replace(/\.ts$/, '.js'), code.outputText);
      }
    }
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
  /** The program that has this role. Default: the bench's own. */
  program?: string;
  /** Settings for it beside those of the bench's own environment. */
  environment?: Readonly<Record<string, string>>;
  build: Build;
  /** Of V8. Default: those that a gateway is started with, for our gateway, and none for all others. */
  v8Flags?: readonly string[];
  /** Further flags of Node. */
  flags?: readonly string[];
  /** The Node that runs it. Default: the one that runs the bench. */
  node?: string;
  /** Writes a CPU profile to this folder when it stops. */
  profileFolder?: string | undefined;
}

/** Several of a role may run at a time. */
let profiles = 0;

export async function start({
  role,
  program = 'test/bench/bench-process.js',
  environment = {},
  build: { folder },
  v8Flags = GATEWAYS.includes(role) ? V8_FLAGS : [],
  flags = [],
  node = process.execPath,
  profileFolder,
}: StartOptions): Promise<Running> {
  const child = fork(join(folder, program), [role], {
    cwd: ROOT,
    execPath: node,
    env: { ...process.env, ...environment },
    execArgv: [
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
    // What it logs is not part of the figures.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const first = await nextMessage(child, role);
  if (first.kind !== 'ready')
    throw new Error(`The process "${role}" said "${first.kind}" before it was ready.`);
  const sendCommand = async (command: BenchCommand): Promise<Usage> => {
    child.send(command);
    const answer = await nextMessage(child, role);
    if (answer.kind !== 'usage') throw new Error(`The process "${role}" said "${answer.kind}".`);
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

/** What a child says next; an end of it is an error. */
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
