import { Gauge, Histogram, type Registry } from 'prom-client';
import type { FailureKind } from '../diagnosis.js';
import type { Priority } from '../priority.js';
import { DURATION_BUCKETS_S, type Cell, type MakeCounter, type Timer } from './counters.js';

/**
 * Where the answer for one key came from.
 * `hit`: cached, and within its maxAge. `stale`: cached, and past it. `miss`: the system was called.
 * `shared`: a call that was under way already answered this one too.
 */
export type CacheAnswer = 'hit' | 'stale' | 'miss' | 'shared';

/** `closed`: calls are made. `open`: they are refused. `half-open`: the next call tries whether the system is back. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** What is counted of the source systems. */
export interface SourceMetrics {
  /** One call to a system is over. The outcome is `ok`, `CANCELLED`, or the code of the source's error. */
  sourceCalled: (source: string, durationMs: number, outcome: string) => void;
  /** A call asked for this many keys. */
  batchAsked: (source: string, loader: string, size: number) => void;
  cacheAnswered: (source: string, answer: CacheAnswer) => void;
  /** A call had to wait this long for its turn within the source's limits. */
  waitedForTurn: (source: string, priority: Priority, durationMs: number) => void;
  retried: (source: string) => void;
  /** A source could not give its part. Kinds come from a closed list. */
  sourceFailed: (source: string, code: string, kind: FailureKind) => void;
  breakerChanged: (source: string, state: BreakerState) => void;
}

const BATCH_SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];
const BREAKER_STATES: readonly BreakerState[] = ['closed', 'open', 'half-open'];
const CALL_OUTCOMES: ReadonlySet<string> = new Set([
  'ok',
  'CANCELLED',
  'SOURCE_UNAVAILABLE',
  'SOURCE_TIMEOUT',
  'SOURCE_RATE_LIMITED',
  'SOURCE_UNAUTHENTICATED',
  'SOURCE_FORBIDDEN',
  'SOURCE_CONTRACT',
]);

/** One source's series, bound to their labels once. */
interface SourceSeries {
  calls: Timer;
  outcomes: Map<string, Cell>;
  batches: Map<string, Timer>;
  cache: Readonly<Record<CacheAnswer, Cell>>;
  waits: Readonly<Record<Priority, Timer>>;
  retries: Cell;
}

export function createSourceMetrics(registry: Registry, counter: MakeCounter): SourceMetrics {
  const families = createFamilies(registry, counter);
  const sources = new Map<string, SourceSeries>();
  const failureCells = new Map<string, Cell>();
  const seriesOf = (source: string): SourceSeries => {
    let series = sources.get(source);
    if (series === undefined) sources.set(source, (series = createSeries(source, families)));
    return series;
  };

  return {
    sourceCalled: (source, durationMs, outcome) => {
      const { calls, outcomes } = seriesOf(source);
      calls.observe(durationMs / 1_000);
      let cell = outcomes.get(outcome);
      if (cell === undefined) {
        const label = CALL_OUTCOMES.has(outcome) ? outcome : 'other';
        cell = outcomes.get(label) ?? families.calls({ source, outcome: label });
        outcomes.set(label, cell);
      }
      cell.count++;
    },
    batchAsked: (source, loader, size) => {
      const { batches } = seriesOf(source);
      let timer = batches.get(loader);
      if (timer === undefined) {
        timer = families.batches.labels(source, loader);
        batches.set(loader, timer);
      }
      timer.observe(size);
    },
    cacheAnswered: (source, answer) => {
      seriesOf(source).cache[answer].count++;
    },
    waitedForTurn: (source, priority, durationMs) => {
      seriesOf(source).waits[priority].observe(durationMs / 1_000);
    },
    retried: (source) => {
      seriesOf(source).retries.count++;
    },
    sourceFailed: (source, code, kind) => {
      const key = `${source} ${code} ${kind}`;
      let cell = failureCells.get(key);
      if (cell === undefined) failureCells.set(key, (cell = families.failures({ source, code, kind })));
      cell.count++;
    },
    breakerChanged: (source, state) => {
      for (const one of BREAKER_STATES) families.breakers.set({ source, state: one }, one === state ? 1 : 0);
    },
  };
}

type Families = ReturnType<typeof createFamilies>;

function createFamilies(registry: Registry, counter: MakeCounter) {
  const registers = [registry];
  return {
    callDurations: new Histogram({
      name: 'stekkerdoos_source_call_duration_seconds',
      help: 'How long calls to a source system took, retries counted apart.',
      labelNames: ['source'],
      buckets: DURATION_BUCKETS_S,
      registers,
    }),
    calls: counter(
      'stekkerdoos_source_calls_total',
      'How many calls were made to a source system, by how they ended: ok, CANCELLED, or the code of the error.',
      ['source', 'outcome'],
    ),
    batches: new Histogram({
      name: 'stekkerdoos_source_batch_keys',
      help: 'How many keys were asked for in one call to a source system.',
      labelNames: ['source', 'loader'],
      buckets: BATCH_SIZES,
      registers,
    }),
    cacheAnswers: counter(
      'stekkerdoos_cache_answers_total',
      'How many keys were answered from the cache (hit, stale), by the system (miss), or by a call under way (shared).',
      ['source', 'answer'],
    ),
    waits: new Histogram({
      name: 'stekkerdoos_source_wait_seconds',
      help: 'How long calls waited for their turn within the limits of a source system.',
      labelNames: ['source', 'priority'],
      buckets: DURATION_BUCKETS_S,
      registers,
    }),
    retries: counter(
      'stekkerdoos_source_retries_total',
      'How many calls to a source system were repeated after a failure.',
      ['source'],
    ),
    failures: counter(
      'stekkerdoos_source_failures_total',
      'How many batches or keys a source system failed to answer, by the code of the error and the kind of failure.',
      ['source', 'code', 'kind'],
    ),
    breakers: new Gauge({
      name: 'stekkerdoos_source_breaker_state',
      help: 'The state of a source system’s circuit breaker is the one that is 1.',
      labelNames: ['source', 'state'],
      registers,
    }),
  };
}

function createSeries(
  source: string,
  { callDurations, calls, cacheAnswers, waits, retries }: Families,
): SourceSeries {
  const answered = (answer: CacheAnswer) => cacheAnswers({ source, answer });
  const waited = (priority: Priority) => waits.labels(source, priority);
  return {
    calls: callDurations.labels(source),
    outcomes: new Map([['ok', calls({ source, outcome: 'ok' })]]),
    batches: new Map(),
    cache: {
      hit: answered('hit'),
      stale: answered('stale'),
      miss: answered('miss'),
      shared: answered('shared'),
    },
    waits: {
      interactive: waited('interactive'),
      automation: waited('automation'),
      bulk: waited('bulk'),
    },
    retries: retries({ source }),
  };
}
