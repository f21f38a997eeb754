import { createCallBudget, type CallBudget } from '../../../src/connect/call-budget.js';
import type { Draft, Finding } from '../../../src/connect/draft.js';
import type { Look, Measured, ReaderOptions, SystemReader, Target } from '../../../src/connect/reader.js';
import { restReaderKind } from '../../../src/connect/rest/rest-kind.js';

/** Connects a system, as the command does. */

export interface Connected {
  look: Look;
  draft: Draft;
  findings: readonly Finding[];
  values: Measured['values'];
  budget: CallBudget;
}

export const budgetOf = (maxCalls = 20) => createCallBudget({ maxCalls, intervalMs: 0 });

export function openReader(target: Target, options: Partial<ReaderOptions> = {}): Promise<SystemReader> {
  return restReaderKind.open({
    ...{ source: 'library', target, environment: {}, budget: budgetOf() },
    questions: { keys: () => Promise.resolve([]) },
    ...options,
  });
}

/** Looks and measures by the named call, or by the best one. */
export async function connectBy(
  target: Target,
  options: Partial<ReaderOptions> = {},
  by?: string,
): Promise<Connected> {
  const budget = options.budget ?? budgetOf();
  const reader = await openReader(target, { ...options, budget });
  const look = await reader.look();
  const candidate = by === undefined ? look.candidates[0] : look.candidates.find(({ name }) => name === by);
  if (candidate === undefined)
    throw new Error(
      `There is no ${by ?? 'candidate'} in ${look.candidates.map(({ name }) => name).join(', ')}.`,
    );
  const { draft, findings, values } = await reader.measure(candidate);
  return { look, draft, findings, values, budget };
}

export const textsOf = (findings: readonly Finding[]) => findings.map(({ text }) => text).join('\n');
