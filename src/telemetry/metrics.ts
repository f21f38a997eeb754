import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { FailureKind } from '../diagnosis.js';
import { PRIORITIES, type Priority } from '../priority.js';
import { addGauges, type ScrapeReaders } from './gauges.js';
import { createWebhookMetrics, type WebhookMetrics } from './webhook-metrics.js';
import type { MetricValues } from './worker-metrics.js';

/**
 * Where the answer for one key came from.
 * `hit`: kept, and within its maxAge. `stale`: kept, and past it. `miss`: the system was asked.
 * `shared`: a call that was under way already answered this one too.
 */
export type CacheAnswer = 'hit' | 'stale' | 'miss' | 'shared';

/** `closed`: calls are made. `open`: they are refused. `half-open`: the next call tries whether the system is back. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/**
 * How an operation ended. `errors`: answered, with a part missing. `refused`: not executed at all, for what is wrong
 * with the request.
 */
export type OperationOutcome = 'ok' | 'errors' | 'refused';

/**
 * What the gateway counts and times. Everything the engine calls is cheap enough for the hot path. Labels are taken
 * from small sets: the sources and loaders that are plugged in, our own words, and at most a hundred operation names.
 */
export interface Metrics extends WebhookMetrics {
  /** One call to a system is over. The outcome is `ok`, `CANCELLED`, or the code of the source's error. */
  sourceCalled(source: string, durationMs: number, outcome: string): void;
  /** A call asked for this many keys. */
  batchAsked(source: string, loader: string, size: number): void;
  cacheAnswered(source: string, answer: CacheAnswer): void;
  /** A call had to wait this long for its turn within the source's limits. */
  waitedForTurn(source: string, priority: Priority, durationMs: number): void;
  retried(source: string): void;
  /** A source could not give its part. Kinds come from a closed list. */
  sourceFailed: (source: string, code: string, kind: FailureKind) => void;
  breakerChanged(source: string, state: BreakerState): void;
  /** The name is as the client sent it, undefined for an operation without one. */
  operationAnswered(name: string | undefined, durationMs: number, outcome: OperationOutcome): void;
  /** A request was answered with what was made for another: kept in bytes, or made at the same moment. */
  answeredWhole: (how: (typeof WHOLE_ANSWERS)[number]) => void;
  /** Finding out who a customer is was cut short. */
  identityLimited: (limit: (typeof IDENTITY_LIMITS)[number]) => void;
  /** A request was refused for overload. */
  shed: (priority: Priority) => void;
  /** Adds gauges. Each can be added once; those that are not added are left out of the text. */
  readAtScrape(readers: Partial<ScrapeReaders>): void;
  /** All metrics, in the text format of Prometheus. */
  text(): Promise<string>;
  /** Those of this process alone, as values. */
  values(): Promise<MetricValues>;
  contentType: string;
}

/** A hostile client could send a new name with each request, and each would be remembered for ever. */
const MAX_OPERATION_NAMES = 100;

const DURATIONS_IN_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const BATCH_SIZES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

const WHOLE_ANSWERS = ['kept', 'shared'] as const;
const IDENTITY_LIMITS = ['HOPS', 'VALUES_PER_NAMESPACE', 'IDENTIFIERS'] as const;
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

/** Whether a text is what GraphQL takes for a name, and no longer than one that a person would give. */
export function isOperationName(name: string): boolean {
  return /^[_A-Za-z][_0-9A-Za-z]{0,63}$/.test(name);
}

/** A count that is told to prom-client at scrape: adding one there takes 150 ns, here it takes 1. */
interface Cell {
  count: number;
}

interface Timer {
  observe(seconds: number): void;
}

/** One source's series, bound to their labels once. */
interface SourceSeries {
  calls: Timer;
  outcomes: Map<string, Cell>;
  batches: Map<string, Timer>;
  cache: Readonly<Record<CacheAnswer, Cell>>;
  waits: Readonly<Record<Priority, Timer>>;
  retries: Cell;
}

