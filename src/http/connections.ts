import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../clock.js';
import { Fifo, type Queued } from '../resilience/fifo.js';

export interface ConnectionBounds {
  /** Connections at a time. */
  maxConnections: number;
  /** Connections of one remote address at a time; of IPv6, where everybody has many, of one network (/64). */
  maxPerAddress: number;
  clock: Clock;
}

/** A client that keeps us waiting for so long may be cut off where there is no place for others. */
export const SLOW_AFTER_MS = 2_000;

/** More unanswered requests on one connection are a flood: they are answered in order, so they pile up. */
const MAX_PIPELINED = 100;

/** One connection's place in the queues of one group. */
interface Place extends Queued<Place> {
  socket: Socket;
}

interface Connection {
  /** Requests under way. */
  requests: number;
  /** The last one asked, with its answer. */
  last: { request: IncomingMessage; response: ServerResponse; at: number } | undefined;
  address: string;
  /** Those of the same address, and its place among them. */
  group: Group;
  ofAddress: Place;
  /** Its place among all. */
  ofAll: Place;
}

/** Connections that share a bound, by what they do; in each queue who has been at it longest comes first. */
interface Group {
  neverAsked: Fifo<Place>;
  idle: Fifo<Place>;
  busy: Fifo<Place>;
}

/**
 * The connections of a server, bounded. Where a bound is reached, a new connection takes the place of the one that has
 * been idle longest: first of those that never asked anything, then of those that were answered, then of those whose
 * client is slow to send or to read. Only when all are at work is the new one closed. So whoever opens connections and
 * leaves them lying keeps nobody out. Every step takes the same time however many there are.
 */
export class Connections {
  readonly #all = newGroup();
  readonly #addresses = new Map<string, Group>();
  readonly #open = new Map<Socket, Connection>();
  readonly #bounds: ConnectionBounds;

  constructor(bounds: ConnectionBounds) {
    this.#bounds = bounds;
  }

  /** Takes a new connection in, or closes it. */
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
      ofAddress: { socket },
      ofAll: { socket },
    };
    this.#open.set(socket, connection);
    this.#enter(connection);
    socket.once('close', () => {
      this.#drop(socket);
    });
  }

  /** Whether the request may go on; otherwise its connection has been closed. */
  asked(request: IncomingMessage, response: ServerResponse): boolean {
    const connection = this.#open.get(request.socket);
    if (connection === undefined) return false;
    if (connection.requests >= MAX_PIPELINED) {
      this.#cut(request.socket);
      return false;
    }
    this.#leave(connection);
    connection.requests += 1;
    connection.last = { request, response, at: this.#bounds.clock.now() };
    this.#enter(connection);
    return true;
  }

  answered({ socket }: IncomingMessage): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    this.#leave(connection);
    connection.requests -= 1;
    this.#enter(connection);
  }

  /** Those without a request under way. */
  idle(): Socket[] {
    return [...this.#open.keys()].filter((socket) => this.isIdle(socket));
  }

  isIdle(socket: Socket): boolean {
    return this.#open.get(socket)?.requests === 0;
  }

  /** Whether what is written to the connection now would stand in no other answer. */
  isUnanswered(socket: Socket): boolean {
    const connection = this.#open.get(socket);
    if (connection === undefined) return false;
    return (
      connection.requests === 0 ||
      (connection.requests === 1 && connection.last?.response.headersSent === false)
    );
  }

  #makeRoom(group: Group, most: number): boolean {
    if (sizeOf(group) < most) return true;
    const place = group.neverAsked.first ?? group.idle.first ?? this.#slow(group.busy.first);
    if (place === undefined) return false;
    this.#cut(place.socket);
    return true;
  }

  /** The one that has been at work longest tells enough: whoever is slow comes to stand there. */
  #slow(place: Place | undefined): Place | undefined {
    const last = place && this.#open.get(place.socket)?.last;
    if (last === undefined || this.#bounds.clock.now() - last.at < SLOW_AFTER_MS) return undefined;
    return isWaitingForClient(last.request, last.response) ? place : undefined;
  }

  #cut(socket: Socket): void {
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
    queueOf(connection.group, connection).add(connection.ofAddress);
    queueOf(this.#all, connection).add(connection.ofAll);
  }

  #leave(connection: Connection): void {
    queueOf(connection.group, connection).remove(connection.ofAddress);
    queueOf(this.#all, connection).remove(connection.ofAll);
  }
}

function newGroup(): Group {
  return { neverAsked: new Fifo(), idle: new Fifo(), busy: new Fifo() };
}

function sizeOf({ neverAsked, idle, busy }: Group): number {
  return neverAsked.length + idle.length + busy.length;
}

function queueOf(group: Group, { requests, last }: Connection): Fifo<Place> {
  if (requests > 0) return group.busy;
  return last === undefined ? group.neverAsked : group.idle;
}

/** The client has not sent its whole request, or does not read its answer. */
export function isWaitingForClient(request: IncomingMessage, response: ServerResponse): boolean {
  return !request.complete || response.writableEnded || response.writableNeedDrain;
}

/** What connections are counted by: an IPv4 address, or the first half of an IPv6 address. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [front = [], back = []] = address.split('::').map((part) => (part === '' ? [] : part.split(':')));
  const zeros = Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => '0');
  return [...front, ...zeros, ...back].slice(0, 4).join(':');
}
