import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { randomInt } from 'node:crypto';
import type { Server, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { healthy, type Condition } from './fault.js';

export interface Counters {
  /** Requests or queries since the last reset, also those that failed because of a fault. */
  calls: number;
  /** Open connections from the gateway. */
  connections: number;
}

/** The port in front of a system. It counts, and opens and closes according to the system's condition. */
export interface ProxyPort {
  readonly number: number;
  readonly condition: Condition;
  readonly counters: Counters;
  countCalls(calls: number): void;
  resetCalls(): void;
  /** Marks a connection that becomes unusable. It is destroyed when the current fault ends. */
  breakWhenHealed(socket: Socket): void;
  /** Resolves when the change takes effect. */
  change(condition: Condition): Promise<void>;
  close(): Promise<void>;
}

/**
 * The free ports for systems. Linux, macOS and Windows give higher ones to outgoing connections and to servers on port 0, so
 * those cannot take a system's port while it is closed.
 */
const firstPort = 20_000;
const ports = 12_672;
const portRetryMs = 50;
const portRetries = 60;

export interface ProxyPortOptions {
  /** Default 0: a free port below the ephemeral ones. */
  port?: number;
  /** Releases the resources of the system. Runs after the last connection from the gateway is closed. */
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
  let reservation: UdpSocket | undefined;

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

  const destroyAll = (connections: Iterable<Socket>): void => {
    for (const socket of connections) socket.destroy();
  };

  const openOnFreePort = async (): Promise<void> => {
    const start = randomInt(ports);
    for (let tried = 0; !server.listening; tried++) {
      number = firstPort + ((start + tried) % ports);
      try {
        reservation = await reservePort(number);
        await listen(server, number);
      } catch (error) {
        reservation?.close();
        reservation = undefined;
        if (tried >= ports) throw error;
      }
    }
  };

  const reopen = async (): Promise<void> => {
    for (let attempt = 0; !server.listening; attempt++) {
      try {
        await listen(server, number);
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

  await (port === 0 ? openOnFreePort() : listen(server, port));
  let changes = Promise.resolve();
  // Changes run one after another, so that the last of several quick changes decides.
  const inSequence = (step: () => Promise<void>): Promise<void> => {
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
      return inSequence(next.fault === 'down' ? shut : reopen);
    },
    close() {
      return inSequence(async () => {
        await shut();
        reservation?.close();
        reservation = undefined;
        await release?.();
      });
    },
  };
}

/**
 * Reserves the number of a port among all processes that call this function, for as long as the returned socket is open. Rejects
 * with EADDRINUSE if the number is reserved already. It binds the UDP port of that number, so the TCP port can still be opened
 * and closed, and the operating system ends the reservation of a process that stops.
 */
export async function reservePort(number: number): Promise<UdpSocket> {
  const socket = createSocket('udp4').unref();
  try {
    socket.bind({ port: number, address: '127.0.0.1', exclusive: true });
    await once(socket, 'listening');
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}
