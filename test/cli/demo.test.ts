import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** The demo as `npm run demo` starts it, with temporary files in a folder of the test's own. */
let folder: string;
let running: ChildProcessWithoutNullStreams | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-demo-test-'));
  // As root, PostgreSQL runs as another user, who must get through to its own files.
  chmodSync(folder, 0o711);
});

afterEach(async () => {
  if (running !== undefined && running.exitCode === null && running.signalCode === null) {
    running.kill('SIGTERM');
    await once(running, 'exit');
  }
  running = undefined;
  rmSync(folder, { recursive: true, force: true });
});

interface Demo {
  process: ChildProcessWithoutNullStreams;
  /** All that it has said so far. */
  said(): string;
  /** Waits for a line, or for the end of the process. */
  line(pattern: RegExp): Promise<string>;
  exited: Promise<number | null>;
}

function startDemo(args: string[], environment: Record<string, string> = {}): Demo {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli/demo.ts', ...args], {
    env: { ...process.env, TMPDIR: folder, PORT: '0', FAULT_CONTROL_PORT: '0', ...environment },
  });
  running = child;
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  return {
    process: child,
    said: () => output,
    line: async (pattern) => {
      while (!pattern.test(output)) {
        if (child.exitCode !== null)
          throw new Error(`The demo ended before it said ${String(pattern)}:\n${output}`);
        await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
      }
      return pattern.exec(output)?.[1] ?? '';
    },
    exited: once(child, 'exit').then(([code]: unknown[]) => (typeof code === 'number' ? code : null)),
  };
}

test(
  'is ready from nothing with one command, answers over all systems, and leaves nothing behind when stopped',
  { timeout: 60_000 },
  async () => {
    const demo = startDemo(['--customers', '20']);
    const url = await demo.line(/^ready (http:\/\/localhost:\d+\/graphql)$/m);
    const faultControl = await demo.line(/^fault control +(\S+)/m);
    expect(demo.said().trimEnd().split('\n').at(-1)).toBe(`ready ${url}`);

    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: '{ customer(by: {email: "customer-20@example.nl"}) { name knownTo { status } } }',
      }),
    });
    const { data } = (await response.json()) as { data: { customer: { knownTo: { status: string }[] } } };
    expect(data.customer.knownTo).toHaveLength(7);
    const counters = (await (await fetch(faultControl)).json()) as {
      sources: Record<string, { calls: number }>;
    };
    expect(Object.keys(counters.sources)).toHaveLength(12);
    expect(counters.sources).toMatchObject({ 'order-system': { calls: 1 }, kvk: { calls: 0 } });

    demo.process.kill('SIGTERM');
    expect(await demo.exited).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
    await expect(fetch(faultControl)).rejects.toThrow();
    expect(leftBehind()).toEqual([]);
  },
);

test('stops cleanly when it is told to while it is still seeding', { timeout: 60_000 }, async () => {
  const demo = startDemo(['--customers', '2000']);
  await demo.line(/seeding/);
  demo.process.kill('SIGINT');
  expect(await demo.exited).toBe(0);
  expect(leftBehind()).toEqual([]);
});

test('says which setting to change when a port is taken, before it seeds anything', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  for (const variable of ['PORT', 'FAULT_CONTROL_PORT']) {
    const demo = startDemo([], { [variable]: String(port) });
    expect(await demo.exited).toBe(1);
    expect(demo.said()).toContain(`${variable} ${port} is taken by another program`);
    expect(demo.said()).not.toContain('seeding');
  }
  server.close();
});

test('names everything that is wrong with its settings at once', async () => {
  const demo = startDemo(['--customers', 'many'], { PORT: 'http' });
  expect(await demo.exited).toBe(1);
  expect(demo.said()).toContain('--customers must be a whole number');
  expect(demo.said()).toContain('PORT is not right');
  expect(demo.said()).not.toContain('    at ');
});

/** What the demo's own processes put into the temporary folder; the compiler's cache is not theirs. */
function leftBehind(): string[] {
  return readdirSync(folder).filter((name) => !name.startsWith('tsx-'));
}
