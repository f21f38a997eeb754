import type { ProtectionBounds } from '../resilience/protection.js';
import { milliseconds } from '../duration.js';
import { httpError } from '../operation/request-error.js';
import type { CallHistory } from './call-history.js';

/** What a bulk request will need, before any system is called. */
export interface BulkPlan {
  operation: string;
  lines: number;
  /** The lines are answered in this many parts. */
  parts: number;
  /** Points at most. */
  points: number;
  /** The expected time, under the limits of the systems and the budget of the caller. */
  seconds: number;
  /**
   * `MEASURED`: from the calls of earlier lines of this operation. `DECLARED`: no line was answered since the start, so the
   * calls follow from what the sources declare. Cached records need no call.
   */
  basis: 'MEASURED' | 'DECLARED';
  systems: readonly SystemPlan[];
  /** Why the request would be refused. Undefined if it is accepted. */
  refused?: string;
}

interface SystemPlan {
  source: string;
  calls: number;
  /** The time for these calls alone, under the limits of the system. */
  seconds?: number;
  /** The quota of the system, with what is left of it as far as this process knows. */
  quota?: { calls: number; per: 'day' | 'month'; left: number; atMost: number };
}

export interface PlanOptions {
  operation: string;
  /** The sizes of the parts. */
  sizes: readonly number[];
  history: CallHistory;
  /** Calls of each source for one part, as far as declarations show. */
  declaredCalls: (lines: number) => ReadonlyMap<string, number>;
  bounds: ReadonlyMap<string, ProtectionBounds>;
  points: number;
  costPerMinute: number;
}

/** Plans a bulk request without calling a system. */
export function planBulk(options: PlanOptions): BulkPlan {
  const { operation, sizes, history, declaredCalls, bounds, points, costPerMinute } = options;
  const calls = new Map<string, number>();
  const ofSize = new Map<number, ReadonlyMap<string, number>>();
  for (const size of sizes) {
    const ofPart = ofSize.get(size) ?? history.callsOf(size) ?? declaredCalls(size);
    ofSize.set(size, ofPart);
    for (const [source, count] of ofPart) calls.set(source, (calls.get(source) ?? 0) + count);
  }
  const systems = [...calls]
    .map(([source, count]) => systemPlan(source, Math.round(count), bounds.get(source)))
    .toSorted((a, b) => b.calls - a.calls);
  const lines = sizes.reduce((sum, size) => sum + size, 0);
  const refused = systems.flatMap((system) => refusalOf(system) ?? []);
  return {
    operation,
    lines,
    parts: sizes.length,
    points,
    seconds: Math.ceil(
      Math.max(
        ((history.msPerLine ?? 0) * lines) / 1_000,
        // The budget of each further minute is awaited.
        (Math.ceil(points / costPerMinute) - 1) * 60,
        ...systems.map(({ seconds = 0 }) => seconds),
      ),
    ),
    basis: history.msPerLine === undefined ? 'DECLARED' : 'MEASURED',
    systems,
    ...(refused.length === 0 ? {} : { refused: refused.join(' ') }),
  };
}

/** Throws if the plan exceeds its share of a quota. */
export function checkPlan({ refused }: BulkPlan): void {
  if (refused !== undefined) throw httpError('LIMIT_EXCEEDED', refused, 413);
}

function systemPlan(source: string, calls: number, bounds: ProtectionBounds | undefined): SystemPlan {
  const { rate, quota, bulkShare = 1 } = bounds ?? {};
  return {
    source,
    calls,
    ...(rate === undefined
      ? {}
      : { seconds: Math.ceil((calls / rate.calls) * (milliseconds(rate.per) / 1_000)) }),
    ...(quota === undefined
      ? {}
      : { quota: { ...quota, atMost: Math.min(quota.left, Math.floor(quota.calls * bulkShare)) } }),
  };
}

function refusalOf({ source, calls, quota }: SystemPlan): string | undefined {
  if (quota === undefined || calls <= quota.atMost) return undefined;
  return (
    `The request needs about ${calls} calls to ${source}. Bulk may use ${quota.atMost} of its quota of ` +
    `${quota.calls} a ${quota.per}, and ${quota.left} are left. Send fewer lines, or wait for the next ${quota.per}.`
  );
}
