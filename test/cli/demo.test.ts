import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { Delivery } from '../../sources/stand-ins/campaign-tool.js';
import { sources } from '../../sources/index.js';
import { compiledFolder } from '../support/compiled.js';
import { readEventStream } from '../support/event-stream.js';
import { patientSettings } from '../support/stand-ins.js';

/** Tests the demo as `npm run demo` starts it, with its temporary files in a folder of the test. */
let folder: string;
let running: ChildProcessWithoutNullStreams | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-demo-test-'));
  // If the test runs as root, PostgreSQL runs as another user, which must be able to enter the folder.
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
  /** The output since the start. */
  said(): string;
  /** Waits for a line, or for the end of the process. */
  line(pattern: RegExp): Promise<string>;
  exited: Promise<number | null>;
}

let program: string;
beforeAll(async () => {
  program = join(await compiledFolder(), 'src/cli/cli.js');
});

/** Starts the demo as `npm run demo` does, but compiled. */
function startDemo(args: string[], environment: Record<string, string> = {}): Demo {
  const child = spawn(process.execPath, [program, 'demo', ...args], {
    env: {
      ...process.env,
      TMPDIR: folder,
      PORT: '0',
      FAULT_CONTROL_PORT: '0',
      CAMPAIGN_TOOL_PORT: '0',
      ...patientSettings(),
      ...environment,
    },
  });
  running = child;
  let output = '';
  const exited = once(child, 'exit').then(([code]: unknown[]) => (typeof code === 'number' ? code : null));
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  return {
    process: child,
    said: () => output,
    line: async (pattern) => {
      while (!pattern.test(output)) {
        if (child.exitCode !== null)
          throw new Error(`The demo ended before it said ${String(pattern)}:\n${output}`);
        await Promise.race([once(child.stdout, 'data'), exited]);
      }
      return pattern.exec(output)?.[1] ?? '';
    },
    exited,
  };
}

test(
  'starts with one command, answers with data of all systems, and leaves no files when stopped',
  { timeout: 60_000 },
  async () => {
    const demo = startDemo(['--customers', '20']);
    const url = await demo.line(/^ready (http:\/\/localhost:\d+\/graphql)$/m);
    const faultControl = await demo.line(/^fault control +(\S+)/m);
    expect(demo.said().trimEnd().split('\n').at(-1)).toBe(`ready ${url}`);

    const as = (role: string) => ({
      authorization: `Bearer ${new RegExp(`^key ${role} (\\S+)$`, 'm').exec(demo.said())?.[1] ?? ''}`,
    });
    expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(401);
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...as('operator') },
      body: JSON.stringify({
        query: '{ customer(by: {email: "customer-20@example.nl"}) { name systems { status } } }',
      }),
    });
    const { data } = (await response.json()) as { data: { customer: { systems: { status: string }[] } } };
    expect(data.customer.systems).toHaveLength(7);
    const counters = (await (await fetch(faultControl)).json()) as {
      sources: Record<string, { calls: number }>;
    };
    expect(Object.keys(counters.sources).toSorted()).toEqual(sources.map(({ name }) => name).toSorted());
    expect(counters.sources).toMatchObject({ 'crm-hubspot': { calls: 1 }, kvk: { calls: 0 } });

    demo.process.kill('SIGTERM');
    expect(await demo.exited).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
    await expect(fetch(faultControl)).rejects.toThrow();
    expect(leftBehind()).toEqual([]);
  },
);

test(
  'sends a paid order to a subscriber and the campaign tool, signed, with the new order',
  { timeout: 60_000 },
  async ({ annotate }) => {
    const demo = startDemo(['--customers', '20']);
    const url = await demo.line(/^ready (http:\/\/localhost:\d+\/graphql)$/m);
    const faultControl = await demo.line(/^fault control +(\S+)/m);
    const campaignTool = await demo.line(/^campaign tool +(\S+)/m);
    const send = (query: string, headers: Record<string, string>) =>
      fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer demo-operator', ...headers },
        body: JSON.stringify({ query }),
      });
    const query =
      '{ customer(by: {email: "customer-5@example.nl"}) { orders(first: 1) { nodes { number } } } }';
    const before = (await (await send(query, {})).json()) as {
      data: { customer: { orders: { nodes: { number: string }[] } } };
    };
    const old = before.data.customer.orders.nodes[0]?.number;
    expect(old).toMatch(/^ORD-/);

    const subscriber = await readEventStream(
      await send(
        'subscription { orderPaid { recordId customer { orders(first: 1) { nodes { number } } } } }',
        { accept: 'text/event-stream' },
      ),
    );
    const emitted = await fetch(`${faultControl}/order-system/emit`, {
      method: 'POST',
      body: JSON.stringify({ type: 'order.paid', email: 'customer-5@example.nl' }),
    });
    expect(emitted.status).toBe(200);

    const delivery = await vi.waitFor(async () => {
      const { deliveries } = (await (await fetch(`${campaignTool}/deliveries`)).json()) as {
        deliveries: Delivery[];
      };
      expect(deliveries).toHaveLength(1);
      return deliveries[0];
    }, 10_000);
    expect(delivery).toMatchObject({ verified: true, type: 'order.paid', status: 204, attempts: 1 });
    const { recordId, customer } = (delivery?.data as { orderPaid: OrderPaid }).orderPaid;
    expect(recordId).not.toBe(old);
    expect(customer).toMatchObject({
      primaryEmail: 'customer-5@example.nl',
      orders: { nodes: [{ number: recordId }] },
    });
    expect(await subscriber.next()).toEqual({
      data: { orderPaid: { recordId, customer: { orders: { nodes: [{ number: recordId }] } } } },
    });
    await annotate(`delivered ${String(delivery?.delayMs)} ms after the event`);
    await subscriber.close();

    demo.process.kill('SIGTERM');
    expect(await demo.exited).toBe(0);
    expect(leftBehind()).toEqual([]);
  },
);

interface OrderPaid {
  recordId: string;
  customer: unknown;
}

test('stops cleanly at a signal while it seeds data', { timeout: 60_000 }, async () => {
  const demo = startDemo(['--customers', '2000']);
  await demo.line(/seeding/);
  demo.process.kill('SIGINT');
  expect(await demo.exited).toBe(0);
  expect(leftBehind()).toEqual([]);
});

test('names the setting to change if a port is in use, before it seeds data', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  for (const variable of ['PORT', 'FAULT_CONTROL_PORT', 'CAMPAIGN_TOOL_PORT']) {
    const demo = startDemo([], { [variable]: String(port) });
    expect(await demo.exited).toBe(1);
    expect(demo.said()).toContain(`${variable} ${port} is in use`);
    expect(demo.said()).not.toContain('seeding');
  }
  server.close();
});

test('reports all problems of its settings at once', async () => {
  const demo = startDemo(['--customers', 'many'], { PORT: 'http' });
  expect(await demo.exited).toBe(1);
  expect(demo.said()).toContain('--customers must be a whole number');
  expect(demo.said()).toContain('PORT is invalid');
  expect(demo.said()).not.toContain('    at ');
});

/** The files that the demo left in the temporary folder. */
function leftBehind(): string[] {
  return readdirSync(folder);
}
