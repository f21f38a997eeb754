import { availableParallelism, cpus, loadavg } from 'node:os';

type Unit = keyof typeof DIGITS;

/** One line of the table. */
export interface Figure {
  name: string;
  value: number;
  unit: Unit;
  /** Lowest and highest of several measurements. */
  range?: readonly [number, number];
  /** Further facts about the figure. */
  detail?: string;
  /** Upper bound of the goal, if there is one. */
  atMost?: number;
  /** Lower bound of the goal, if there is one. */
  atLeast?: number;
}

/** A figure that could not be measured, with the reason. */
export function leftOut(name: string, unit: Unit, why: string): Figure {
  return { name, value: Number.NaN, unit, detail: `left out: ${why}` };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

/** The quantile of the values, such as 0.99 for p99. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

/** A figure of several measurements: the median and the range. */
export function spread(
  name: string,
  values: readonly number[],
  unit: Figure['unit'],
  detail?: string,
): Figure {
  return {
    name,
    value: median(values),
    unit,
    range: [Math.min(...values), Math.max(...values)],
    ...(detail === undefined ? {} : { detail }),
  };
}

/** Ratios of values that were measured in pairs. */
export function ratios(values: readonly number[], others: readonly number[]): number[] {
  return values.map((value, i) => value / (others[i] ?? Number.NaN));
}

/** Load of the machine before the bench. On a busy machine all figures are worse and their ranges wider. */
const loadBefore = Number((loadavg()[0] ?? 0).toFixed(2));

/** Read before the bench binds itself to one of the cores. */
const cores = availableParallelism();

/** Describes the machine. Figures of different machines cannot be compared. */
export function machine() {
  return {
    cores,
    loadBefore,
    processor: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
}

function goalState({ value, atMost, atLeast }: Figure): 'met' | 'missed' | undefined {
  if (Number.isNaN(value) || (atMost === undefined && atLeast === undefined)) return undefined;
  return value <= (atMost ?? Infinity) && value >= (atLeast ?? -Infinity) ? 'met' : 'missed';
}

function goal(figure: Figure): string {
  const { atMost, atLeast } = figure;
  if (atMost === undefined && atLeast === undefined) return '';
  const bound = atMost === undefined ? `at least ${atLeast ?? 0}` : `at most ${atMost}`;
  return `${bound}: ${goalState(figure) ?? 'not known'}`;
}

/** Digits after the decimal point, by unit. */
const DIGITS = {
  µs: 1,
  ms: 2,
  s: 1,
  MB: 1,
  kB: 0,
  x: 2,
  rounds: 0,
  answers: 0,
  requests: 0,
  'requests/s': 0,
  'calls/request': 3,
  'calls/s': 1,
};

export function table(figures: readonly Figure[]): string {
  const { cores, processor, node, platform } = machine();
  const head = `${cores} cores (${processor}), Node ${node}, ${platform}; load before: ${loadBefore}`;
  const rows = figures.map((figure) => {
    const { name, value, unit, range, detail = '' } = figure;
    const text = (number: number) => (Number.isNaN(number) ? '–' : number.toFixed(DIGITS[unit]));
    const spanned = range === undefined ? '' : `${text(range[0])} to ${text(range[1])}`;
    return [name, `${text(value)} ${unit}`, spanned, goal(figure), detail];
  });
  const all = [['figure', 'value', 'range', 'goal', 'details'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const lines = all.map((row) =>
    row
      .map((cell, column) =>
        column === 1 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  return [head, '', ...lines, ''].join('\n');
}

export function json(figures: readonly Figure[]): string {
  const withGoals = figures.map((figure) => ({
    ...figure,
    ...(goal(figure) === '' ? {} : { goal: goalState(figure) ?? 'not known' }),
  }));
  return `${JSON.stringify({ machine: machine(), figures: withGoals }, null, 2)}\n`;
}
