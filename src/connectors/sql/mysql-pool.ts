import type { Socket } from 'node:net';
import type { Connection } from 'mysql2';
import type { CallSignal } from '../../v8/call-signal.js';

/** An idle connection is closed after this time. */
const IDLE_MS = 10_000;
/** How long to wait for the server to close a connection after QUIT. */
const QUIT_TIMEOUT_MS = 500;

export interface ConnectionPool {
  /** Returns a connection for exclusive use. Waits until one is free. */
  acquire(signal: CallSignal): Promise<Connection>;
  /** Returns a connection to the pool. A broken one is destroyed. */
  release(connection: Connection, end: { broken: boolean }): void;
  /** Closes the idle connections. */
  close(): Promise<void>;
}

/**
 * A pool of connections. The driver's own pool cannot cancel a waiting request, and ends the process when a
 * connection fails twice. `connect` returns a connection that is ready for queries.
 */
export function createConnectionPool(max: number, connect: () => Promise<Connection>): ConnectionPool {
  const idle = new Map<Connection, NodeJS.Timeout>();
  const waiting = new Set<() => void>();
  let freeSlots = max;

  const wakeNext = (): void => {
    const [next] = waiting;
    next?.();
  };
  const discard = (connection: Connection): void => {
    clearTimeout(idle.get(connection));
    idle.delete(connection);
    destroy(connection);
  };
  const connectNew = async (): Promise<Connection> => {
    freeSlots -= 1;
    const release = () => {
      freeSlots += 1;
      wakeNext();
    };
    try {
      const connection = await connect();
      const stream = streamOf(connection);
      // The socket emits 'close' however the connection ends.
      if (stream.destroyed) release();
      else
        stream.once('close', () => {
          discard(connection);
          release();
        });
      return connection;
    } catch (error) {
      release();
      throw error;
    }
  };

  return {
    acquire: async (signal) => {
      for (;;) {
        if (signal.aborted) {
          // A cancelled request wakes the next one instead.
          wakeNext();
          throw signal.reason;
        }
        // The most recently used connection is taken, so that surplus ones become idle and close.
        const connection = [...idle.keys()].at(-1);
        if (connection !== undefined) {
          clearTimeout(idle.get(connection));
          idle.delete(connection);
          return connection;
        }
        if (freeSlots > 0) return connectNew();
        await new Promise<void>((resolve) => {
          const wake = () => {
            waiting.delete(wake);
            signal.removeEventListener('abort', wake);
            resolve();
          };
          waiting.add(wake);
          signal.addEventListener('abort', wake);
        });
      }
    },
    release: (connection, { broken }) => {
      if (broken || streamOf(connection).destroyed) {
        discard(connection);
        return;
      }
      const timer = setTimeout(() => {
        idle.delete(connection);
        void quit(connection);
      }, IDLE_MS);
      idle.set(connection, timer.unref());
      wakeNext();
    },
    close: async () => {
      const connections = [...idle.keys()];
      for (const timer of idle.values()) clearTimeout(timer);
      idle.clear();
      await Promise.all(connections.map(quit));
    },
  };
}

/** Closes a connection with QUIT. Destroys it if the server does not close in time. */
export function quit(connection: Connection): Promise<void> {
  return new Promise((resolve) => {
    const stream = streamOf(connection);
    if (stream.destroyed) {
      resolve();
      return;
    }
    const timer = setTimeout(() => {
      destroy(connection);
    }, QUIT_TIMEOUT_MS);
    stream.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    connection.end();
  });
}

/** Destroys the socket too: the driver alone only half-closes it, and a hanging server may not notice. */
export function destroy(connection: Connection): void {
  connection.destroy();
  streamOf(connection).destroy();
}

/** The socket of a connection, which the driver's types omit. */
export function streamOf(connection: Connection): Socket {
  return (connection as unknown as { stream: Socket }).stream;
}
