import type { GraphQLError } from 'graphql';
import type { Caller } from '../context/caller.js';
import type { Budgets } from './budgets.js';
import type { Cost } from './cost.js';
import { operationError, waitError } from './request-error.js';

/** The limit of a caller without a budget, such as a trigger. Its points are not counted. */
export const UNLIMITED = Number.MAX_SAFE_INTEGER;

/** Checks the cost of operations against the limits and budgets of their callers. */
export interface CostLimits {
  /** The error if an operation costs more than the caller may ever spend at once; otherwise undefined. */
  tooExpensive(cost: Cost, caller: Caller): GraphQLError | undefined;
  /** Charges the maximum cost to the caller's budget. `settle` replaces it by the actual cost of the answer. */
  charge(cost: Cost, caller: Caller): { refused: GraphQLError } | Charge;
  /** Charges the known cost of a cached answer. False: the budget does not allow it, and nothing is charged. */
  chargeAgain(cost: SettledCost, caller: Caller): boolean;
}

export interface Charge {
  settle(data: unknown): ReportedCost;
}

export interface SettledCost {
  requested: number;
  actual: number;
}

/** The content of `extensions.cost`. */
export interface ReportedCost extends SettledCost {
  limit: number;
  remaining: number;
}

export function createCostLimits({ budgets }: { budgets: Budgets }): CostLimits {
  const tooExpensive: CostLimits['tooExpensive'] = (cost, { maxCost, costPerMinute }) => {
    const { requested } = cost;
    // An operation that costs more than the budget of a minute could never be charged.
    const limit = Math.min(maxCost, costPerMinute);
    if (requested <= limit) return undefined;
    const where = cost.mostExpensiveField();
    const message =
      `The operation may cost ${requested} points; ${limit} are allowed, so it is ${requested - limit} too many.` +
      (where === '' ? '' : ` Most of it is for "${where}".`) +
      ' Select fewer fields, or shorter lists.';
    return operationError('LIMIT_EXCEEDED', message);
  };

  return {
    tooExpensive,
    charge: (cost, caller) => {
      const refused = tooExpensive(cost, caller);
      if (refused !== undefined) return { refused };
      const { maxCost: limit, costPerMinute, budget = caller.name } = caller;
      const { requested } = cost;
      if (costPerMinute === UNLIMITED) {
        const settle = (data: unknown) => ({
          requested,
          actual: cost.actual(data),
          limit,
          remaining: UNLIMITED,
        });
        return { settle };
      }
      const charge = budgets.charge(budget, requested, costPerMinute);
      if ('retryAfter' in charge) {
        const { spent, retryAfter } = charge;
        const message =
          `The operation may cost ${requested} points. The caller has spent ${spent} of its ${costPerMinute} points a ` +
          `minute, so it is ${spent + requested - costPerMinute} too many. Try again in ${retryAfter} s.`;
        return { refused: waitError(message, retryAfter) };
      }
      return {
        settle: (data) => {
          const actual = cost.actual(data);
          return { requested, actual, limit, remaining: charge.settle(actual) };
        },
      };
    },
    chargeAgain: ({ requested, actual }, { name, budget = name, maxCost, costPerMinute }) => {
      if (requested > Math.min(maxCost, costPerMinute)) return false;
      const charge = budgets.charge(budget, requested, costPerMinute);
      if (!('settle' in charge)) return false;
      charge.settle(actual);
      return true;
    },
  };
}
