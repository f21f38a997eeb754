import type { Row } from '../bulk/run-bulk.js';

/** Interval between updates of the line on a terminal, and between plain lines. */
const TERMINAL_MS = 200;
const PLAIN_MS = 10_000;

export interface BulkProgress {
  row(row: Pick<Row, 'errors'>): void;
  end(): void;
}

export interface BulkProgressOptions {
  /** The number of lines of this run. Undefined if it is not known before. */
  lines?: number;
  isTerminal: boolean;
  print: (text: string) => void;
  now: () => number;
}

/** Prints the number of answered lines, their rate, the time left if the number of lines is known, and the errors by system. */
export function printBulkProgress({ lines, isTerminal, print, now }: BulkProgressOptions): BulkProgress {
  const startedAt = now();
  const errorsBySystem = new Map<string, number>();
  let answered = 0;
  let printedAt = startedAt;
  const text = (): string => {
    const perSecond = answered / Math.max((now() - startedAt) / 1_000, 0.001);
    const errors = [...errorsBySystem].map(([name, count]) => `${name} ${count}`);
    return [
      lines === undefined ? `${answered} lines` : `${answered} of ${lines} lines`,
      `${perSecond < 10 ? perSecond.toFixed(1) : Math.round(perSecond)} a second`,
      ...(lines === undefined || answered === 0 || answered === lines
        ? []
        : [`${durationText((lines - answered) / perSecond)} left`]),
      ...(errors.length === 0 ? [] : [`errors: ${errors.join(', ')}`]),
    ].join(', ');
  };
  const show = (): void => {
    printedAt = now();
    print(isTerminal ? `\r${text()}\u001b[K` : `${text()}\n`);
  };
  return {
    row: ({ errors = [] }) => {
      answered += 1;
      const systems = new Set(
        errors.map(({ extensions: { source, code } }) => String(typeof source === 'string' ? source : code)),
      );
      for (const system of systems) errorsBySystem.set(system, (errorsBySystem.get(system) ?? 0) + 1);
      if (now() - printedAt >= (isTerminal ? TERMINAL_MS : PLAIN_MS)) show();
    },
    end: () => {
      show();
      if (isTerminal) print('\n');
    },
  };
}

/** A duration such as `45 s` or `1 h 20 min`. */
export function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
