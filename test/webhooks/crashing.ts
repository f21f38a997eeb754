import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { startReceiver } from './receiver.js';

const CUSTOMERS = 20;
/** The speed of the gateway's clock relative to real time. */
const SPEED = 200;

export interface CrashReport {
  kills: number;
  /** Events that the gateway acknowledged. */
  acknowledged: number;
  requests: number;
  /** The violations. Each list must be empty. */
  lost: string[];
  invented: string[];
  severalIds: string[];
  outOfOrder: string[];
}

type Gateway = ChildProcessByStdio<Writable, Readable, null>;

/** The number of kills, and the store: a file of one gateway, or a PostgreSQL of two gateways. */
export interface CrashOptions {
  kills: number;
  postgresUrl?: string | undefined;
}

/**
 * Kills a gateway repeatedly at random times. Meanwhile, systems send events of twenty customers in order, and repeat
 * events that were not acknowledged. The endpoint fails for one message in five, at most twice for the same event.
 */
export async function crash({ kills, postgresUrl }: CrashOptions): Promise<CrashReport> {
  const folder = await mkdtemp(join(tmpdir(), 'webhooks-'));
  const sent = new Set<string>();
  const acknowledged = new Set<string>();
  const taken = new Map<string, Set<string>>();
  const outOfOrder: string[] = [];
  const invented: string[] = [];
  const last = new Map<string, number>();
  const failures = new Map<string, number>();
  const content = z.object({ data: z.object({ customer: z.string(), event: z.string() }) });

  const receiver = await startReceiver(({ id, body }) => {
    const { customer, event } = content.parse(JSON.parse(body)).data;
    if (!sent.has(event)) invented.push(event);
    taken.set(event, (taken.get(event) ?? new Set()).add(id));
    const number = Number(event.split('-')[1]);
    const before = last.get(customer) ?? 0;
    // A message repeats the last event, because its answer may have been lost, or it has the next event.
    if (number !== before && number !== before + 1) outOfOrder.push(event);
    const failed = failures.get(event) ?? 0;
    if (failed < 2 && Math.random() < 0.2) {
      failures.set(event, failed + 1);
      return { status: 500 };
    }
    last.set(customer, number);
    return { status: 204 };
  });

  const spawned: Gateway[] = [];
  function prepare(): Gateway {
    const script = ['--import', 'tsx', 'test/webhooks/crash-process.ts'];
    const args = [...script, join(folder, 'webhooks.db'), receiver.url, String(SPEED)];
    // The URL is not an argument, because its password would be in the list of processes.
    const env = { ...process.env, CRASH_POSTGRES_URL: postgresUrl };
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
    spawned.push(child);
    return child;
  }
  const ports = new Map<Gateway, number>();
  async function begin(gateway: Gateway): Promise<void> {
    gateway.stdin.write('begin\n');
    const [line] = (await once(gateway.stdout, 'data')) as [Buffer];
    ports.set(gateway, Number(String(line)));
  }

  let isOver = false;
  async function sendEventsOf(customer: number): Promise<void> {
    for (let number = 1; !isOver; number += 1) {
      const id = `${customer}-${number}`;
      sent.add(id);
      while (!acknowledged.has(id)) {
        const port = anyOf([...ports.values()]);
        const answer = await fetch(`http://127.0.0.1:${String(port)}/`, {
          method: 'POST',
          body: JSON.stringify({ id, customer: `c${customer}` }),
        }).catch(() => undefined);
        if (answer?.status === 204) acknowledged.add(id);
        await sleep(30);
      }
    }
  }

  try {
    await Promise.all(Array.from({ length: postgresUrl === undefined ? 1 : 2 }, () => begin(prepare())));
    const senders = Array.from({ length: CUSTOMERS }, (_, customer) => sendEventsOf(customer));
    for (let kill = 0; kill < kills; kill += 1) {
      const next = prepare();
      // On a busy machine, a gateway may be killed before it acknowledges an event.
      const before = acknowledged.size;
      while (acknowledged.size <= before + CUSTOMERS) await sleep(5);
      await sleep(Math.random() * 700);
      const gateway = anyOf([...ports.keys()]);
      gateway?.kill('SIGKILL');
      if (gateway !== undefined) {
        await once(gateway, 'exit');
        ports.delete(gateway);
      }
      await begin(next);
    }
    isOver = true;
    await Promise.all(senders);
    const missing = () =>
      [...acknowledged].filter(
        (id) => (last.get(`c${id.split('-')[0] ?? ''}`) ?? 0) < Number(id.split('-')[1]),
      );
    // An event waits at most for the lease of a killed gateway and for a few failures. While some events still arrive,
    // all
    // others wait only for them.
    for (let left = Infinity; missing().length < left;) {
      left = missing().length;
      for (let tries = 0; tries < 300 && left > 0 && missing().length === left; tries += 1) await sleep(100);
    }
    return {
      kills,
      acknowledged: acknowledged.size,
      requests: receiver.received.length,
      lost: missing(),
      invented,
      severalIds: [...taken].filter(([, ids]) => ids.size > 1).map(([event]) => event),
      outOfOrder,
    };
  } finally {
    isOver = true;
    for (const child of spawned) child.kill('SIGKILL');
    for (const child of spawned)
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await receiver.close();
    await rm(folder, { recursive: true });
  }
}

function anyOf<T>(all: readonly T[]): T | undefined {
  return all[Math.floor(Math.random() * all.length)];
}
