import { Gauge, Histogram, type Registry } from 'prom-client';
import type { FailureKind } from '../diagnosis.js';
import type { Priority } from '../priority.js';
import { DURATION_BUCKETS_S, type Cell, type MakeCounter, type Timer } from './counters.js';

/**
 * Where the answer for one key came from. `hit`: the cache, within its maxAge. `stale`: the cache, past its maxAge.
 * `miss`: a call to the system. `shared`: a request for the same key that was already in flight.
 */
export type CacheAnswer = 'hit' | 'stale' | 'miss' | 'shared';

/**
 * `closed`: calls are made. `open`: calls are refused. `half-open`: the next call tests whether the system works
 * again.
 */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** Counts and times the calls to source systems. */
export interface SourceMetrics {
  /** A call to a system ended. The outcome is `ok`, `CANCELLED`, or the code of the source's error. */
  sourceCalled: (source: string, durationMs: number, outcome: string) => void;
  /** A batch of `size` keys was sent in one call. */
  batchDispatched: (source: string, loader: string, size: number) => void;
  cacheAnswered: (source: string, answer: CacheAnswer) => void;
  /** A call waited this long for a slot within the source's limits. */
  waitedForSlot: (source: string, priority: Priority, durationMs: number) => void;
  retried: (source: string) => void;
  /** A source could not provide its data. Kinds come from a closed list. */
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

/** The series of one source, bound to their labels once. */
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
    batchDispatched: (source, loader, size) => {
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
    waitedForSlot: (source, priority, durationMs) => {
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
      for (const known of BREAKER_STATES)
        families.breakers.set({ source, state: known }, known === state ? 1 : 0);
    },
  };
}

type Families = ReturnType<typeof createFamilies>;

function createFamilies(registry: Registry, counter: MakeCounter) {
  const registers = [registry];
  return {
    callDurations: new Histogram({
      name: 'stekkerdoos_source_call_duration_seconds',
      help: 'How long calls to a source system took. Each retry is a separate call.',
      labelNames: ['source'],
      buckets: DURATION_BUCKETS_S,
      registers,
    }),
    calls: counter(
      'stekkerdoos_source_calls_total',
      'How many calls to a source system ended, by outcome: ok, CANCELLED, or the code of the error.',
      ['source', 'outcome'],
    ),
    batches: new Histogram({
      name: 'stekkerdoos_source_batch_keys',
      help: 'How many keys one call to a source system contained.',
      labelNames: ['source', 'loader'],
      buckets: BATCH_SIZES,
      registers,
    }),
    cacheAnswers: counter(
      'stekkerdoos_cache_answers_total',
      'How many keys were answered by the cache (hit, stale), by the system (miss), or by an in-flight request (shared).',
      ['source', 'answer'],
    ),
    waits: new Histogram({
      name: 'stekkerdoos_source_wait_seconds',
      help: 'How long calls waited for a slot within the limits of a source system.',
      labelNames: ['source', 'priority'],
      buckets: DURATION_BUCKETS_S,
      registers,
    }),
    retries: counter('stekkerdoos_source_retries_total', 'How many calls to a source system were retried.', [
      'source',
    ]),
    failures: counter(
      'stekkerdoos_source_failures_total',
      'How many batches or keys failed, by the code of the error and the kind of failure.',
      ['source', 'code', 'kind'],
    ),
    breakers: new Gauge({
      name: 'stekkerdoos_source_breaker_state',
      help: 'The current state of the circuit breaker of a source system has the value 1, the other states 0.',
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
