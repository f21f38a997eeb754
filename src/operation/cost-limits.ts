import type { ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql';
import { isAsyncIterable, type Plugin } from 'graphql-yoga';
import type { Caller } from '../context/caller.js';
import type { Budgets } from './budgets.js';
import type { CostPlanner } from './cost.js';
import { operationError, waitError } from './request-error.js';
import { stateOf, type RequestHead } from './request-state.js';

export interface CostLimitsOptions {
  planner: CostPlanner;
  budgets: Budgets;
}

/** What is to be asked, and for whom. */
type Asked = Pick<ExecutionArgs, 'document' | 'operationName' | 'variableValues'>;

/** Holds what callers ask against what they may spend. */
export interface CostLimits {
  /** Why it costs more than the caller may ever spend at once; undefined when it does not. */
  tooExpensive(asked: Asked, caller: Caller): GraphQLError | undefined;
  /** Takes what it may cost from the caller's minute, until it is settled by what the answer really cost. */
  charge(asked: Asked, caller: Caller): { refused: GraphQLError } | { settle(data: unknown): ToldCost };
  /** Takes what an answer is known to cost. False: the caller may not spend so much, and nothing is taken. */
  chargeAgain(cost: Cost, caller: Caller): boolean;
}

export interface Cost {
  requested: number;
  actual: number;
}

export interface ToldCost extends Cost {
  limit: number;
  remaining: number;
}

export function createCostLimits({ planner, budgets }: CostLimitsOptions): CostLimits {
  const costOf = ({ document, operationName, variableValues }: Asked) =>
    planner({ document, operationName, variables: variableValues });

  const tooExpensive: CostLimits['tooExpensive'] = (asked, { maxCost, costPerMinute }) => {
    const cost = costOf(asked);
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
    charge: (asked, caller) => {
      const refused = tooExpensive(asked, caller);
      if (refused !== undefined) return { refused };
      const { maxCost: limit, costPerMinute, budget = caller.name } = caller;
      const cost = costOf(asked);
      const { requested } = cost;
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

/**
 * Refuses what costs more than its caller may spend, at once or in this minute, before any system is asked. Callers
 * that may send operations of their own are told what each cost, in `extensions.cost`; of an answer in parts, with the
 * last. A subscription is charged for each event that it is told: see subscriptions.ts.
 */
export function useCostLimits(limits: CostLimits, callerOf: (request: RequestHead) => Caller): Plugin {
  return {
    onExecute: (event: {
      args: ExecutionArgs;
      context: { request: RequestHead };
      setResultAndStopExecution: (result: ExecutionResult) => void;
    }) => {
      const { args, context, setResultAndStopExecution } = event;
      const caller = callerOf(context.request);
      const charge = limits.charge(args, caller);
      if ('refused' in charge) {
        setResultAndStopExecution({ errors: [charge.refused] });
        return undefined;
      }
      const tells = tellsCost(caller, context.request);
      return {
        onExecuteDone: ({ result, setResult }) => {
          if (isAsyncIterable(result)) return;
          const { later } = stateOf(context.request);
          if (later !== undefined) {
            later.settle = (data) => {
              delete later.settle;
              const cost = charge.settle(data);
              return tells ? cost : undefined;
            };
            return;
          }
          const cost = charge.settle(result.data);
          stateOf(context.request).cost = cost;
          if (tells) setResult({ ...result, extensions: { ...result.extensions, cost } });
        },
      };
    },
  };
}

/** Where nobody says who they are, only those are told who want to know where an answer comes from. */
export function tellsCost({ operations, name }: Caller, { headers }: RequestHead): boolean {
  return operations === 'any' && (name !== 'anonymous' || headers.get('x-sources') === '1');
}
