import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { Started } from '../bench-process.js';
import { usageOfProcess } from '../usage-of-process.js';
import { tailcallConfig } from './tailcall-config.js';

/** Starts Tailcall, which is not a Node program, as a child of this process. This process reports its usage. */
export async function startTailcall(): Promise<Started> {
  const { BENCH_TAILCALL: program = '', BENCH_TAILCALL_CONFIG: path = '' } = process.env;
  const port = await freePort();
  await writeFile(path, tailcallConfig(port, process.env));
  const tailcall = spawn(program, ['start', path], {
    // Without these settings it sends telemetry and checks for a newer version. No proxy listens at this address.
    env: { TAILCALL_TRACKER: 'false', TAILCALL_LOG_LEVEL: 'error', HTTPS_PROXY: 'http://127.0.0.1:9' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(tailcall, 'exit').then(() => {
    throw new Error('Tailcall ended.');
  });
  const { pid } = tailcall;
  if (pid === undefined) return ended;
  process.once('exit', () => tailcall.kill());
  const url = `http://127.0.0.1:${port}/graphql`;
  await Promise.race([untilUp(url), ended]);
  return { ready: { url }, usage: () => usageOfProcess(pid), close: () => Promise.resolve() };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function untilUp(url: string): Promise<void> {
  const body = JSON.stringify({ query: '{ __typename }' });
  const isUp = () =>
    fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body }).then(
      ({ ok }) => ok,
      () => false,
    );
  for (let tries = 0; !(await isUp()); tries += 1) {
    if (tries === 100) throw new Error('Tailcall did not become ready.');
    await wait(100);
  }
}
