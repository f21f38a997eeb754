import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { faultControl } from '../support/stand-ins.js';

interface Run {
  child: ChildProcessByStdio<null, Readable, Readable>;
  out: () => string;
  error: () => string;
  /** Its exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
}

const runs: Run[] = [];
afterEach(async () => {
  for (const { child, ended } of runs.splice(0)) {
    child.kill('SIGKILL');
    await ended;
  }
});

/** The gateway as `npm start` runs it, with these settings and no others. */
function runMain(settings: Record<string, string>): Run {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts'], {
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

async function readyAt({ out, error }: Run): Promise<string> {
  return vi.waitFor(
    () => {
      const address = /ready (http:\/\/\S+\/graphql)/.exec(out())?.[1];
      if (address === undefined) throw new Error(`not ready: ${out()}${error()}`);
      return address;
    },
    { timeout: 15_000 },
  );
}

describe('the gateway as a process', { timeout: 30_000 }, () => {
  let control: FaultControl;
  let settings: Record<string, string>;

  beforeAll(async () => {
    control = await faultControl();
    settings = { ...control.settings, ID_SECRET: 'a secret of the tests', PORT: '0' };
  });
  afterEach(() => control.heal());
  afterAll(() => control.close());

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`answers what is under way at ${signal}, then ends well`, async () => {
      const run = runMain(settings);
      const address = await readyAt(run);
      await control.set('order-system', { latencyMs: 300 });
      const query = '{ customer(by: { email: "everywhere@example.nl" }) { orders { nodes { number } } } }';
      const answer = fetch(`${address}?${new URLSearchParams({ query }).toString()}`);
      await vi.waitFor(() => {
        expect(control.counters()['order-system']?.calls).toBeGreaterThan(0);
      });
      run.child.kill(signal);
      expect(await (await answer).json()).toMatchObject({
        data: { customer: { orders: { nodes: Array.from({ length: 6 }, () => ({})) } } },
      });
      expect(await run.ended).toBe(0);
      expect(run.error()).not.toContain('Error');
    });
  }

  test('tells all that is wrong with its settings at once, and does not start', async () => {
    const run = runMain({ ...settings, ID_SECRET: '', PORT: 'eighty', MAX_DEPTH: '-1' });
    expect(await run.ended).toBe(1);
    expect(run.error()).toContain('Stekkerdoos cannot start:');
    for (const variable of ['ID_SECRET', 'PORT', 'MAX_DEPTH'])
      expect(run.error()).toContain(`- ${variable} `);
    expect(run.error()).not.toMatch(/^ +at /m);
    expect(run.error()).not.toContain('eighty');
  });

  test('without a source tells how to plug one in', async () => {
    const run = runMain({ ID_SECRET: 'a secret of the tests' });
    expect(await run.ended).toBe(1);
    expect(run.error()).toContain('No source is plugged in');
    expect(run.error()).not.toMatch(/^ +at /m);
  });

  test('on a port that is taken does not start, and names PORT', async () => {
    const first = runMain(settings);
    const { port } = new URL(await readyAt(first));
    const second = runMain({ ...settings, PORT: port });
    expect(await second.ended).toBe(1);
    expect(second.error()).toContain(`PORT ${port}`);
    expect(second.error()).not.toMatch(/^ +at /m);
  });
});
