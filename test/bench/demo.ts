import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import type { Effort } from './effort.js';
import { ROOT } from './processes.js';
import { spread, type Figure } from './report.js';

const GIVE_UP_MS = 60_000;

/** Time from `npm run demo` to its line "ready", and from SIGTERM to its end. */
export async function demo({ starts }: Effort): Promise<Figure[]> {
  const ready: number[] = [];
  const ended: number[] = [];
  for (let i = 0; i < starts; i += 1) {
    const times = await startDemo();
    ready.push(times.readyS);
    ended.push(times.endedS);
  }
  return [
    { ...spread('npm run demo, ready with 1,000 customers', ready, 's'), atMost: 20 },
    spread('npm run demo, from SIGTERM to its end', ended, 's'),
  ];
}

async function startDemo(): Promise<{ readyS: number; endedS: number }> {
  const ports = {
    PORT: String(await freePort()),
    FAULT_CONTROL_PORT: String(await freePort()),
    CAMPAIGN_TOOL_PORT: String(await freePort()),
  };
  const started = performance.now();
  const child = spawn('npm', ['run', 'demo'], {
    cwd: ROOT,
    env: { ...process.env, ...ports },
    stdio: ['ignore', 'pipe', 'inherit'],
    // Starts a process group, so that the signal reaches all processes, as Ctrl-C does.
    detached: true,
  });
  const stop = () => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  };
  const closed = once(child, 'close');
  const giveUp = setTimeout(stop, GIVE_UP_MS);
  const lines: string[] = [];
  let readyAt: number | undefined;
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    if (readyAt === undefined && line.startsWith('ready http')) {
      readyAt = performance.now();
      stop();
    }
  }
  clearTimeout(giveUp);
  await closed;
  if (readyAt === undefined) throw new Error(`The demo did not become ready:\n${lines.join('\n')}`);
  return { readyS: (readyAt - started) / 1_000, endedS: (performance.now() - readyAt) / 1_000 };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
