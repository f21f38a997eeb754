import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../clock.js';
import { Fifo, type Queued } from '../resilience/fifo.js';

export interface ConnectionBounds {
  /** Number of open connections. */
  maxConnections: number;
  /**
   * Number of open connections of one remote IPv4 address, or of one IPv6 network (/64), since a client has many IPv6
   * addresses.
   */
  maxPerAddress: number;
  clock: Clock;
}

/** When a bound is reached, a client that the gateway has waited for this long may be disconnected. */
export const SLOW_AFTER_MS = 2_000;

/** At this many unanswered requests, a connection is closed: HTTP answers them in order, so they pile up. */
const MAX_PIPELINED = 100;

/** The place of a connection in the queues of one group. */
interface Place extends Queued<Place> {
  socket: Socket;
}

interface Connection {
  /** Number of in-flight requests. */
  requests: number;
  /** The last request, its response and when it arrived. */
  last: { request: IncomingMessage; response: ServerResponse; at: number } | undefined;
  address: string;
  /** The connections of the same address. */
  group: Group;
  placeInGroup: Place;
  placeInAll: Place;
}

/**
 * Connections that share a bound, by their state. Each queue begins with the connection that has been in the state
 * longest.
 */
interface Group {
  unused: Fifo<Place>;
  idle: Fifo<Place>;
  busy: Fifo<Place>;
}

/**
 * Bounds the connections of a server. When a bound is reached, the longest-idle connection is closed for a new one:
 * first one that never sent a request, then one whose requests were answered, then one whose client is slow to send
 * or to read. If all connections are busy, the new one is closed. So idle connections cannot lock out other clients.
 * Every step takes constant time.
 */
export class Connections {
  readonly #all = newGroup();
  readonly #addresses = new Map<string, Group>();
  readonly #open = new Map<Socket, Connection>();
  readonly #bounds: ConnectionBounds;

  constructor(bounds: ConnectionBounds) {
    this.#bounds = bounds;
  }

  /** Registers a new connection, or closes it. */
  opened(socket: Socket): void {
    const address = networkOf(socket.remoteAddress ?? '');
    const group = this.#addresses.get(address) ?? newGroup();
    if (
      !this.#makeRoom(group, this.#bounds.maxPerAddress) ||
      !this.#makeRoom(this.#all, this.#bounds.maxConnections)
    ) {
      socket.destroy();
      return;
    }
    this.#addresses.set(address, group);
    const connection: Connection = {
      requests: 0,
      last: undefined,
      address,
      group,
      placeInGroup: { socket },
      placeInAll: { socket },
    };
    this.#open.set(socket, connection);
    this.#enter(connection);
    socket.once('close', () => {
      this.#drop(socket);
    });
  }

  /** Registers a request. False if its connection was closed instead. */
  requested(request: IncomingMessage, response: ServerResponse): boolean {
    const connection = this.#open.get(request.socket);
    if (connection === undefined) return false;
    if (connection.requests >= MAX_PIPELINED) {
      this.#disconnect(request.socket);
      return false;
    }
    this.#leave(connection);
    connection.requests += 1;
    connection.last = { request, response, at: this.#bounds.clock.now() };
    this.#enter(connection);
    return true;
  }

  /** Registers that a request was answered. */
  answered({ socket }: IncomingMessage): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    this.#leave(connection);
    connection.requests -= 1;
    this.#enter(connection);
  }

  /** The connections without an in-flight request. */
  idle(): Socket[] {
    return [...this.#open.keys()].filter((socket) => this.isIdle(socket));
  }

  isIdle(socket: Socket): boolean {
    return this.#open.get(socket)?.requests === 0;
  }

  /** Whether a response can be written to the connection now without breaking another response. */
  isUnanswered(socket: Socket): boolean {
    const connection = this.#open.get(socket);
    if (connection === undefined) return false;
    return (
      connection.requests === 0 ||
      (connection.requests === 1 && connection.last?.response.headersSent === false)
    );
  }

  #makeRoom(group: Group, maxSize: number): boolean {
    if (sizeOf(group) < maxSize) return true;
    const place = group.unused.first ?? group.idle.first ?? this.#findSlow(group.busy.first);
    if (place === undefined) return false;
    this.#disconnect(place.socket);
    return true;
  }

  /**
   * Returns the place if its client is slow. Checking the longest-busy connection is enough: a slow one gets there in
   * time.
   */
  #findSlow(place: Place | undefined): Place | undefined {
    const last = place && this.#open.get(place.socket)?.last;
    if (last === undefined || this.#bounds.clock.now() - last.at < SLOW_AFTER_MS) return undefined;
    return isWaitingForClient(last.request, last.response) ? place : undefined;
  }

  #disconnect(socket: Socket): void {
    this.#drop(socket);
    socket.destroy();
  }

  #drop(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    this.#open.delete(socket);
    this.#leave(connection);
    if (sizeOf(connection.group) === 0) this.#addresses.delete(connection.address);
  }

  #enter(connection: Connection): void {
    queueOf(connection.group, connection).add(connection.placeInGroup);
    queueOf(this.#all, connection).add(connection.placeInAll);
  }

  #leave(connection: Connection): void {
    queueOf(connection.group, connection).remove(connection.placeInGroup);
    queueOf(this.#all, connection).remove(connection.placeInAll);
  }
}

function newGroup(): Group {
  return { unused: new Fifo(), idle: new Fifo(), busy: new Fifo() };
}

function sizeOf({ unused, idle, busy }: Group): number {
  return unused.length + idle.length + busy.length;
}

function queueOf(group: Group, { requests, last }: Connection): Fifo<Place> {
  if (requests > 0) return group.busy;
  return last === undefined ? group.unused : group.idle;
}

/** Whether the client has not sent its whole request, or does not read its response. */
export function isWaitingForClient(request: IncomingMessage, response: ServerResponse): boolean {
  return !request.complete || response.writableEnded || response.writableNeedDrain;
}

/** The group of a connection: its IPv4 address, or the first half of its IPv6 address. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [front = [], back = []] = address.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const zeros = Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => '0');
  return [...front, ...zeros, ...back].slice(0, 4).join(':');
}
