import type { Server, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { healthy, type Condition } from './fault.js';

export interface Counters {
  /** Requests or queries that arrived since the last reset, also those that a fault then spoilt. */
  calls: number;
  /** Open now, from the gateway. */
  connections: number;
}

/** The port in front of a system: counts, and opens and closes as the system's condition says. */
export interface ProxyPort {
  readonly number: number;
  readonly condition: Condition;
  readonly counters: Counters;
  countCalls(calls: number): void;
  resetCalls(): void;
  /** Marks a connection that cannot be used any more once the present fault is over; it is destroyed then. */
  breakWhenHealed(socket: Socket): void;
  /** Resolves when the port behaves as told. */
  change(condition: Condition): Promise<void>;
  close(): Promise<void>;
}

/** While a source is down a connection of another program may hold its port for a moment. */
const portRetryMs = 50;
const portRetries = 60;

export interface ProxyPortOptions {
  /** 0, the default, is any free one. */
  port?: number;
  /** Lets go of what is held towards the system; runs after the last connection from the gateway is gone. */
  release?: () => Promise<void>;
}

export async function openProxyPort(
  server: Server,
  { port = 0, release }: ProxyPortOptions = {},
): Promise<ProxyPort> {
  const sockets = new Set<Socket>();
  const broken = new Set<Socket>();
  let condition = healthy;
  let calls = 0;
  let number = port;

  server.on('connection', (socket: Socket) => {
    if (condition.fault === 'down') {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      broken.delete(socket);
    });
  });

  const destroyAll = (these: Iterable<Socket>): void => {
    for (const socket of these) socket.destroy();
  };

  const open = async (): Promise<void> => {
    await listen(server, number);
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    number = address.port;
  };

  const reopen = async (): Promise<void> => {
    for (let attempt = 0; !server.listening; attempt++) {
      try {
        await open();
      } catch (error) {
        if (attempt === portRetries) throw error;
        await delay(portRetryMs);
      }
    }
  };

  const shut = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
    destroyAll(sockets);
    await closed;
  };

  await open();
  let changes = Promise.resolve();
  // One after another, so that down and up again in quick succession end as told last.
  const inTurn = (step: () => Promise<void>): Promise<void> => {
    changes = changes.catch(() => undefined).then(step);
    return changes;
  };

  return {
    number,
    get condition() {
      return condition;
    },
    get counters() {
      return { calls, connections: sockets.size };
    },
    countCalls(more) {
      calls += more;
    },
    resetCalls() {
      calls = 0;
    },
    breakWhenHealed(socket) {
      broken.add(socket);
    },
    change(next) {
      if (next.fault !== condition.fault) destroyAll(broken);
      condition = next;
      return inTurn(next.fault === 'down' ? shut : reopen);
    },
    close() {
      return inTurn(async () => {
        await shut();
        await release?.();
      });
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}
