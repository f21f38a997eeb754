import type { CallBudget } from '../call-budget.js';
import type { Finding } from '../draft.js';
import type { RestProbe } from './probe.js';

/** The state that the parts of a measurement share. */
export interface Measuring {
  probe: RestProbe;
  budget: CallBudget;
  findings: Finding[];
  /** Records of customers, as the system returns them. */
  records: unknown[];
  /** Calls that the measurement of a limit leaves for other ways and for lists. */
  reserve: number;
}

export function startMeasuring(probe: RestProbe, budget: CallBudget): Measuring {
  return { probe, budget, findings: [], records: [], reserve: 0 };
}

export function find({ findings }: Measuring, text: string, isWarning = false): void {
  findings.push({ step: 'measure', text, ...(isWarning ? { isWarning } : {}) });
}

export function hasCall({ budget, reserve }: Measuring): boolean {
  return budget.left > reserve;
}

/** A call in the syntax of a declaration. */
export type Declared = Readonly<Record<string, unknown>>;

export interface MeasuredCall {
  call: Declared;
  /** The rows by key. */
  answers: ReadonlyMap<string, readonly unknown[]>;
  envelope: unknown;
}
