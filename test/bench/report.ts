import { availableParallelism, cpus, loadavg } from 'node:os';

/** One line of the table. */
export interface Figure {
  name: string;
  value: number;
  unit: 'ms' | 's' | 'MB' | 'x' | 'rounds' | 'answers';
  /** The least and the most of several measurements. */
  range?: readonly [number, number];
  /** What belongs to it. */
  detail?: string;
  /** The goal, when there is one. */
  atMost?: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}

/** A figure that was measured several times: the middle one, with the range. */
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

/** Of what was measured side by side. */
export function ratios(values: readonly number[], others: readonly number[]): number[] {
  return values.map((value, i) => value / (others[i] ?? Number.NaN));
}

/** What else the machine was doing before: on a busy one all figures are worse and range wider. */
const loadBefore = Number((loadavg()[0] ?? 0).toFixed(2));

/** What it was measured on; figures of another kind of machine are other figures. */
export function machine() {
  return {
    cores: availableParallelism(),
    loadBefore,
    processor: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
}

function verdict({ value, atMost }: Figure): 'met' | 'missed' | undefined {
  if (atMost === undefined) return undefined;
  return value <= atMost ? 'met' : 'missed';
}

const DIGITS: Record<Figure['unit'], number> = { ms: 2, s: 1, MB: 1, x: 2, rounds: 0, answers: 0 };

export function table(figures: readonly Figure[]): string {
  const { cores, processor, node, platform } = machine();
  const head = `${cores} cores (${processor}), Node ${node}, ${platform}; load before: ${loadBefore}`;
  const rows = figures.map((figure) => {
    const { name, value, unit, range, detail = '', atMost } = figure;
    const text = (number: number) => number.toFixed(DIGITS[unit]);
    const goal = atMost === undefined ? '' : `at most ${atMost}: ${verdict(figure) ?? ''}`;
    const spanned = range === undefined ? '' : `${text(range[0])} to ${text(range[1])}`;
    return [name, `${text(value)} ${unit}`, spanned, goal, detail];
  });
  const all = [['figure', 'value', 'range', 'goal', 'of'], ...rows];
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
    ...(figure.atMost === undefined ? {} : { goal: verdict(figure) }),
  }));
  return `${JSON.stringify({ machine: machine(), figures: withGoals }, null, 2)}\n`;
}
