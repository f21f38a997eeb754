import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A server that returns prepared answers. It is not Redis. */
export async function listenAs(
  onConnection: (socket: Socket) => void,
): Promise<{ url: string; close: () => void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `redis://:not-to-be-logged@127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

export const SEQ = 1_700_000_000_000_000;

/** A minimal imitation of Redis without data, to which the gateway can connect. */
export function imitation() {
  const sockets = new Set<Socket>();
  const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
  const self = {
    delayMs: 0,
    scripts: 0,
    /** The stored entry of every key. Default: none. */
    stored: undefined as string | undefined,
    /** The answer to a command that the imitation does not know, in the Redis protocol. Default: OK. */
    otherwise: undefined as ((command: readonly string[]) => string) | undefined,
    /** The run ids that the next connections report. */
    nextRuns: [] as string[],
    publish: (message: string, channel = 'stekkerdoos:1:forget'): void => {
      for (const socket of sockets) socket.write(`*3\r\n${bulk('message')}${bulk(channel)}${bulk(message)}`);
    },
    hangUp: (): void => {
      for (const socket of sockets) socket.destroy();
    },
    serve: (socket: Socket): void => {
      let text = '';
      let subscribed = false;
      const replies: string[] = [];
      socket.on('close', () => sockets.delete(socket));
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1');
        for (let command = takeCommand(); command !== undefined; command = takeCommand()) {
          replies.push(answer(command));
          // Answers are sent in order, even if a shorter delay follows a longer one.
          setTimeout(() => socket.write(replies.shift() ?? ''), self.delayMs);
        }
      });
      const takeCommand = (): string[] | undefined => {
        const parts = text.split('\r\n');
        const count = Number(parts[0]?.slice(1));
        if (parts.length <= 2 * count + 1) return undefined;
        text = parts.slice(2 * count + 1).join('\r\n');
        return Array.from({ length: count }, (_, i) => parts[2 * i + 2] ?? '');
      };
      const answer = ([name = '', ...parameters]: string[]): string => {
        switch (name.toLowerCase()) {
          case 'info':
            return bulk(`# Server\r\nrun_id:${self.nextRuns.shift() ?? '0123456789abcdef'}\r\n`);
          case 'subscribe':
            subscribed = true;
            sockets.add(socket);
            return `*3\r\n${bulk('subscribe')}${bulk(parameters[0] ?? '')}:1\r\n`;
          case 'ping':
            return subscribed ? `*2\r\n${bulk('pong')}${bulk('')}` : '+PONG\r\n';
          case 'evalsha': {
            self.scripts += 1;
            // A script with the run id is the first one of a connection. All other scripts here are reads.
            if (parameters[3] === '0123456789abcdef') return bulk(String(SEQ));
            const keys = parameters.length - 3;
            const entry = self.stored === undefined ? '$-1\r\n' : bulk(self.stored);
            return `*2\r\n${bulk(String(SEQ))}*${keys}\r\n${entry.repeat(keys)}`;
          }
          default:
            return self.otherwise?.([name, ...parameters]) ?? '+OK\r\n';
        }
      };
    },
  };
  return self;
}
