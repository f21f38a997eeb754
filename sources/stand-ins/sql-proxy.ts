import { connect, createServer, type Socket } from 'node:net';
import { createDrip, type Drip } from './drip.js';
import { openProxyPort, type ProxyPort } from './proxy-port.js';
import {
  createAnswerScanner,
  createMessageGroupReader,
  errorResponse,
  garbage,
  readyForQuery,
  sync,
  type MessageGroup,
} from './sql-messages.js';

/** Starts a proxy in front of a PostgreSQL server. It forwards queries, unless a fault is set. */
export async function startSqlProxy(target: URL): Promise<ProxyPort> {
  const server = createServer({ noDelay: true });
  const port = await openProxyPort(server);
  server.on('connection', (client: Socket) => {
    new ProxiedConnection(client, port, target);
  });
  return port;
}

const refusals = {
  status: { sqlState: '57P03', text: 'the database system is not accepting connections' },
  'rate-limit': { sqlState: '53300', text: 'sorry, too many clients already' },
};

/** A client's connection, and its connection to the system. */
class ProxiedConnection {
  readonly #client: Socket;
  readonly #port: ProxyPort;
  readonly #target: URL;
  readonly #groups = createMessageGroupReader();
  readonly #queue = createDelayQueue();
  readonly #scanner = createAnswerScanner();
  #system: Socket | undefined;
  #drip: Drip | undefined;
  /** Whether received bytes are ignored. */
  #isIgnoring = false;
  /** Whether this is a cancel request. Its client may close the connection before the system has received it. */
  #isCancelling = false;
  /** After an error in an extended query the protocol skips everything up to the next Sync. */
  #isSkipping = false;
  /** How many ReadyForQuery messages the forwarded messages need, and how many have arrived. */
  #readyDue = 0;
  #readySeen = 0;
  /** The proxy's errors. Each is sent when the system has answered all earlier requests. */
  readonly #errors: { afterReady: number; bytes: Buffer }[] = [];

  constructor(client: Socket, port: ProxyPort, target: URL) {
    this.#client = client;
    this.#port = port;
    this.#target = target;
    client.on('data', (chunk) => {
      if (this.#isIgnoring) return;
      try {
        for (const group of this.#groups.read(chunk)) this.#receive(group);
      } catch {
        client.destroy();
      }
    });
    client.on('error', () => undefined);
    client.on('close', () => {
      this.#queue.clear();
      this.#drip?.stop();
      if (!this.#isCancelling) this.#system?.destroy();
    });
  }

  #receive(group: MessageGroup): void {
    if (this.#isIgnoring) return;
    if (group.kind === 'encryption-request') this.#client.write('N');
    else if (group.kind === 'messages') this.#receiveMessages(group);
    else this.#receiveOpening(group);
  }

  #receiveOpening(group: MessageGroup): void {
    const { fault } = this.#port.condition;
    if (fault === 'hang') {
      this.#hang();
    } else if (group.kind === 'startup' && (fault === 'status' || fault === 'rate-limit')) {
      const { sqlState, text } = refusals[fault];
      this.#client.end(errorResponse('FATAL', sqlState, text));
    } else if (group.kind === 'cancel-request') {
      this.#isCancelling = true;
      this.#system = this.#connectSystem();
      this.#system.end(group.bytes);
    } else {
      this.#system = this.#connectSystem();
      this.#system.write(group.bytes);
      this.#readyDue += 1;
    }
  }

  #receiveMessages(group: MessageGroup & { kind: 'messages' }): void {
    if (this.#isSkipping) {
      if (group.last === 'S') {
        this.#isSkipping = false;
        this.#queue.add(0, () => {
          this.#forward(sync, true);
        });
      }
      return;
    }
    const wantsReady = group.last === 'S' || group.last === 'Q' || group.last === 'F';
    if (group.queries === 0) {
      this.#queue.add(0, () => {
        this.#forward(group.bytes, wantsReady);
      });
      return;
    }
    this.#port.countCalls(group.queries);
    this.#receiveQueries(group, wantsReady);
  }

  #receiveQueries(group: MessageGroup & { kind: 'messages' }, wantsReady: boolean): void {
    const { fault, latencyMs } = this.#port.condition;
    switch (fault) {
      case 'hang':
        this.#hang();
        break;
      case 'reset':
        this.#queue.add(0, () => {
          this.#client.resetAndDestroy();
        });
        break;
      case 'garbage':
        this.#hang();
        this.#queue.add(latencyMs, () => {
          this.#client.write(garbage());
        });
        break;
      case 'status':
      case 'rate-limit': {
        const { sqlState, text } = refusals[fault];
        this.#isSkipping = !wantsReady;
        this.#queue.add(latencyMs, () => {
          this.#sendError(errorResponse('ERROR', sqlState, text));
          // Only the system knows whether it is in a transaction, so the ReadyForQuery after the error is the system's.
          if (wantsReady) this.#forward(sync, true);
        });
        break;
      }
      default:
        if (fault === 'drip') this.#port.breakWhenHealed(this.#client);
        this.#queue.add(latencyMs, () => {
          if (fault === 'drip') this.#drip ??= createDrip((byte) => this.#client.write(byte));
          this.#forward(group.bytes, wantsReady);
        });
    }
  }

  #hang(): void {
    this.#port.breakWhenHealed(this.#client);
    this.#isIgnoring = true;
  }

  #forward(bytes: Buffer, wantsReady: boolean): void {
    if (wantsReady) this.#readyDue += 1;
    this.#system?.write(bytes);
  }

  #connectSystem(): Socket {
    const { hostname, port } = this.#target;
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    socket.on('data', (chunk) => {
      this.#answer(chunk);
    });
    socket.on('end', () => {
      if (this.#drip === undefined) this.#client.end();
      else this.#drip.end(() => this.#client.end());
    });
    socket.on('error', () => {
      this.#client.destroy();
    });
    return socket;
  }

  #answer(chunk: Buffer): void {
    let sent = 0;
    this.#scanner.read(chunk, (letter, end) => {
      if (letter === readyForQuery) this.#readySeen += 1;
      for (let error = this.#dueError(); error !== undefined; error = this.#dueError()) {
        this.#send(chunk.subarray(sent, end));
        this.#send(error);
        sent = end;
      }
    });
    this.#send(sent === 0 ? chunk : chunk.subarray(sent));
  }

  #sendError(bytes: Buffer): void {
    this.#errors.push({ afterReady: this.#readyDue, bytes });
    if (!this.#scanner.betweenMessages) return;
    const due = this.#dueError();
    if (due !== undefined) this.#send(due);
  }

  #dueError(): Buffer | undefined {
    const [first] = this.#errors;
    if (first === undefined || first.afterReady > this.#readySeen) return undefined;
    this.#errors.shift();
    return first.bytes;
  }

  #send(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.#drip !== undefined) {
      this.#drip.push(bytes);
    } else if (!this.#client.write(bytes)) {
      this.#system?.pause();
      this.#client.once('drain', () => {
        this.#system?.resume();
      });
    }
  }
}

/** Delays each step by its own time, and preserves their order. */
function createDelayQueue(): { add(delayMs: number, step: () => void): void; clear(): void } {
  const waiting: { at: number; step: () => void }[] = [];
  let timer: NodeJS.Timeout | undefined;

  const runDue = (): void => {
    timer = undefined;
    for (let [first] = waiting; first !== undefined; [first] = waiting) {
      const remainingMs = first.at - performance.now();
      if (remainingMs > 0) {
        timer = setTimeout(runDue, Math.ceil(remainingMs));
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
