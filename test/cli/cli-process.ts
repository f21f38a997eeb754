import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { vi } from 'vitest';
import { runCommandLine } from '../../src/cli/command-line.js';
import { compiledFolder } from '../support/compiled.js';

export interface Ran {
  code: number | string | null;
  out: string;
  err: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const SETTINGS = { ID_SECRET: 'a secret of the tests', AUTH: 'off' };

/** Runs `stekkerdoos <words>` in a separate process, with only the settings of `environment`. */
export async function stekkerdoos(
  words: readonly string[],
  environment: Environment,
  input = '',
): Promise<Ran> {
  const child = spawn(process.execPath, [join(await compiledFolder(), 'src/cli/cli.js'), ...words], {
    env: { PATH: process.env['PATH'], ...SETTINGS, ...environment },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => (out += String(chunk)));
  child.stderr.on('data', (chunk) => (err += String(chunk)));
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

/** Runs `stekkerdoos <words>` in the process of the test, which is much faster. */
export async function stekkerdoosHere(
  words: readonly string[],
  environment: Environment,
  input = '',
): Promise<Ran> {
  const ofWorker = process.exitCode;
  const folder = process.cwd();
  const written = { out: '', err: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((chunk) => {
      written[stream === 'stdout' ? 'out' : 'err'] += String(chunk);
      return true;
    }),
  );
  const stdin = vi.spyOn(process, 'stdin', 'get').mockReturnValue(standardInput(input));
  for (const [name, value] of Object.entries({ ...SETTINGS, ...environment })) vi.stubEnv(name, value);
  process.exitCode = undefined;
  try {
    await runCommandLine([...words]);
    return { code: exitCode(), ...written };
  } finally {
    process.exitCode = ofWorker;
    process.chdir(folder);
    vi.unstubAllEnvs();
    stdin.mockRestore();
    for (const spy of spies) spy.mockRestore();
  }
}

function exitCode(): number | string {
  return process.exitCode ?? 0;
}

/** A text on standard input, which is not a terminal. */
function standardInput(text: string): typeof process.stdin {
  return Object.assign(Readable.from([text]), { isTTY: false, fd: 0 }) as unknown as typeof process.stdin;
}
