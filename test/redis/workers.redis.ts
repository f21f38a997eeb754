import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createFaultControl } from '../../sources/stand-ins/fault-control.js';
import { startStandIns } from '../../sources/stand-ins/index.js';
import { stekkerdoos } from '../cli/cli-process.js';
import { createApiKey } from '../support/authentication.js';
import { FOUR_SYSTEMS } from '../support/stand-ins.js';
import { startRedis } from './redis-server.js';

const standIns = await startStandIns({
  customers: 40,
  ...(process.env.ORDER_SYSTEM_TEST_URL === undefined
    ? {}
    : { orderSystem: { connectionString: process.env.ORDER_SYSTEM_TEST_URL } }),
});
const control = await createFaultControl(standIns.standIns.filter(({ name }) => FOUR_SYSTEMS.includes(name)));
const redis = await startRedis();
const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-workers-'));
const { key, entry } = createApiKey('helpdesk', 'operator');

// Events need a store that workers share, and these tests are about requests.
const settings = {
  ...control.settings,
  ORDER_SYSTEM_OUTBOX_URL: '',
  // The timeout is long, so that a slow answer of the order system arrives even on a busy machine.
  ORDER_SYSTEM_LIMITS: '{"timeout":"15 s"}',
  ID_SECRET: 'a secret of the tests',
  API_KEYS: JSON.stringify([entry]),
  REDIS_URL: redis.url,
  PORT: '0',
  DEADLINE_MS: '20000',
  MAX_DELAY_MS: '60000',
};

interface Run {
  child: ChildProcess;
  url: string;
  out: () => string;
  error: () => string;
  /** Resolves to the exit code when all processes have closed their output. */
  ended: Promise<number | null>;
}

const runs: ChildProcess[] = [];
afterEach(() => {
  for (const child of runs.splice(0)) child.kill('SIGKILL');
  return control.heal();
});
afterAll(async () => {
  await control.close();
  await standIns.close();
  await redis.close();
  rmSync(folder, { recursive: true });
});

let started = 0;

const tsx = import.meta.resolve('tsx');
const program = join(import.meta.dirname, '../../src/cli/cli.ts');

/** Runs `stekkerdoos start --workers 2` in a folder, and waits until it is ready. */
async function start(more: Record<string, string> = {}, cwd = process.cwd()): Promise<Run> {
  started += 1;
  const child = spawn(process.execPath, ['--import', tsx, program, 'start', '--workers', '2'], {
    cwd,
    env: {
      PATH: process.env.PATH,
      ...settings,
      AUDIT_FILE: join(folder, `audit-${started}.jsonl`),
      ...more,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  runs.push(child);
  const [out, error] = [child.stdout, child.stderr].map((stream) => {
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    return () => text;
  }) as [() => string, () => string];
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const url = await vi.waitFor(
    () => {
      const address = /ready (http:\/\/\S+)\/graphql/.exec(out())?.[1];
      if (address === undefined) throw new Error(`not ready: ${out()}${error()}`);
      return address;
    },
    { timeout: 30_000 },
  );
  return { child, url, out, error, ended };
}

/** Uses a separate connection, because workers get connections in rotation. */
function send(url: string, options: { method?: string; body?: object } = {}): Promise<string> {
  const { method = 'GET', body } = options;
  return new Promise((resolve, reject) => {
    request(
      url,
      {
        method,
        agent: false,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      },
      (response) => {
        text(response).then(resolve, reject);
      },
    )
      .on('error', reject)
      .end(body === undefined ? undefined : JSON.stringify(body));
  });
}

interface Answer {
  data?: { customer: { id: string | null } | null };
  errors?: unknown[];
}

const QUERY = { query: '{ customer(by: { email: "everywhere@example.nl" }) { id } }' };

async function query({ url }: Run, query: object = QUERY): Promise<Answer> {
  return JSON.parse(await send(`${url}/graphql`, { method: 'POST', body: query })) as Answer;
}

let customers = 0;

/**
 * Sends eight requests to both workers while a system is slow, and returns their answers. Each call uses other customers,
 * because Redis contains the answers about earlier ones.
 */
async function querySlowly(run: Run): Promise<() => Promise<Answer>[]> {
  const calls = () => control.counters()['order-system']?.calls ?? 0;
  await control.set('order-system', { latencyMs: 500 });
  const before = calls();
  const answers = Array.from({ length: 8 }, () => {
    customers += 1;
    return query(run, {
      query: `{ customer(by: { email: "customer-${customers}@example.nl" }) { orders { nodes { number } } } }`,
    });
  });
  for (const answer of answers) answer.catch(() => undefined);
  await vi.waitFor(() => {
    expect(calls()).toBeGreaterThan(before + 1);
  }, soon);
  return () => answers;
}

/** The number of operations that each worker has answered. */
async function answeredBy({ url }: Run): Promise<Map<string, number>> {
  const counts = (await send(`${url}/metrics`)).matchAll(
    /^stekkerdoos_operations_total\{operation="anonymous",outcome="\w+",worker="(\d+)"\} (\d+)$/gm,
  );
  const all = new Map<string, number>();
  for (const [, worker = '', count] of counts) all.set(worker, (all.get(worker) ?? 0) + Number(count));
  return all;
}

/** The process ids of the workers, without other processes of tsx. */
function workersOf({ child }: Run): number[] {
  return execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, ...words]) => parent === String(child.pid) && words.join(' ').includes('cli.ts'))
    .map(([pid]) => Number(pid));
}

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const soon = { timeout: 30_000, interval: 50 };

