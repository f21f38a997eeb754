import { expect, it } from 'vitest';
import { createCallBudget } from '../../src/connect/call-budget.js';

function createTestClock() {
  let now = 0;
  const waits: number[] = [];
  return {
    waits,
    now: () => now,
    wait: (ms: number) => {
      waits.push(ms);
      now += ms;
      return Promise.resolve();
    },
    advance: (ms: number) => {
      now += ms;
    },
  };
}

it('starts calls one interval apart, and measures each', async () => {
  const clock = createTestClock();
  const budget = createCallBudget({ clock });
  const call = () => {
    clock.advance(300);
    return Promise.resolve('answer');
  };
  expect(await budget.run(call)).toEqual({ value: 'answer', ms: 300 });
  await budget.run(call);
  clock.advance(5_000);
  await budget.run(call);
  expect(clock.waits).toEqual([700]);
});

it('waits for a pause that the system requests', async () => {
  const clock = createTestClock();
  const budget = createCallBudget({ clock });
  await budget.run(() => Promise.resolve());
  budget.pause(30_000);
  await budget.run(() => Promise.resolve());
  expect(clock.waits).toEqual([30_000]);
});

it('refuses a call beyond the limit, and counts failed calls', async () => {
  const budget = createCallBudget({ maxCalls: 2, clock: createTestClock() });
  await expect(budget.run(() => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
  await budget.run(() => Promise.resolve());
  expect(budget).toMatchObject({ used: 2, left: 0 });
  await expect(budget.run(() => Promise.resolve())).rejects.toThrow('All 2 calls');
});
