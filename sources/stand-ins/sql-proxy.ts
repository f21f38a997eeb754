import { connect, createServer, type Socket } from 'node:net';
import { createDrip, type Drip } from './drip.js';
import { openProxyPort, type ProxyPort } from './proxy-port.js';
import {
  createAnswerScanner,
  createTurnReader,
  errorResponse,
  garbage,
  readyForQuery,
  sync,
  type Turn,
} from './sql-messages.js';

/** Stands in front of a PostgreSQL server and passes queries on, or does not. */
export async function startSqlProxy(target: URL): Promise<ProxyPort> {
  const server = createServer({ noDelay: true });
  const port = await openProxyPort(server);
  server.on('connection', (client: Socket) => {
    serve(client, port, target);
  });
  return port;
}

const refusals = {
  status: { sqlState: '57P03', text: 'the database system is not accepting connections' },
  'rate-limit': { sqlState: '53300', text: 'sorry, too many clients already' },
};

function serve(client: Socket, port: ProxyPort, target: URL): void {
  const turns = createTurnReader();
  const queue = createDelayQueue();
  const scanner = createAnswerScanner();
  let system: Socket | undefined;
  let drip: Drip | undefined;
  /** Nothing that arrives is read any more. */
  let deaf = false;
  /** Whoever asks to cancel may hang up before the system has heard of it. */
  let cancelling = false;
  /** After an error in an extended query the protocol skips everything up to the next Sync. */
  let skipping = false;
  /** ReadyForQuery messages the system owes us for what was passed on, and how many of them have come. */
  let readyDue = 0;
  let readySeen = 0;
  /** Errors of our own, each told once the system has answered what was asked before. */
  const errors: { afterReady: number; bytes: Buffer }[] = [];

  client.on('data', (chunk) => {
    if (deaf) return;
    try {
      for (const turn of turns.read(chunk)) receive(turn);
    } catch {
      client.destroy();
    }
  });
  client.on('error', () => undefined);
  client.on('close', () => {
    queue.clear();
    drip?.stop();
    if (!cancelling) system?.destroy();
  });

  function receive(turn: Turn): void {
    if (deaf) return;
    if (turn.kind === 'encryption-request') {
      client.write('N');
    } else if (turn.kind === 'messages') {
      receiveMessages(turn);
    } else {
      receiveOpening(turn);
    }
  }

  function receiveOpening(turn: Turn): void {
    const { fault } = port.condition;
    if (fault === 'hang') {
      hang();
    } else if (turn.kind === 'startup' && (fault === 'status' || fault === 'rate-limit')) {
      const { sqlState, text } = refusals[fault];
      client.end(errorResponse('FATAL', sqlState, text));
    } else if (turn.kind === 'cancel-request') {
      cancelling = true;
      system = connectSystem();
      system.end(turn.bytes);
    } else {
      system = connectSystem();
      system.write(turn.bytes);
      readyDue += 1;
    }
  }

  function receiveMessages(turn: Turn & { kind: 'messages' }): void {
    const { fault, latencyMs } = port.condition;
    if (skipping) {
      if (turn.last === 'S') {
        skipping = false;
        queue.add(0, () => {
          passOn(sync, true);
        });
      }
      return;
    }
    const wantsReady = turn.last === 'S' || turn.last === 'Q' || turn.last === 'F';
    if (turn.queries === 0) {
      queue.add(0, () => {
        passOn(turn.bytes, wantsReady);
      });
      return;
    }

    port.countCalls(turn.queries);
    switch (fault) {
      case 'hang':
        hang();
        break;
      case 'reset':
        queue.add(0, () => {
          client.resetAndDestroy();
        });
        break;
      case 'garbage':
        port.breakWhenHealed(client);
        deaf = true;
        queue.add(latencyMs, () => {
          client.write(garbage());
        });
        break;
      case 'status':
      case 'rate-limit': {
        const { sqlState, text } = refusals[fault];
        skipping = !wantsReady;
        queue.add(latencyMs, () => {
          tellError(errorResponse('ERROR', sqlState, text));
          // The system knows best whether it is in a transaction, so the ReadyForQuery after the error is its own.
          if (wantsReady) passOn(sync, true);
        });
        break;
      }
      default:
        if (fault === 'drip') port.breakWhenHealed(client);
        queue.add(latencyMs, () => {
          if (fault === 'drip') drip ??= createDrip((byte) => client.write(byte));
          passOn(turn.bytes, wantsReady);
        });
    }
  }

  function hang(): void {
    port.breakWhenHealed(client);
    deaf = true;
  }

  function passOn(bytes: Buffer, wantsReady: boolean): void {
    if (wantsReady) readyDue += 1;
    system?.write(bytes);
  }

  function connectSystem(): Socket {
    const socket = connect({ host: target.hostname, port: Number(target.port), noDelay: true });
    socket.on('data', answer);
    socket.on('end', () => {
      if (drip === undefined) client.end();
      else drip.end(() => client.end());
    });
    socket.on('error', () => {
      client.destroy();
    });
    return socket;
  }

  function answer(chunk: Buffer): void {
    let sent = 0;
    scanner.read(chunk, (letter, end) => {
      if (letter === readyForQuery) readySeen += 1;
      for (let error = dueError(); error !== undefined; error = dueError()) {
        send(chunk.subarray(sent, end));
        send(error);
        sent = end;
      }
    });
    send(sent === 0 ? chunk : chunk.subarray(sent));
  }

  function tellError(bytes: Buffer): void {
    errors.push({ afterReady: readyDue, bytes });
    if (!scanner.betweenMessages) return;
    const due = dueError();
    if (due !== undefined) send(due);
  }

  function dueError(): Buffer | undefined {
    const [first] = errors;
    if (first === undefined || first.afterReady > readySeen) return undefined;
    errors.shift();
    return first.bytes;
  }

  function send(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (drip !== undefined) {
      drip.push(bytes);
    } else if (!client.write(bytes)) {
      system?.pause();
      client.once('drain', () => {
        system?.resume();
      });
    }
  }
}

/** Holds each step back by its own delay, and never lets one overtake another. */
function createDelayQueue(): { add(delayMs: number, step: () => void): void; clear(): void } {
  const waiting: { at: number; step: () => void }[] = [];
  let timer: NodeJS.Timeout | undefined;

  const runDue = (): void => {
    timer = undefined;
    for (let [first] = waiting; first !== undefined; [first] = waiting) {
      const stillMs = first.at - performance.now();
      if (stillMs > 0) {
        timer = setTimeout(runDue, Math.ceil(stillMs));
        return;
      }
      waiting.shift();
      first.step();
    }
  };

  return {
    add(delayMs, step) {
      if (delayMs === 0 && waiting.length === 0) {
        step();
        return;
      }
      const earliest = waiting.at(-1)?.at ?? 0;
      waiting.push({ at: Math.max(performance.now() + delayMs, earliest), step });
      if (timer === undefined) runDue();
    },
    clear() {
      clearTimeout(timer);
      waiting.length = 0;
    },
  };
}