describe('a gateway of two workers', () => {
  let run: Run;
  beforeAll(async () => {
    run = await start();
    runs.splice(0);
  });
  afterAll(async () => {
    run.child.kill('SIGTERM');
    await run.ended;
  });

  it('reports once that it is ready, after both workers are ready', async () => {
    expect(run.out().match(/ready http/g)).toHaveLength(1);
    expect(workersOf(run)).toHaveLength(2);
    await vi.waitFor(async () => {
      expect((await answeredBy(run)).size).toBe(2);
    }, soon);
  });

  it('answers with both workers, and each of them reports the work of both', async () => {
    for (let i = 0; i < 10; i += 1) expect((await query(run)).errors).toBeUndefined();
    await vi.waitFor(async () => {
      const counts = await answeredBy(run);
      expect([...counts.values()].every((count) => count > 0)).toBe(true);
      expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(10);
    }, soon);
  });

  it('forgets in both workers if one of them receives the request', async () => {
    const idsOf = async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => query(run)));
      return new Set(answers.map(({ data }) => data?.customer?.id ?? null));
    };
    const [id] = await idsOf();
    expect(id).toEqual(expect.any(String));
    await control.set('order-system', { fault: 'down' });
    // Both workers still have the cached answer.
    expect(await idsOf()).toEqual(new Set([id]));
    await send(`${run.url}/admin/forget`, {
      method: 'POST',
      body: { identifier: { email: 'everywhere@example.nl' } },
    });
    expect(await idsOf()).toEqual(new Set([null]));
  });

  it('reloads in both workers at SIGHUP, and none of them ends', async () => {
    const before = workersOf(run);
    run.child.kill('SIGHUP');
    await vi.waitFor(() => {
      expect(run.out().match(/SIGHUP: reloaded/g)).toHaveLength(2);
    }, soon);
    expect((await query(run)).errors).toBeUndefined();
    expect(workersOf(run)).toEqual(before);
  });

  it('loses only the requests in progress of a worker that dies, and starts another worker', async () => {
    const [victim = 0] = workersOf(run);
    const answers = await querySlowly(run);
    process.kill(victim, 'SIGKILL');
    const outcomes = (await Promise.allSettled(answers())).map(({ status }) => status);
    expect(outcomes).toContain('fulfilled');
    expect(outcomes).toContain('rejected');
    await vi.waitFor(() => {
      expect(run.out()).toContain('a worker has ended');
    }, soon);
    // These requests are sent during and after the replacement of the worker.
    await control.set('order-system', { latencyMs: 0 });
    await vi.waitFor(async () => {
      expect((await query(run)).errors).toBeUndefined();
      expect(run.out()).toContain('a worker was restarted');
    }, soon);
    expect(workersOf(run)).toHaveLength(2);
    expect(workersOf(run)).not.toContain(victim);
    for (let i = 0; i < 10; i += 1) expect((await query(run)).errors).toBeUndefined();
    await vi.waitFor(async () => {
      expect([...(await answeredBy(run)).values()].every((count) => count > 0)).toBe(true);
    }, soon);
  });
});

