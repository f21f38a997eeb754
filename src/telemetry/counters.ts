import { Counter, type Registry } from 'prom-client';

/**
 * The count of one series. It is added to prom-client's counter at each scrape. Counting takes 1 ns here, and 150 ns
 * there.
 */
export interface Cell {
  count: number;
}

/** Creates a counter. It returns a function that creates a series of the counter, by the values of its labels. */
export type MakeCounter = <Label extends string>(
  name: string,
  help: string,
  labelNames: Label[],
) => (labels: Record<Label, string>) => Cell;

export function counters(registry: Registry): MakeCounter {
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

/** A histogram of durations. */
export interface Timer {
  observe(seconds: number): void;
}

export const DURATION_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
