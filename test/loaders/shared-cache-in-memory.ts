import type { SharedCache, SharedEntry } from '../../src/cache/shared-cache.js';

/** The pending steps of commands and messages. The test decides when they run. */
export interface Happenings {
  /** Runs the first pending step of an instance. */
  next: (which: number) => void;
  /** Runs all pending steps, and the steps that they cause. */
  all: () => void;
}

/**
 * A Redis in the memory of the test, with several instances that use it. A command has two steps (request and reply), and
 * a message has one. Other steps may run between them.
 */
export interface SharedCacheInMemory {
  instance(heard: { onForget: (tags: readonly string[]) => void; onGap: () => void }): SharedCache;
  happenings: Happenings;
  /** Disconnects all instances, or connects them again. Pending steps are lost, and stored entries remain. */
  cutOff(isCut: boolean): void;
  /** The number of stored entries. */
  readonly size: number;
}

interface Stored {
  text: string;
  tags: readonly string[];
  expiresAt: number;
}

/** A pending step. `lose` runs instead if the connection is lost. */
interface Step {
  go: () => void;
  lose?: () => void;
}

interface Instance {
  send(tags: readonly string[]): void;
  cut(): void;
  reconnect(): void;
}

/** Creates the cache. Its time is `Date.now()`. */
export function sharedCacheInMemory(): SharedCacheInMemory {
  const entries = new Map<string, Stored>();
  const forgotten = new Map<string, number>();
  const instances: Instance[] = [];
  /** The pending steps, in two queues for each instance: its commands, and the messages to it. */
  const queues: Step[][] = [];
  let seq = 0;
  let isCut = false;

  const next = (which: number): boolean => {
    const busy = queues.filter((queue) => queue.length > 0);
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
      const queue: Step[] = [];
      const messages: Step[] = [];
      queues.push(queue, messages);
      /** The entries that reads in progress must not return. */
      const reads = new Set<Set<string>>();
      const underWay = new Set<readonly string[]>();
      /** The pending invalidations. Until they are done, nothing is read or written. */
      let pendingTags: (readonly string[])[] = [];
      const isUsable = () => !isCut && pendingTags.length === 0;
      const excludedByRead = (tags: readonly string[]): void => {
        for (const read of reads) for (const tag of tags) read.add(tag);
      };
      instances.push({
        send: (tags) => {
          messages.push({
            go: () => {
              excludedByRead(tags);
              onForget(tags);
            },
          });
        },
        cut: () => {
          messages.length = 0;
          for (const { lose } of queue.splice(0)) lose?.();
        },
        reconnect: () => {
          // The instance may have missed messages.
          onGap();
          if (pendingTags.length === 0) return;
          queue.push({
            go: () => {
              for (const tags of pendingTags) forgetNow(tags);
              pendingTags = [];
            },
          });
        },
      });
      return {
        read: (keys) =>
          new Promise((resolve) => {
            const returnNothing = () => {
              resolve({ entries: keys.map(() => undefined), since: undefined });
            };
            if (!isUsable()) {
              returnNothing();
              return;
            }
            const unwanted = new Set([...underWay].flat());
            reads.add(unwanted);
            const go = () => {
              const found = keys.map(find);
              const since = seq;
              const returnEntry = () => {
                reads.delete(unwanted);
                const isWanted = (entry: SharedEntry | undefined) =>
                  entry?.tags.some((tag) => unwanted.has(tag)) !== true;
                resolve({ entries: found.map((entry) => (isWanted(entry) ? entry : undefined)), since });
              };
              queue.push({ go: returnEntry, lose: returnNothing });
            };
            queue.push({ go, lose: returnNothing });
          }),
        write: ({ key, entry, retentionMs, since }) => {
          if (!isUsable()) return;
          const text = JSON.stringify(entry);
          const { tags } = entry;
          queue.push({
            go: () => {
              if (tags.some((tag) => (forgotten.get(tag) ?? 0) > since)) return;
              entries.set(key, { text, tags, expiresAt: Date.now() + retentionMs });
            },
          });
        },
        forget: (tags) =>
          new Promise((resolve, reject) => {
            excludedByRead(tags);
            const lose = () => {
              underWay.delete(tags);
              pendingTags.push(tags);
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
              queue.push({ go: done, lose });
            };
            queue.push({ go, lose });
          }),
        count: () => Promise.reject(new Error('The cache in memory does not support counters.')),
        get state() {
          return isUsable() ? ('up' as const) : ('down' as const);
        },
        close: () => Promise.resolve(),
      };
    },
  };
}
