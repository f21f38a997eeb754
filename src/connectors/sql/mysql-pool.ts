import type { Socket } from 'node:net';
import type { Connection } from 'mysql2';
import type { CallSignal } from '../../v8/call-signal.js';

/** A connection that nobody has used for so long is closed. */
const IDLE_MS = 10_000;
/** How long a server may take to hang up when we have taken our leave. */
const LEAVE_MS = 500;

export interface ConnectionPool {
  /** A connection that is nobody else's; waits for one to come free. */
  acquire(signal: CallSignal): Promise<Connection>;
  /** Gives it back; one that is broken is given up. */
  release(connection: Connection, end: { broken: boolean }): void;
  /** Closes those that are free. */
  close(): Promise<void>;
}

/**
 * The driver's own pool lets nobody leave the queue, and ends the process when a connection fails a second time.
 * `connect` gives a connection that is ready to be asked.
 */
export function createConnectionPool(max: number, connect: () => Promise<Connection>): ConnectionPool {
  const idle = new Map<Connection, NodeJS.Timeout>();
  const waiting = new Set<() => void>();
  let places = max;

  const wakeNext = (): void => {
    const [next] = waiting;
    next?.();
  };
  const giveUp = (connection: Connection): void => {
    clearTimeout(idle.get(connection));
    idle.delete(connection);
    destroy(connection);
  };
  const connectNew = async (): Promise<Connection> => {
    places -= 1;
    const free = () => {
      places += 1;
      wakeNext();
    };
    try {
      const connection = await connect();
      const stream = streamOf(connection);
      // In whatever way it ends.
      if (stream.destroyed) free();
      else
        stream.once('close', () => {
          giveUp(connection);
          free();
        });
      return connection;
    } catch (error) {
      free();
      throw error;
    }
  };

  return {
    acquire: async (signal) => {
      for (;;) {
        if (signal.aborted) {
          // Who was woken for nothing lets the next one have it.
          wakeNext();
          throw signal.reason;
        }
        // The one that was used last: those that are not needed grow old.
        const connection = [...idle.keys()].at(-1);
        if (connection !== undefined) {
          clearTimeout(idle.get(connection));
          idle.delete(connection);
          return connection;
        }
        if (places > 0) return connectNew();
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
        giveUp(connection);
        return;
      }
      const timer = setTimeout(() => {
        idle.delete(connection);
        void leave(connection);
      }, IDLE_MS);
      idle.set(connection, timer.unref());
      wakeNext();
    },
    close: async () => {
      const connections = [...idle.keys()];
      for (const timer of idle.values()) clearTimeout(timer);
      idle.clear();
      await Promise.all(connections.map(leave));
    },
  };
}

/** Takes leave of a server that listens, and leaves one that does not. */
export function leave(connection: Connection): Promise<void> {
  return new Promise((resolve) => {
    const stream = streamOf(connection);
    if (stream.destroyed) {
      resolve();
      return;
    }
    const timer = setTimeout(() => {
      destroy(connection);
    }, LEAVE_MS);
    stream.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    connection.end();
  });
}

/** The driver by itself only says that it has no more to send, and a server that hangs may never hear it. */
export function destroy(connection: Connection): void {
  connection.destroy();
  streamOf(connection).destroy();
}

/** What the driver's types do not tell. */
export function streamOf(connection: Connection): Socket {
  return (connection as unknown as { stream: Socket }).stream;
}
