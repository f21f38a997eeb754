import type { SourceEvent } from './event.js';
import type { WebhookStore } from './store.js';
import type { Database } from './store-database.js';
import type { Seal } from './store-seal.js';
import { insertEvents } from './store-tables.js';

/** Rows per INSERT. A few powers of two limit the number of prepared statements and add up to any number of rows. */
const ROWS_PER_INSERT = [64, 32, 16, 8, 4, 2, 1];
const MAX_EVENTS_PER_WRITE = 512;

interface Waiting {
  events: readonly SourceEvent[];
  resolve: (result: { added: number; known: number }) => void;
  reject: (error: unknown) => void;
}

/** Returns a function that stores events. Events that arrive during a write share the next write. */
export function batchWrites(database: Database, seal: Seal, now: () => number): WebhookStore['add'] {
  const waiting: Waiting[] = [];
  let isWriting = false;

  const keyOf = ({ source, id }: SourceEvent): string => seal.digest('event', source, id);

  /** Events with the same lane are processed in order. The lane is the customer if the event names one, else the record. */
  function laneOf(event: SourceEvent): string {
    const [first] = Object.entries(event.identifiers)
      .flatMap(([namespace, values]) => values.map((value) => `${namespace}:${value}`))
      .sort();
    return seal.digest('lane', first ?? `${event.source}:${event.subject ?? event.id}`);
  }

  async function write(group: readonly Waiting[]): Promise<void> {
    const at = now();
    const requests = group.map(({ events, resolve }) => ({
      events: events.map((event) => ({ event, key: keyOf(event) })),
      resolve,
    }));
    const rows = requests
      .flatMap(({ events }) => events)
      .map(({ event, key }) => [key, laneOf(event), seal.close(JSON.stringify(event), key), at]);
    const statements = [];
    for (let from = 0; from < rows.length;) {
      const size = ROWS_PER_INSERT.find((count) => count <= rows.length - from) ?? 1;
      statements.push({ sql: insertEvents(size), values: rows.slice(from, from + size).flat() });
      from += size;
    }
    const fresh = new Set((await database.run(statements)).flat().map(({ event_key }) => event_key));
    for (const { events, resolve } of requests) {
      // An event in two requests of the group counts as added for the first request.
      const added = events.filter(({ key }) => fresh.delete(key)).length;
      resolve({ added, known: events.length - added });
    }
  }

  /** Takes the requests of the next write: at least one. */
  function nextGroup(): Waiting[] {
    let size = 0;
    const end = waiting.findIndex(({ events }) => (size += events.length) > MAX_EVENTS_PER_WRITE);
    return waiting.splice(0, end === -1 ? waiting.length : Math.max(end, 1));
  }

  async function work(): Promise<void> {
    for (let group = nextGroup(); group.length > 0; group = nextGroup()) {
      const together = group;
      await write(together).catch((error: unknown) => {
        for (const { reject } of together) reject(error);
      });
    }
    isWriting = false;
  }

  return (events) =>
    new Promise((resolve, reject) => {
      if (events.length === 0) {
        resolve({ added: 0, known: 0 });
        return;
      }
      waiting.push({ events, resolve, reject });
      if (isWriting) return;
      isWriting = true;
      void work();
    });
}
