import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { jobClient, rowsIn, Status, type Job } from './job-client.js';

const LINES_PER_JOB = 4_500;
/** The most jobs that are submitted and not finished. */
const MAX_OPEN_JOBS = 4;

export interface JobCrashReport {
  kills: number;
  jobs: number;
  rows: number;
  /** The violations. Each list must be empty. */
  unfinished: string[];
  lost: string[];
  repeated: string[];
  wrong: string[];
  /** Status and body of the answers with a server error. */
  refused: string[];
}

type Gateway = ChildProcessByStdio<Writable, Readable, null>;
type SubmittedJob = Job & { name: string };

/**
 * Kills one of two gateways repeatedly at random times, while both answer jobs of one store: a file, or a PostgreSQL. Then the
 * results of all accepted jobs are fetched and compared with their lines.
 */
export async function crashJobs({
  kills,
  postgresUrl,
}: {
  kills: number;
  postgresUrl?: string | undefined;
}): Promise<JobCrashReport> {
  const folder = mkdtempSync(join(tmpdir(), 'bulk-crash-'));
  mkdirSync(join(folder, 'operations'));
  writeFileSync(
    join(folder, 'operations', 'card.graphql'),
    'query Card($by: CustomerKey!) { customer(by: $by) { name } }',
  );
  const spawned: Gateway[] = [];
  const refused: string[] = [];
  const ports = new Map<Gateway, number>();

  function prepare(): Gateway {
    const args = ['--import', 'tsx', 'test/bulk/job-crash-process.ts', folder];
    // The URL is not an argument, because its password would be in the list of processes.
    const env = { ...process.env, CRASH_POSTGRES_URL: postgresUrl };
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
    spawned.push(child);
    return child;
  }
  async function begin(gateway: Gateway): Promise<void> {
    gateway.stdin.write('begin\n');
    const ended = once(gateway, 'exit').then(() => {
      throw new Error('A gateway ended before it listened.');
    });
    ended.catch(() => undefined);
    const [line] = (await Promise.race([once(gateway.stdout, 'data'), ended])) as [Buffer];
    ports.set(gateway, Number(String(line)));
  }

  const client = jobClient({
    fetch: async (path, init) => {
      const response = await fetch(`http://127.0.0.1:${String(anyOf([...ports.values()]))}${path}`, init);
      if (response.status >= 500) {
        refused.push(`${response.status} ${await response.text()}`);
        throw new Error(`A gateway answered with status ${response.status}.`);
      }
      return response;
    },
  });
  /** Repeats a request until a gateway answers it completely. */
  async function answered<T>(request: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await request();
      } catch (error) {
        // A kill breaks connections and responses; a schema error is a wrong answer.
        if (error instanceof z.ZodError) throw error;
        await sleep(50);
      }
    }
  }
  const stateOf = ({ id }: Job) =>
    answered(async () => Status.parse(await (await client.send(`jobs/${id}`)).json()).state);

  const jobs: SubmittedJob[] = [];
  let isOver = false;
  const continues = () => !isOver;
  async function submitJobs(): Promise<void> {
    const open = new Set<SubmittedJob>();
    for (let number = 1; continues(); number += 1) {
      const name = `j${number}`;
      const body = Array.from({ length: LINES_PER_JOB }, (_, i) =>
        JSON.stringify({ personId: idOf(name, i + 1) }),
      );
      const response = await client.submit(body.join('\n')).catch(() => undefined);
      const text = await response?.text().catch(() => undefined);
      if (response?.status === 202 && text !== undefined) {
        const { id, key = '' } = Status.parse(JSON.parse(text));
        const job = { id, key, name };
        jobs.push(job);
        open.add(job);
      }
      while (open.size >= MAX_OPEN_JOBS && continues()) {
        for (const job of open) if ((await stateOf(job)) !== 'running') open.delete(job);
        await sleep(100);
      }
    }
  }

  try {
    await Promise.all([begin(prepare()), begin(prepare())]);
    const submitting = submitJobs();
    let next = prepare();
    for (let kill = 0; kill < kills; kill += 1) {
      await sleep(Math.random() * 2_000);
      const gateway = anyOf([...ports.keys()]);
      gateway.kill('SIGKILL');
      await once(gateway, 'exit');
      ports.delete(gateway);
      await begin(next);
      if (kill < kills - 1) next = prepare();
    }
    isOver = true;
    await submitting;
    const report = {
      ...{ kills, jobs: jobs.length, rows: 0 },
      ...{ unfinished: [], lost: [], repeated: [], wrong: [], refused },
    } as JobCrashReport;
    for (const job of jobs) {
      if (!(await isFinished(job, stateOf))) {
        report.unfinished.push(job.id);
        continue;
      }
      compare(job, await answered(async () => (await client.results(job)).text()), report);
    }
    return report;
  } finally {
    isOver = true;
    for (const child of spawned) child.kill('SIGKILL');
    for (const child of spawned)
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    rmSync(folder, { recursive: true });
  }
}

/** A part waits at most for the lease of a killed gateway, then it is answered. */
async function isFinished(job: Job, stateOf: (job: Job) => Promise<string>): Promise<boolean> {
  for (let tries = 0; tries < 600; tries += 1) {
    const state = await stateOf(job);
    if (state === 'finished') return true;
    if (state !== 'running' && state !== 'queued') return false;
    await sleep(100);
  }
  return false;
}

function compare({ name }: SubmittedJob, text: string, report: JobCrashReport): void {
  const seen = new Set<number>();
  for (const { line, input, data, errors } of rowsIn(text)) {
    report.rows += 1;
    const id = idOf(name, line);
    if (seen.has(line)) report.repeated.push(id);
    seen.add(line);
    const customer = z.object({ name: z.string() }).safeParse(data?.['customer']).data;
    if (input?.['personId'] !== id || customer?.name !== `name of ${id}` || errors !== undefined)
      report.wrong.push(id);
  }
  for (let line = 1; line <= LINES_PER_JOB; line += 1)
    if (!seen.has(line)) report.lost.push(idOf(name, line));
}

const idOf = (job: string, line: number) => `${job}-${line}`;

function anyOf<T>(all: readonly T[]): T {
  const found = all[Math.floor(Math.random() * all.length)];
  if (found === undefined) throw new Error('No gateway runs.');
  return found;
}
