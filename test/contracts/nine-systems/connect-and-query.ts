import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NineSystem, RefusedSystem, RunningSystem } from './nine-system.js';
import { readWritten, type Written } from './written-files.js';

/** Connects systems with the commands of the installed package, and queries them through its gateway. */

/** What `connect` printed and how it called the system. */
interface ConnectRun {
  exitCode: number;
  output: string;
  /** Of processor time, because other work on the machine makes a command wait. */
  seconds: number;
  counts: { reads: number; others: number } | undefined;
}

export interface Run extends ConnectRun {
  written: Written;
  /** The calls that `connect` reports. */
  calls: number;
  tested: { exitCode: number; output: string };
  answer: unknown;
}

export async function connectAndQuery(system: NineSystem, installed: string): Promise<Run> {
  const { source } = system.right;
  const running = await system.start();
  try {
    const { folder, command } = makeProject(installed, source);
    const connected = await connect(source, running, command);
    if (connected.exitCode !== 0) throw new Error(connected.output);
    const [, calls = ''] = /^(\d+) calls were sent to measure/m.exec(connected.output) ?? [];
    const written = readWritten(folder, source);
    const tested = await command(['test', source]);
    const started = await command(['start'], {
      environment: { ...running.settings, PORT: '0' },
      whenReady: (url) => query(url, system.query.text),
    });
    return { ...connected, written, calls: Number(calls), tested, answer: started.result };
  } finally {
    await running.close();
  }
}

/** Connects a system that must be refused. Returns the files of the project too. */
export async function connectRefused(
  system: RefusedSystem,
  installed: string,
): Promise<ConnectRun & { files: readonly string[] }> {
  const running = await system.start();
  try {
    const { folder, command } = makeProject(installed, system.source);
    return { ...(await connect(system.source, running, command)), files: readdirSync(folder) };
  } finally {
    await running.close();
  }
}

async function connect(
  source: string,
  { what, standardInput, environment, counts }: RunningSystem,
  command: Command,
): Promise<ConnectRun> {
  const words = ['connect', source, what, '--yes', '--interval', '1 ms'];
  const { exitCode, output } = await command(words, { environment, standardInput });
  const [, ms = ''] = /^processor: (\d+) ms$/m.exec(output) ?? [];
  return { exitCode, output, seconds: Number(ms) / 1_000, counts: counts?.() };
}

/** Reports the processor time of a command when it ends. */
const REPORT_TIME = `process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  console.log('processor: ' + Math.round((user + system) / 1_000) + ' ms');
});`;

interface CommandOptions {
  environment?: Readonly<Record<string, string>> | undefined;
  standardInput?: string | undefined;
  /** Called with the address of the gateway when it is ready. Then the command is stopped. */
  whenReady?: (url: string) => Promise<unknown>;
}

type Command = (
  words: readonly string[],
  options?: CommandOptions,
) => Promise<{ exitCode: number; output: string; result: unknown }>;

/** Makes a project folder, and returns how commands of the package are run in it. */
function makeProject(installed: string, source: string): { folder: string; command: Command } {
  const folder = join(installed, `project-of-${source}`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'gateway.yaml'), 'auth: off\n');
  const program = join(installed, 'node_modules/stekkerdoos/dist/src/cli/cli.js');
  const command: Command = async (words, { environment = {}, standardInput = '', whenReady } = {}) => {
    const child = spawn(process.execPath, [program, ...words], {
      cwd: folder,
      env: {
        ...{ PATH: process.env['PATH'], HOME: installed, TMPDIR: process.env['TMPDIR'] },
        NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(REPORT_TIME)}`,
        ...{ NO_COLOR: '1', ID_SECRET: 'a secret of the tests' },
        ...environment,
      },
    });
    const ended = once(child, 'close');
    let output = '';
    let result: Promise<unknown> | undefined;
    const read = (chunk: unknown): void => {
      output += String(chunk);
      const [, url] = /ready (http\S+)\/graphql/.exec(output) ?? [];
      if (url === undefined || whenReady === undefined || result !== undefined) return;
      result = whenReady(url).finally(() => child.kill());
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.stdin.end(standardInput);
    await ended;
    if (whenReady !== undefined && result === undefined) throw new Error(output);
    return { exitCode: child.exitCode ?? 0, output, result: await result };
  };
  return { folder, command };
}

const MAX_QUERIES = 5;

/** Queries until there is no error: on a busy machine, the first call to a system may exceed its timeout. */
async function query(url: string, text: string): Promise<unknown> {
  let answer: unknown;
  for (let n = 0; n < MAX_QUERIES; n += 1) {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: text }),
    });
    answer = await response.json();
    if (typeof answer !== 'object' || answer === null || !('errors' in answer)) break;
  }
  return answer;
}
