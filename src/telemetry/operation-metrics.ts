import { Histogram, type Registry } from 'prom-client';
import { PRIORITIES, type Priority } from '../priority.js';
import { DURATION_BUCKETS_S, type Cell, type MakeCounter, type Timer } from './counters.js';

/**
 * The outcome of an operation. `ok`: the answer is complete. `errors`: a part of it is missing. `refused`: the operation
 * was not executed, because of a problem in the request.
 */
export type OperationOutcome = 'ok' | 'errors' | 'refused';

/** Counts and times requests and their operations. */
export interface OperationMetrics {
  /** `name` is as the client sent it; undefined for an operation without a name. */
  operationAnswered: (name: string | undefined, durationMs: number, outcome: OperationOutcome) => void;
  /**
   * A request got the answer of another request: from the response cache (`hit`) or while it was in flight
   * (`shared`).
   */
  responseCacheAnswered: (answer: (typeof RESPONSE_CACHE_ANSWERS)[number]) => void;
  /** A limit ended the search for a customer's identity early. */
  identityLimited: (limit: (typeof IDENTITY_LIMITS)[number]) => void;
  /** A request was refused because the gateway is overloaded. */
  shed: (priority: Priority) => void;
}

/** Bounds the memory of the series: a hostile client could send a new name with each request. */
const MAX_OPERATION_NAMES = 100;
const RESPONSE_CACHE_ANSWERS = ['hit', 'shared'] as const;
const IDENTITY_LIMITS = ['HOPS', 'VALUES_PER_NAMESPACE', 'IDENTIFIERS'] as const;

/** Whether a text is a valid GraphQL name of at most 64 characters. */
export function isOperationName(name: string): boolean {
  return /^[_A-Za-z][_0-9A-Za-z]{0,63}$/.test(name);
}

interface OperationSeries {
  durations: Timer;
  outcomes: Readonly<Record<OperationOutcome, Cell>>;
}

export function createOperationMetrics(registry: Registry, counter: MakeCounter): OperationMetrics {
  const seriesOf = createOperationSeries(registry, counter);
  const responseCacheAnswers = counter(
    'stekkerdoos_response_cache_answers_total',
    'How many requests got the answer of another request: from the response cache (hit), or while it was in flight (shared).',
    ['answer'],
  );
  const shedRequests = counter(
    'stekkerdoos_requests_shed_total',
    'How many requests were refused because the gateway was overloaded.',
    ['priority'],
  );
  const limitedIdentities = counter(
    'stekkerdoos_identity_limits_total',
    'How often a limit ended the search for an identity early: HOPS, VALUES_PER_NAMESPACE or IDENTIFIERS.',
    ['limit'],
  );
  return {
    operationAnswered: (name, durationMs, outcome) => {
      const { durations, outcomes } = seriesOf(name, outcome);
      durations.observe(durationMs / 1_000);
      outcomes[outcome].count++;
    },
    responseCacheAnswered: counting(RESPONSE_CACHE_ANSWERS, (answer) => responseCacheAnswers({ answer })),
    identityLimited: counting(IDENTITY_LIMITS, (limit) => limitedIdentities({ limit })),
    shed: counting(PRIORITIES, (priority) => shedRequests({ priority })),
  };
}

/** Counts each value of a closed list in its own cell. */
function counting<Value extends string>(
  values: readonly Value[],
  cellOf: (value: Value) => Cell,
): (value: Value) => void {
  const cells = new Map(values.map((value) => [value, cellOf(value)]));
  return (value) => {
    const cell = cells.get(value);
    if (cell !== undefined) cell.count++;
  };
}

/** Returns the series of an operation by its name, for the first `MAX_OPERATION_NAMES` names. */
function createOperationSeries(
  registry: Registry,
  counter: MakeCounter,
): (name: string | undefined, outcome: OperationOutcome) => OperationSeries {
  const durations = new Histogram({
    name: 'stekkerdoos_operation_duration_seconds',
    help: 'How long operations took, by name. After a hundred names, further names are counted as other.',
    labelNames: ['operation'],
    buckets: DURATION_BUCKETS_S,
    registers: [registry],
  });
  const operations = counter(
    'stekkerdoos_operations_total',
    'How many operations ended, by outcome: ok, errors (a part is missing) or refused (not executed).',
    ['operation', 'outcome'],
  );
  const create = (operation: string): OperationSeries => {
    const ended = (outcome: OperationOutcome) => operations({ operation, outcome });
    return {
      durations: durations.labels(operation),
      outcomes: { ok: ended('ok'), errors: ended('errors'), refused: ended('refused') },
    };
  };
  const anonymous = create('anonymous');
  const other = create('other');
  const byName = new Map<string, OperationSeries>();
  return (name, outcome) => {
    if (name === undefined) return anonymous;
    const known = byName.get(name);
    if (known !== undefined) return known;
    // A refused operation may have any name: only a valid operation gets a series.
    if (outcome === 'refused' || byName.size >= MAX_OPERATION_NAMES || !isOperationName(name)) return other;
    const series = create(name);
    byName.set(name, series);
    return series;
  };
}
