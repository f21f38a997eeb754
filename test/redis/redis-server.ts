import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface RedisServer {
  url: string;
  port: number;
  /** Stops Redis like a crash: no data is saved, and no client is notified. */
  kill(): Promise<void>;
  /** Starts Redis again on the same port, with its saved data. */
  start(): Promise<void>;
  /** Suspends Redis. It accepts connections and commands, but does not answer. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

/** Starts a separate Redis for a test, on loopback. `settings` are options of its command line. */
export async function startRedis(settings: readonly string[] = []): Promise<RedisServer> {
  const program = process.env['REDIS_SERVER'] ?? 'redis-server';
  const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-redis-'));
  const port = await freePort();
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const started = spawn(
      program,
      ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...settings],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    child = started;
    await new Promise<void>((resolve, reject) => {
      let output = '';
      started.once('error', (error) => {
        reject(
          new Error(`These tests need ${program}: apt-get install redis-server, or say REDIS_SERVER.`, {
            cause: error,
          }),
        );
      });
      started.once('exit', () => {
        reject(new Error(`${program} ended:\n${output}`));
      });
      started.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (output.includes('Ready to accept connections')) resolve();
      });
    });
  };
  const kill = async (): Promise<void> => {
    const killed = child;
    child = undefined;
    if (killed === undefined) return;
    killed.kill('SIGKILL');
    await once(killed, 'exit');
  };
  // Redis also ends if the tests are interrupted.
  const killNow = () => child?.kill('SIGKILL');
  process.once('exit', killNow);
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    kill,
    start,
    freeze: () => child?.kill('SIGSTOP'),
    thaw: () => child?.kill('SIGCONT'),
    close: async () => {
      process.off('exit', killNow);
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export interface Proxy {
  url: string;
  /** Delays each answer of Redis by this many milliseconds from now on. */
  delay(ms: number): void;
  /** The number of delayed answers. */
  held(): number;
  /** Closes all connections, and refuses new ones until `mend` is called. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

/** Starts a proxy in front of Redis that can delay answers and close connections. */
export async function startProxy(port: number): Promise<Proxy> {
  let delayMs = 0;
  let isCut = false;
  let held = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    if (isCut) {
      client.destroy();
      return;
    }
    const redis = connect(port, '127.0.0.1');
    for (const socket of [client, redis]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        redis.destroy();
      });
    }
    client.on('data', (chunk) => redis.write(chunk));
    const chunks: Buffer[] = [];
    redis.on('data', (chunk) => {
      chunks.push(chunk);
      held += 1;
      // Answers are sent in order, even if a shorter delay follows a longer one.
      setTimeout(() => {
        held -= 1;
        client.write(chunks.shift() ?? '');
      }, delayMs);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    delay: (ms) => {
      delayMs = ms;
    },
    held: () => held,
    cut,
    mend: () => {
      isCut = false;
    },
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
