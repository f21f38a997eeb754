import { Histogram, type Registry } from 'prom-client';
import { PRIORITIES, type Priority } from '../priority.js';
import { DURATION_BUCKETS_S, type Cell, type MakeCounter, type Timer } from './counters.js';

/**
 * How an operation ended. `errors`: answered, with a part missing. `refused`: not executed at all, for what is wrong
 * with the request.
 */
export type OperationOutcome = 'ok' | 'errors' | 'refused';

/** What is counted of requests and their operations. */
export interface OperationMetrics {
  /** The name is as the client sent it, undefined for an operation without one. */
  operationAnswered: (name: string | undefined, durationMs: number, outcome: OperationOutcome) => void;
  /** A request was answered with what was made for another: cached in bytes, or made at the same moment. */
  answeredWhole: (how: (typeof WHOLE_ANSWERS)[number]) => void;
  /** Finding out who a customer is was cut short. */
  identityLimited: (limit: (typeof IDENTITY_LIMITS)[number]) => void;
  /** A request was refused for overload. */
  shed: (priority: Priority) => void;
}

/** A hostile client could send a new name with each request, and each would be remembered for ever. */
const MAX_OPERATION_NAMES = 100;
const WHOLE_ANSWERS = ['kept', 'shared'] as const;
const IDENTITY_LIMITS = ['HOPS', 'VALUES_PER_NAMESPACE', 'IDENTIFIERS'] as const;

/** Whether a text is what GraphQL takes for a name, and no longer than one that a person would give. */
export function isOperationName(name: string): boolean {
  return /^[_A-Za-z][_0-9A-Za-z]{0,63}$/.test(name);
}

interface OperationSeries {
  durations: Timer;
  outcomes: Readonly<Record<OperationOutcome, Cell>>;
}

export function createOperationMetrics(registry: Registry, counter: MakeCounter): OperationMetrics {
  const seriesOf = createOperationSeries(registry, counter);
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
  return {
    operationAnswered: (name, durationMs, outcome) => {
      const { durations, outcomes } = seriesOf(name, outcome);
      durations.observe(durationMs / 1_000);
      outcomes[outcome].count++;
    },
    answeredWhole: counting(WHOLE_ANSWERS, (how) => wholeAnswers({ how })),
    identityLimited: counting(IDENTITY_LIMITS, (limit) => limitedIdentities({ limit })),
    shed: counting(PRIORITIES, (priority) => shedRequests({ priority })),
  };
}

/** Counts in one cell for each value of a closed list. */
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

/** The series of an operation by its name, for the first hundred names. */
function createOperationSeries(
  registry: Registry,
  counter: MakeCounter,
): (name: string | undefined, outcome: OperationOutcome) => OperationSeries {
  const durations = new Histogram({
    name: 'stekkerdoos_operation_duration_seconds',
    help: 'How long operations took to be answered, by name; the first hundred names are told apart.',
    labelNames: ['operation'],
    buckets: DURATION_BUCKETS_S,
    registers: [registry],
  });
  const operations = counter(
    'stekkerdoos_operations_total',
    'How many operations were answered, by whether all of the answer was there (ok), some (errors) or none (refused).',
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
    // What was refused may be anything; only what the schema could answer takes a place.
    if (outcome === 'refused' || byName.size >= MAX_OPERATION_NAMES || !isOperationName(name)) return other;
    const series = create(name);
    byName.set(name, series);
    return series;
  };
}
