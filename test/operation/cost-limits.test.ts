import { describe, expect, it } from 'vitest';
import { permissionsOf } from '../../src/context/roles.js';
import { createBudgets } from '../../src/operation/budgets.js';
import { createCostLimits } from '../../src/operation/cost-limits.js';

const REQUESTED = 50;
const limits = createCostLimits({ budgets: createBudgets() });
const cost = { requested: REQUESTED, mostExpensiveField: () => '', actual: () => REQUESTED };

describe('an operation of 50 points', () => {
  it.each([
    [50, 50, undefined],
    [49, 50, 'LIMIT_EXCEEDED'],
    // The operation exceeds the budget of every minute, so the error has no `retryAfter`.
    [50, 49, 'LIMIT_EXCEEDED'],
  ])(
    'is checked against the limits of a caller with %d points at once and %d a minute',
    (maxCost, costPerMinute, code) => {
      const caller = {
        ...permissionsOf(['analyst']),
        name: `${maxCost} and ${costPerMinute}`,
        roles: ['analyst' as const],
        origins: [],
        maxCost,
        costPerMinute,
      };
      expect(limits.tooExpensive(cost, caller)?.extensions['code']).toBe(code);
      // A cached answer of another caller has the same limits.
      const again = () => limits.chargeAgain({ requested: REQUESTED, actual: REQUESTED }, caller);
      expect(again()).toBe(code === undefined);
      expect(again()).toBe(false);
    },
  );
});

it('charges cached answers to the shared budget of the callers', () => {
  const caller = (name: string) => ({
    ...permissionsOf(['analyst']),
    name,
    budget: 'of both',
    roles: ['analyst' as const],
    origins: [],
    maxCost: REQUESTED,
    costPerMinute: 2 * REQUESTED,
  });
  const settled = { requested: REQUESTED, actual: REQUESTED };
  expect(limits.charge(cost, caller('first'))).toHaveProperty('settle');
  expect(limits.chargeAgain(settled, caller('second'))).toBe(true);
  expect(limits.chargeAgain(settled, caller('first'))).toBe(false);
  expect(limits.charge(cost, caller('second'))).toHaveProperty('refused');
});
