import type { SharedCache, SharedEntry } from '../../src/cache/shared-cache.js';

/** What waits to happen, until the test says so. */
export interface Happenings {
  /** Lets one happen: the first of some instance's. */
  next: (which: number) => void;
  /** Lets everything happen, also what follows from it. */
  all: () => void;
}

/**
 * A Redis in the memory of the test, and what each of several instances has of it. A round trip is two steps, there
 * and back, and a message one: between them anything else may happen.
 */
export interface SharedCacheInMemory {
  instance(heard: { onForget: (tags: readonly string[]) => void; onGap: () => void }): SharedCache;
  happenings: Happenings;
  /** While it is cut off no instance reaches it; what was on its way is lost, and what is in it stays. */
  cutOff(isCut: boolean): void;
  /** The number of stored entries. */
  readonly size: number;
}

interface Stored {
  text: string;
  tags: readonly string[];
  expiresAt: number;
}

/** A step of something on its way, and what comes of it when the connection breaks. */
interface Step {
  go: () => void;
  lose?: () => void;
}

interface Instance {
  send(tags: readonly string[]): void;
  cut(): void;
  reconnect(): void;
}

/** Its time of day is the test's: `Date.now()`. */
export function sharedCacheInMemory(): SharedCacheInMemory {
  const entries = new Map<string, Stored>();
  const forgotten = new Map<string, number>();
  const instances: Instance[] = [];
  /** Of each instance two: its own questions and answers, and the messages that it is sent. */
  const lanes: Step[][] = [];
  let seq = 0;
  let isCut = false;

  const next = (which: number): boolean => {
    const busy = lanes.filter((lane) => lane.length > 0);
    busy[which % Math.max(1, busy.length)]?.shift()?.go();
    return busy.length > 0;
  };

  const find = (key: string): SharedEntry | undefined => {
    const stored = entries.get(key);
    if (stored === undefined || stored.expiresAt <= Date.now()) return undefined;
    return JSON.parse(stored.text) as SharedEntry;
  };

  const forgetNow = (tags: readonly string[]): void => {
    seq += 1;
    for (const tag of tags) forgotten.set(tag, seq);
    for (const [key, stored] of entries)
      if (stored.tags.some((tag) => tags.includes(tag))) entries.delete(key);
    for (const instance of instances) instance.send(tags);
  };

  return {
    happenings: {
      next,
      all: () => {
        while (next(0));
      },
    },
    cutOff: (cut) => {
      if (cut === isCut) return;
      isCut = cut;
      for (const instance of instances)
        if (cut) instance.cut();
        else instance.reconnect();
    },
    get size() {
      return entries.size;
    },
    instance: ({ onForget, onGap }) => {
      const lane: Step[] = [];
      const messages: Step[] = [];
      lanes.push(lane, messages);
      /** What must not be brought by reads that are on their way. */
      const reads = new Set<Set<string>>();
      const underWay = new Set<readonly string[]>();
      /** What is still to be forgotten; before it is, nothing is read or written. */
      let owed: (readonly string[])[] = [];
      const isUsable = () => !isCut && owed.length === 0;
      const mustNotBring = (tags: readonly string[]): void => {
        for (const read of reads) for (const tag of tags) read.add(tag);
      };
      instances.push({
        send: (tags) => {
          messages.push({
            go: () => {
              mustNotBring(tags);
              onForget(tags);
            },
          });
        },
        cut: () => {
          messages.length = 0;
          for (const { lose } of lane.splice(0)) lose?.();
        },
        reconnect: () => {
          // Messages may have been missed.
          onGap();
          if (owed.length === 0) return;
          lane.push({
            go: () => {
              for (const tags of owed) forgetNow(tags);
              owed = [];
            },
          });
        },
      });
      return {
        read: (keys) =>
          new Promise((resolve) => {
            const bringNothing = () => {
              resolve({ entries: keys.map(() => undefined), since: undefined });
            };
            if (!isUsable()) {
              bringNothing();
              return;
            }
            const unwanted = new Set([...underWay].flat());
            reads.add(unwanted);
            const go = () => {
              const found = keys.map(find);
              const since = seq;
              const bring = () => {
                reads.delete(unwanted);
                const isWanted = (entry: SharedEntry | undefined) =>
                  entry?.tags.some((tag) => unwanted.has(tag)) !== true;
                resolve({ entries: found.map((entry) => (isWanted(entry) ? entry : undefined)), since });
              };
              lane.push({ go: bring, lose: bringNothing });
            };
            lane.push({ go, lose: bringNothing });
          }),
        write: ({ key, entry, retentionMs, since }) => {
          if (!isUsable()) return;
          const text = JSON.stringify(entry);
          const { tags } = entry;
          lane.push({
            go: () => {
              if (tags.some((tag) => (forgotten.get(tag) ?? 0) > since)) return;
              entries.set(key, { text, tags, expiresAt: Date.now() + retentionMs });
            },
          });
        },
        forget: (tags) =>
          new Promise((resolve, reject) => {
            mustNotBring(tags);
            const lose = () => {
              underWay.delete(tags);
              owed.push(tags);
              reject(new Error('The shared cache has not forgotten the answers yet'));
            };
            if (!isUsable()) {
              lose();
              return;
            }
            underWay.add(tags);
            const go = () => {
              forgetNow(tags);
              const done = () => {
                underWay.delete(tags);
                resolve();
              };
              lane.push({ go: done, lose });
            };
            lane.push({ go, lose });
          }),
        count: () => Promise.reject(new Error('It does not count.')),
        get state() {
          return isUsable() ? ('up' as const) : ('down' as const);
        },
        close: () => Promise.resolve(),
      };
    },
  };
}
