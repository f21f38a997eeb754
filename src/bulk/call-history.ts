import type { SourceBatches } from '../loaders/provenance.js';

/** The calls of one loader for the parts of an operation until now. */
interface LoaderHistory {
  /** The lines whose records were not cached. */
  lines: number;
  keys: number;
  batches: number;
  calls: number;
  parts: number;
  /** Batches with fewer keys than the loader takes. Each group of keys that are requested at once ends with one. */
  incompleteBatches: number;
  maxKeys: number;
}

interface SourceHistory {
  /** The lines of all parts, without the lines whose records of this source were cached. */
  lines: number;
  loaders: Map<string, LoaderHistory>;
}

/** The calls that an operation made until now. */
export interface CallHistory {
  /** Adds an answered part. */
  add(lines: number, sources: readonly SourceBatches[], durationMs: number): void;
  /** Calls of each source for one part of this many lines. Undefined if no part was answered until now. */
  callsOf(lines: number): ReadonlyMap<string, number> | undefined;
  /** Milliseconds for one line. Undefined if no part was answered until now. */
  readonly msPerLine: number | undefined;
}

/** Counts for all parts are halved after this many lines, so that old parts count less than new ones. */
const MAX_LINES = 100_000;

export function createCallHistory(): CallHistory {
  const sources = new Map<string, SourceHistory>();
  let [lines, durationMs] = [0, 0];
  const loaderOf = ({ loaders }: SourceHistory, loader: string, maxKeys: number): LoaderHistory => {
    const known = loaders.get(loader) ?? { ...EMPTY, maxKeys };
    loaders.set(loader, known);
    return known;
  };
  const halve = (): void => {
    lines /= 2;
    durationMs /= 2;
    for (const source of sources.values()) {
      source.lines /= 2;
      for (const history of source.loaders.values()) for (const name of COUNTS) history[name] /= 2;
    }
  };

  return {
    add: (count, answered, tookMs) => {
      if (lines > MAX_LINES) halve();
      // Earlier parts did not need a source that is new here.
      for (const { source } of answered)
        if (!sources.has(source)) sources.set(source, { lines, loaders: new Map() });
      lines += count;
      durationMs += tookMs;
      const bySource = new Map(answered.map((loaded) => [loaded.source, loaded]));
      for (const [name, source] of sources) {
        const { batches, records, cachedRecords } = bySource.get(name) ?? NOTHING;
        // Cached records show nothing about the calls.
        const loadedShare = records === 0 ? 1 : 1 - cachedRecords / records;
        source.lines += count * loadedShare;
        if (loadedShare === 0) continue;
        const inPart = new Set<LoaderHistory>();
        for (const { loader, maxKeys, slots, calls } of batches) {
          const history = loaderOf(source, loader, maxKeys);
          inPart.add(history);
          history.keys += slots.length;
          history.batches += 1;
          history.calls += calls;
          if (slots.length < maxKeys) history.incompleteBatches += 1;
        }
        for (const history of inPart) {
          history.lines += count * loadedShare;
          history.parts += 1;
        }
      }
    },
    callsOf: (count) => {
      if (lines === 0) return undefined;
      return new Map(
        [...sources].map(([name, source]) => [
          name,
          [...source.loaders.values()].reduce(
            (sum, history) => sum + callsFor(count, history, source.lines),
            0,
          ),
        ]),
      );
    },
    get msPerLine() {
      return lines === 0 ? undefined : durationMs / lines;
    },
  };
}

const NOTHING = { batches: [], records: 0, cachedRecords: 0 };
const COUNTS = ['lines', 'keys', 'batches', 'calls', 'parts', 'incompleteBatches'] as const;
const EMPTY = { lines: 0, keys: 0, batches: 0, calls: 0, parts: 0, incompleteBatches: 0 };
/** Batches of more calls than this, on average, make calls for single keys or pages. */
const MAX_CALLS_OF_WHOLE_BATCHES = 1.05;

/** The calls of a loader for one part of this many lines. */
function callsFor(count: number, history: LoaderHistory, allLines: number): number {
  const { lines, keys, batches, calls, parts, incompleteBatches, maxKeys } = history;
  if (batches === 0) return 0;
  const expectedKeys = (keys / Math.max(lines, 1)) * count;
  // A loader that only some parts needed.
  const shareOfParts = Math.min(1, lines / allLines);
  if (calls / batches > MAX_CALLS_OF_WHOLE_BATCHES) return (calls / keys) * expectedKeys * shareOfParts;
  const groups = Math.max(1, incompleteBatches / parts);
  return groups * Math.max(1, Math.ceil(expectedKeys / groups / maxKeys)) * shareOfParts;
}
