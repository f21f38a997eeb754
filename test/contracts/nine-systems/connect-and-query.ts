import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NineSystem } from './nine-system.js';
import { readWritten, type Written } from './written-files.js';

/** Connects a system with the commands of the installed package, and queries it through its gateway. */

export interface Run {
  written: Written;
  /** The calls that `connect` reports. */
  calls: number;
  seconds: number;
  output: string;
  counts: { reads: number; others: number } | undefined;
  tested: { exitCode: number; output: string };
  answer: unknown;
}

export async function connectAndQuery(system: NineSystem, installed: string): Promise<Run> {
  const { source } = system.right;
  const folder = join(installed, `project-of-${source}`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'gateway.yaml'), 'auth: off\n');
  const running = await system.start();
  const command = commandsIn(installed, folder);
  try {
    const begun = performance.now();
    const words = ['connect', source, running.what, '--yes', '--interval', '1 ms'];
    const connected = await command(words, running.environment, running.standardInput);
    const seconds = (performance.now() - begun) / 1_000;
    if (connected.exitCode !== 0) throw new Error(connected.output);
    const counts = running.counts?.();
    const [, calls = ''] = /^(\d+) calls were sent to measure/m.exec(connected.output) ?? [];
    const written = readWritten(folder, source);
    const tested = await command(['test', source]);
    const answer = await command(['start'], { ...running.settings, PORT: '0' }, '', (url) =>
      query(url, system.query.text),
    );
    return {
      ...{ written, calls: Number(calls), seconds, counts, output: connected.output },
      ...{ tested, answer: answer.result },
    };
  } finally {
    await running.close();
  }
}

interface Ended {
  exitCode: number;
  output: string;
  result: unknown;
}

/** Runs a command to its end, or until the gateway has answered. */
function commandsIn(installed: string, folder: string) {
  const program = join(installed, 'node_modules/stekkerdoos/dist/src/cli/cli.js');
  return async (
    words: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    standardInput = '',
    whenReady?: (url: string) => Promise<unknown>,
  ): Promise<Ended> => {
    const child = spawn(process.execPath, [program, ...words], {
      cwd: folder,
      env: {
        ...{ PATH: process.env['PATH'], HOME: installed, TMPDIR: process.env['TMPDIR'] },
        ...{ NO_COLOR: '1', ID_SECRET: 'a secret of the tests' },
        ...environment,
      },
    });
    const ended = once(child, 'close');
    let output = '';
    let answered: Promise<unknown> | undefined;
    const read = (chunk: unknown): void => {
      output += String(chunk);
      const [, url] = /ready (http\S+)\/graphql/.exec(output) ?? [];
      if (url === undefined || whenReady === undefined || answered !== undefined) return;
      answered = whenReady(url).finally(() => child.kill());
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.stdin.end(standardInput);
    await ended;
    if (whenReady !== undefined && answered === undefined) throw new Error(output);
    return { exitCode: child.exitCode ?? 0, output, result: await answered };
  };
}

async function query(url: string, text: string): Promise<unknown> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: text }),
  });
  return response.json();
}
