import type { GraphQLError } from 'graphql';
import type { Caller } from '../context/caller.js';
import type { Budgets } from './budgets.js';
import type { Cost } from './cost.js';
import { operationError, waitError } from './request-error.js';

/** Points of a caller that no budget binds, such as a trigger. What it spends is not counted. */
export const UNLIMITED = Number.MAX_SAFE_INTEGER;

/** Holds what operations cost against what their callers may spend. */
export interface CostLimits {
  /** Why it costs more than the caller may ever spend at once; undefined when it does not. */
  tooExpensive(cost: Cost, caller: Caller): GraphQLError | undefined;
  /** Takes what it may cost from the caller's minute, until it is settled by what the answer really cost. */
  charge(cost: Cost, caller: Caller): { refused: GraphQLError } | Charge;
  /** Takes what an answer is known to cost. False: the caller may not spend so much, and nothing is taken. */
  chargeAgain(cost: SettledCost, caller: Caller): boolean;
}

export interface Charge {
  settle(data: unknown): ReportedCost;
}

export interface SettledCost {
  requested: number;
  actual: number;
}

/** What `extensions.cost` says. */
export interface ReportedCost extends SettledCost {
  limit: number;
  remaining: number;
}

export function createCostLimits({ budgets }: { budgets: Budgets }): CostLimits {
  const tooExpensive: CostLimits['tooExpensive'] = (cost, { maxCost, costPerMinute }) => {
    const { requested } = cost;
    // What is more than a whole minute's would never be let through.
    const most = Math.min(maxCost, costPerMinute);
    if (requested <= most) return undefined;
    const where = cost.mostOf();
    const message =
      `The operation may cost ${requested} points; ${most} are allowed, so it is ${requested - most} too many.` +
      (where === '' ? '' : ` Most of it is for "${where}".`) +
      ' Ask for fewer fields, or for shorter lists.';
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
          `The operation may cost ${requested} points, and ${spent} of the ${costPerMinute} that may be spent in a ` +
          `minute are: it is ${spent + requested - costPerMinute} too many. Try again in ${retryAfter} s.`;
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
