import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { compiledFolder } from '../support/compiled.js';
import { FOUR_SYSTEMS, faultControl, patientSettings } from '../support/stand-ins.js';

interface Run {
  child: ChildProcessByStdio<null, Readable, Readable>;
  out: () => string;
  error: () => string;
  /** The exit code, or the signal that ended the process. */
  ended: Promise<number | NodeJS.Signals>;
}

const root = join(import.meta.dirname, '../..');
const runs: Run[] = [];
afterEach(async () => {
  for (const { child, ended } of runs.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
});

let program: string;
beforeAll(async () => {
  program = await compiledFolder();
});

/** Runs the gateway as `npm start` does, with only these settings. */
function runMain(settings: Record<string, string>): Run {
  const child = spawn(process.execPath, [join(program, 'src/process/main.js')], {
    env: { PATH: process.env.PATH, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const run: Run = {
    child,
    out: readAll(child.stdout),
    error: readAll(child.stderr),
    ended: once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals),
  };
  runs.push(run);
  return run;
}

function readAll(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return () => text;
}

async function readyAt({ out, error }: Run, timeoutMs = 15_000): Promise<string> {
  return vi.waitFor(
    () => {
      const address = /ready (http:\/\/\S+\/graphql)/.exec(out())?.[1];
      if (address === undefined) throw new Error(`not ready: ${out()}${error()}`);
      return address;
    },
    { timeout: timeoutMs },
  );
}

describe('the gateway as a process', { timeout: 30_000 }, () => {
  let control: FaultControl;
  let settings: Record<string, string>;

  beforeAll(async () => {
    control = await faultControl([], FOUR_SYSTEMS);
    settings = {
      ...control.settings,
      ...patientSettings(),
      ID_SECRET: 'a secret of the tests',
      AUTH: 'off',
      PORT: '0',
    };
  });
  afterEach(() => control.heal());
  afterAll(() => control.close());

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`answers its in-flight requests at ${signal}, then ends with success`, async () => {
      const run = runMain(settings);
      const address = await readyAt(run);
      await control.set('order-system', { latencyMs: 300 });
      const query = '{ customer(by: { email: "everywhere@example.nl" }) { orders { nodes { number } } } }';
      const answer = fetch(`${address}?${new URLSearchParams({ query }).toString()}`);
      await vi.waitFor(
        () => {
          expect(control.counters()['order-system']?.calls).toBeGreaterThan(0);
        },
        { timeout: 10_000 },
      );
      run.child.kill(signal);
      expect(await (await answer).json()).toMatchObject({
        data: { customer: { orders: { nodes: Array.from({ length: 6 }, () => ({})) } } },
      });
      expect(await run.ended).toBe(0);
      expect(run.error()).not.toContain('Error');
    });
  }

  test.each([
    [
      'npm start',
      (folder: string) => {
        const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
          scripts: { start: string };
        };
        // The script of package.json without the build.
        const start = scripts.start.replace('dist/src/process/main.js', `"${program}/src/process/main.js"`);
        writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'started', scripts: { start } }));
        symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
        return ['start', '--prefix', folder];
      },
    ],
    ['npx stekkerdoos start', () => ['exec', '-c', `node "${program}/src/cli/cli.js" start; exit $?`]],
  ])('ends when npm ends at SIGTERM: %s', { timeout: 90_000 }, async (_, argumentsIn) => {
    const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-npm-'));
    const child = spawn('npm', argumentsIn(folder), {
      env: { PATH: process.env.PATH, HOME: folder, ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
    const run: Run = { child, out: readAll(child.stdout), error: readAll(child.stderr), ended };
    runs.push(run);
    const address = await readyAt(run, 60_000);
    child.kill('SIGTERM');
    // The output is closed when the last process that writes to it has ended.
    await run.ended;
    expect(run.out()).toContain('the gateway answers its in-flight requests, then stops');
    await expect(fetch(address)).rejects.toThrow();
    rmSync(folder, { recursive: true, force: true });
  });

  test('reports all problems of its settings together, and does not start', async () => {
    const run = runMain({ ...settings, ID_SECRET: '', PORT: 'eighty', MAX_DEPTH: '-1' });
    expect(await run.ended).toBe(1);
    expect(run.error()).toContain('Stekkerdoos cannot start:');
    for (const variable of ['ID_SECRET', 'PORT', 'MAX_DEPTH'])
      expect(run.error()).toContain(`- ${variable} `);
    expect(run.error()).not.toMatch(/^ +at /m);
    expect(run.error()).not.toContain('eighty');
  });

  test('does not start without callers unless AUTH=off, which it warns about', async () => {
    const silent = runMain({ ...settings, AUTH: '' });
    expect(await silent.ended).toBe(1);
    expect(silent.error()).toContain('AUTH is on, but no caller can authenticate. Set API_KEYS');
    const open = runMain(settings);
    await readyAt(open);
    expect(open.out()).toMatch(
      /"level":40,.*AUTH=off: every client that can reach this gateway may read all data of all customers/,
    );
  });

  test('logs its settings at start, and masks secrets', async () => {
    const secrets = {
      ID_SECRET: 'hunter2-for-the-ids',
      ADMIN_TOKEN: 'hunter2-for-administration',
      AUDIT_SECRET: 'hunter2-for-the-audit',
      CACHE_SECRET: 'hunter2-for-the-cache',
      WEBSHOP_ACCESS_TOKEN: 'hunter2-for-the-webshop',
    };
    const run = runMain({ ...settings, ...secrets, MAX_DEPTH: '17' });
    await readyAt(run);
    const line = run
      .out()
      .split('\n')
      .find((line) => line.includes('ready http'));
    expect(JSON.parse(line ?? '')).toMatchObject({
      settings: {
        ...Object.fromEntries(Object.keys(secrets).map((variable) => [variable, '***'])),
        MAX_DEPTH: '17',
        AUTH: 'off',
        WEBSHOP_URL: settings.WEBSHOP_URL,
      },
    });
    run.child.kill('SIGTERM');
    await run.ended;
    expect(run.out() + run.error()).not.toContain('hunter2');
  });

  test('reports all problems of its settings once, with several workers', async () => {
    const run = runMain({ ...settings, WORKERS: '3', ID_SECRET: '', PORT: 'eighty', AUTH: '' });
    expect(await run.ended).toBe(1);
    for (const variable of ['ID_SECRET', 'PORT', 'REDIS_URL', 'AUDIT_FILE'])
      expect(run.error().split(`- ${variable} `)).toHaveLength(2);
    expect(run.error()).not.toMatch(/^ +at /m);
    expect(run.out()).not.toContain('ready');
  });

  test('does not start with an invalid number of workers, and names WORKERS', async () => {
    const run = runMain({ ...settings, WORKERS: 'all' });
    expect(await run.ended).toBe(1);
    expect(run.error()).toContain('- WORKERS is invalid: it must be a number of processes');
  });

  test('does not start with several workers on a port in use, and names PORT', async () => {
    const first = runMain(settings);
    const { port } = new URL(await readyAt(first));
    const second = runMain({ ...settings, REDIS_URL: 'redis://127.0.0.1:1', WORKERS: '2', PORT: port });
    expect(await second.ended).toBe(1);
    expect(second.error().split(`PORT ${port} `)).toHaveLength(2);
  });

  test('explains how to plug in a source if there is none', async () => {
    const run = runMain({ ID_SECRET: 'a secret of the tests', AUTH: 'off' });
    expect(await run.ended).toBe(1);
    expect(run.error()).toContain('No source is plugged in');
    expect(run.error()).not.toMatch(/^ +at /m);
  });

  test('does not start on a port in use, and names PORT', async () => {
    const first = runMain(settings);
    const { port } = new URL(await readyAt(first));
    const second = runMain({ ...settings, PORT: port });
    expect(await second.ended).toBe(1);
    expect(second.error()).toContain(`PORT ${port}`);
    expect(second.error()).not.toMatch(/^ +at /m);
  });

  test('does not start without a store for events, and names WEBHOOK_FILE', async () => {
    const run = runMain({
      ...settings,
      WEBHOOK_FILE: '/nowhere/webhooks.db',
      WEBHOOK_SECRET: 'a secret of the tests of starting',
    });
    expect(await run.ended).toBe(1);
    expect(run.error()).toContain('WEBHOOK_FILE cannot be opened');
    expect(run.error()).not.toMatch(/^ +at /m);
  });
});
