import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { compiled } from '../support/compiled.js';

export interface Ran {
  code: number | null;
  out: string;
  err: string;
}

/** Runs `stekkerdoos <words>` to its end, with nothing of our own environment but what a program needs. */
export async function stekkerdoos(
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  input = '',
): Promise<Ran> {
  const child = spawn(process.execPath, [join(await compiled(), 'src/cli/cli.js'), ...words], {
    env: { PATH: process.env['PATH'], ID_SECRET: 'a secret of the tests', AUTH: 'off', ...environment },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk) => (out += String(chunk)));
  child.stderr.on('data', (chunk) => (err += String(chunk)));
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}