describe('a gateway of two workers that reloads', () => {
  it('replaces the gateway of both workers without a failed request', async () => {
    const project = join(folder, 'project');
    mkdirSync(project);
    const write = (settings: string) => {
      writeFileSync(join(project, 'gateway.yaml'), settings);
    };
    write('maxAliases: 2\n');
    const run = await start({}, project);
    const accepted = { data: { a: 'Query', b: 'Query' } };
    const refused = { errors: [{ extensions: { code: 'LIMIT_EXCEEDED' } }] };
    const sendAliases = () => query(run, { query: '{ a: __typename b: __typename }' });
    const expectAll = async (expected: object) => {
      // Connections reach the workers in turn.
      for (let i = 0; i < 4; i += 1) expect(await sendAliases()).toMatchObject(expected);
    };
    const reloaded = (count: number) =>
      vi.waitFor(() => {
        expect(run.out().match(/SIGHUP: reloaded/g)).toHaveLength(count);
      }, soon);
    await expectAll(accepted);

    write('maxAliases: 1\n');
    const reload = new AbortController();
    const during = (async () => {
      const answers = [];
      while (!reload.signal.aborted) answers.push(await sendAliases());
      return answers;
    })();
    run.child.kill('SIGHUP');
    await reloaded(2).finally(() => {
      reload.abort();
    });
    for (const answer of await during) expect(answer).toMatchObject('data' in answer ? accepted : refused);
    await expectAll(refused);

    write('maxAliases: none\n');
    run.child.kill('SIGHUP');
    await vi.waitFor(() => {
      expect(run.out().match(/SIGHUP: not reloaded/g)).toHaveLength(2);
    }, soon);
    await expectAll(refused);
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(0);
  });
});

describe('a worker that dies repeatedly', () => {
  it('is replaced after a longer pause each time', async () => {
    const run = await start();
    const [other] = workersOf(run);
    for (let deaths = 1; deaths <= 3; deaths += 1) {
      process.kill(workersOf(run).find((pid) => pid !== other) ?? 0, 'SIGKILL');
      await vi.waitFor(() => {
        expect(run.out().split('a worker was restarted')).toHaveLength(deaths + 1);
      }, soon);
    }
    expect([...run.out().matchAll(/"pauseMs":(\d+)/g)].map(([, pause]) => Number(pause))).toEqual([
      100, 200, 400,
    ]);
    expect((await query(run)).errors).toBeUndefined();
  });
});

describe('a gateway of two workers that ends', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`answers the requests in progress at ${signal}, exits with 0 and leaves no process`, async () => {
      const run = await start();
      const workers = workersOf(run);
      const answers = await querySlowly(run);
      run.child.kill(signal);
      for (const answer of await Promise.all(answers())) expect(answer.errors).toBeUndefined();
      expect(await run.ended).toBe(0);
      expect(workers).toHaveLength(2);
      expect(workers.filter(isRunning)).toEqual([]);
      expect(run.error()).not.toContain('Error');
      await expect(send(run.url)).rejects.toThrow('ECONNREFUSED');
    });
  }

  it('leaves a complete audit log of each worker, with a line for every answer', async () => {
    const AUDIT_FILE = join(folder, 'audited.jsonl');
    const run = await start({ AUDIT_FILE });
    const [victim = 0] = workersOf(run);
    for (let i = 0; i < 6; i += 1) await query(run);
    process.kill(victim, 'SIGKILL');
    await vi.waitFor(() => {
      expect(run.out()).toContain('a worker was restarted');
    }, soon);
    for (let i = 0; i < 6; i += 1) await query(run);
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(0);
    let lines = 0;
    for (const worker of [1, 2]) {
      const { out, code } = await stekkerdoos(['audit', 'verify', `${AUDIT_FILE}.worker-${worker}`], {});
      expect(out).toContain('nothing is missing or changed');
      expect(code).toBe(0);
      lines += Number(/^(\d+) lines/.exec(out)?.[1]);
    }
    expect(lines).toBe(12);
  });
});

describe('a worker that cannot start', () => {
  it('prevents the start, and the problem is reported once', async () => {
    const AUDIT_FILE = join(folder, 'foreign.jsonl');
    writeFileSync(`${AUDIT_FILE}.worker-2`, 'no audit log\n');
    const { code, out, err } = await stekkerdoos(['start', '--workers', '2'], {
      ...settings,
      AUDIT_FILE,
      AUTH: '',
    });
    expect(code).toBe(1);
    expect(err.match(/AUDIT_FILE cannot be written to/g)).toHaveLength(1);
    expect(err).not.toMatch(/^ +at /m);
    expect(out).not.toContain('ready http');
  });
});
