import type { SourceEvent } from './event.js';
import type { WebhookStore } from './store.js';
import type { Database } from './store-database.js';
import type { Seal } from './store-seal.js';
import { insertEvents } from './store-tables.js';

/** Few sizes, so that few statements are prepared; and such that few of them make up any number. */
const SIZES = [64, 32, 16, 8, 4, 2, 1];
const MAX_TOGETHER = 512;

interface Waiting {
  events: readonly SourceEvent[];
  resolve: (result: { kept: number; known: number }) => void;
  reject: (error: unknown) => void;
}

/** Writes events down, those of many requests together: what comes in while the disk is busy goes with the next write. */
export function gatherKept(database: Database, seal: Seal, now: () => number): WebhookStore['keep'] {
  const waiting: Waiting[] = [];
  let isWriting = false;

  const keyOf = ({ source, id }: SourceEvent): string => seal.digest('event', source, id);

  /** Events of one customer are processed in the order in which they came, as far as the events tell whose they are. */
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
      const size = SIZES.find((one) => one <= rows.length - from) ?? 1;
      statements.push({ sql: insertEvents(size), values: rows.slice(from, from + size).flat() });
      from += size;
    }
    const fresh = new Set((await database.run(statements)).flat().map(({ event_key }) => event_key));
    for (const { events, resolve } of requests) {
      // An event that stands in two requests of the group is kept for the first.
      const kept = events.filter(({ key }) => fresh.delete(key)).length;
      resolve({ kept, known: events.length - kept });
    }
  }

  /** As many requests as make up one write, and at least one. */
  function nextGroup(): Waiting[] {
    let size = 0;
    const end = waiting.findIndex(({ events }) => (size += events.length) > MAX_TOGETHER);
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
        resolve({ kept: 0, known: 0 });
        return;
      }
      waiting.push({ events, resolve, reject });
      if (isWriting) return;
      isWriting = true;
      void work();
    });
}