interface OperationSeries {
  durations: Timer;
  outcomes: Readonly<Record<OperationOutcome, Cell>>;
}

/** Metrics of one gateway, in a registry of its own. Where it is several processes, `textOfAll` writes those of all. */
export function createMetrics(textOfAll?: () => Promise<string>): Metrics {
  const registry = new Registry();
  const ofProcess = processMetrics();
  const registers = [registry];
  const counter = counters(registry);

  const callDurations = new Histogram({
    name: 'stekkerdoos_source_call_duration_seconds',
    help: 'How long calls to a source system took, retries counted apart.',
    labelNames: ['source'],
    buckets: DURATIONS_IN_SECONDS,
    registers,
  });
  const calls = counter(
    'stekkerdoos_source_calls_total',
    'How many calls were made to a source system, by how they ended: ok, CANCELLED, or the code of the error.',
    ['source', 'outcome'],
  );
  const batches = new Histogram({
    name: 'stekkerdoos_source_batch_keys',
    help: 'How many keys were asked for in one call to a source system.',
    labelNames: ['source', 'loader'],
    buckets: BATCH_SIZES,
    registers,
  });
  const cacheAnswers = counter(
    'stekkerdoos_cache_answers_total',
    'How many keys were answered from the cache (hit, stale), by the system (miss), or by a call under way (shared).',
    ['source', 'answer'],
  );
  const waits = new Histogram({
    name: 'stekkerdoos_source_wait_seconds',
    help: 'How long calls waited for their turn within the limits of a source system.',
    labelNames: ['source', 'priority'],
    buckets: DURATIONS_IN_SECONDS,
    registers,
  });
  const retries = counter(
    'stekkerdoos_source_retries_total',
    'How many calls to a source system were repeated after a failure.',
    ['source'],
  );
  const failures = counter(
    'stekkerdoos_source_failures_total',
    'How many batches or keys a source system failed to answer, by the code of the error and the kind of failure.',
    ['source', 'code', 'kind'],
  );
  const failureCells = new Map<string, Cell>();
  const breakers = new Gauge({
    name: 'stekkerdoos_source_breaker_state',
    help: 'The state of a source system’s circuit breaker is the one that is 1.',
    labelNames: ['source', 'state'],
    registers,
  });
  const operationDurations = new Histogram({
    name: 'stekkerdoos_operation_duration_seconds',
    help: 'How long operations took to be answered, by name; the first hundred names are told apart.',
    labelNames: ['operation'],
    buckets: DURATIONS_IN_SECONDS,
    registers,
  });
  const operationOutcomes = counter(
    'stekkerdoos_operations_total',
    'How many operations were answered, by whether all of the answer was there (ok), some (errors) or none (refused).',
    ['operation', 'outcome'],
  );
  const wholeAnswers = counter(
    'stekkerdoos_whole_answers_total',
    'How many requests were answered with what was made for another: kept as it was sent, or made at the same moment (shared).',
    ['how'],
  );
  const shedRequests = counter(
    'stekkerdoos_requests_shed_total',
    'How many requests were refused at once because the gateway had too much to do.',
    ['priority'],
  );

  const limitedIdentities = counter(
    'stekkerdoos_identity_limits_total',
    'How often finding out who a customer is was cut short by a limit: HOPS, VALUES_PER_NAMESPACE or IDENTIFIERS.',
    ['limit'],
  );

  const sources = new Map<string, SourceSeries>();
  const seriesOf = (source: string): SourceSeries => {
    let series = sources.get(source);
    if (series === undefined) {
      const answered = (answer: CacheAnswer) => cacheAnswers({ source, answer });
      const waited = (priority: Priority) => waits.labels(source, priority);
      series = {
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
      sources.set(source, series);
    }
    return series;
  };

  const operation = (label: string): OperationSeries => {
    const ended = (outcome: OperationOutcome) => operationOutcomes({ operation: label, outcome });
    return {
      durations: operationDurations.labels(label),
      outcomes: { ok: ended('ok'), errors: ended('errors'), refused: ended('refused') },
    };
  };
  const anonymous = operation('anonymous');
  const other = operation('other');
  const operations = new Map<string, OperationSeries>();
  const operationOf = (name: string | undefined, outcome: OperationOutcome): OperationSeries => {
    if (name === undefined) return anonymous;
    const known = operations.get(name);
    if (known !== undefined) return known;
    // What was refused may be anything; only what the schema could answer takes a place.
    if (outcome === 'refused' || operations.size >= MAX_OPERATION_NAMES || !isOperationName(name))
      return other;
    const series = operation(name);
    operations.set(name, series);
    return series;
  };

  const identityLimits = new Map(IDENTITY_LIMITS.map((limit) => [limit, limitedIdentities({ limit })]));
  const whole = new Map(WHOLE_ANSWERS.map((how) => [how, wholeAnswers({ how })]));
  const shed = new Map(PRIORITIES.map((priority) => [priority, shedRequests({ priority })]));

  return {
    sourceCalled: (source, durationMs, outcome) => {
      const { calls: timer, outcomes } = seriesOf(source);
      timer.observe(durationMs / 1_000);
      let cell = outcomes.get(outcome);
      if (cell === undefined) {
        const label = CALL_OUTCOMES.has(outcome) ? outcome : 'other';
        cell = outcomes.get(label) ?? calls({ source, outcome: label });
        outcomes.set(label, cell);
      }
      cell.count++;
    },
    batchAsked: (source, loader, size) => {
      const { batches: ofSource } = seriesOf(source);
      let timer = ofSource.get(loader);
      if (timer === undefined) {
        timer = batches.labels(source, loader);
        ofSource.set(loader, timer);
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
      if (cell === undefined) failureCells.set(key, (cell = failures({ source, code, kind })));
      cell.count++;
    },
    breakerChanged: (source, state) => {
      for (const one of BREAKER_STATES) breakers.set({ source, state: one }, one === state ? 1 : 0);
    },
    operationAnswered: (name, durationMs, outcome) => {
      const { durations, outcomes } = operationOf(name, outcome);
      durations.observe(durationMs / 1_000);
      outcomes[outcome].count++;
    },
    shed: (priority) => {
      const cell = shed.get(priority);
      if (cell !== undefined) cell.count++;
    },
    ...createWebhookMetrics(counter),
    answeredWhole: (how) => {
      const cell = whole.get(how);
      if (cell !== undefined) cell.count++;
    },
    identityLimited: (limit) => {
      const cell = identityLimits.get(limit);
      if (cell !== undefined) cell.count++;
    },
    readAtScrape: (readers) => {
      addGauges(registry, readers);
    },
    text:
      textOfAll ?? (async () => (await Promise.all([registry.metrics(), ofProcess.metrics()])).join('\n')),
    values: async () =>
      (await Promise.all([registry, ofProcess].map((one) => one.getMetricsAsJSON()))).flat(),
    contentType: registry.contentType,
  };
}

/** Makes counters whose series are counted in cells. */
function counters(registry: Registry) {
  return <Label extends string>(name: string, help: string, labelNames: Label[]) => {
    const cells: { cell: Cell; labels: Record<Label, string> }[] = [];
    const counter = new Counter<Label>({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        for (const { cell, labels } of cells) {
          counter.inc(labels, cell.count);
          cell.count = 0;
        }
      },
    });
    return (labels: Record<Label, string>): Cell => {
      const cell = { count: 0 };
      cells.push({ cell, labels });
      return cell;
    };
  };
}

let ofThisProcess: Registry | undefined;

/** Memory, processor time, garbage collection: there is one process, and prom-client's watch on it has no end. */
function processMetrics(): Registry {
  if (ofThisProcess === undefined) {
    ofThisProcess = new Registry();
    collectDefaultMetrics({ register: ofThisProcess });
  }
  return ofThisProcess;
}
