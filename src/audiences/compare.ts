import type { Comparisons, ConditionType, ConditionValues } from '../customer/condition-declaration.js';

/** Whether a value meets a comparison. */
export const COMPARE: {
  readonly [T in ConditionType]: (value: ConditionValues[T], comparison: Comparisons[T]) => boolean;
} = {
  COUNT: (value, { atLeast = -Infinity, atMost = Infinity }) => value >= atLeast && value <= atMost,
  MONEY: (amounts, { currency, atLeast, atMost }) => {
    const amount = amounts.find((money) => money.currency === currency)?.amount ?? '0';
    return (
      (atLeast === undefined || compareDecimals(amount, atLeast) >= 0) &&
      (atMost === undefined || compareDecimals(amount, atMost) <= 0)
    );
  },
  DATE_TIME: (value, { since, before }) =>
    (since === undefined || Date.parse(value) >= Date.parse(since)) &&
    (before === undefined || Date.parse(value) < Date.parse(before)),
  TEXT: (value, { in: values }) => values.includes(value),
};

/** Compares exact decimals: negative if the first is smaller, 0 if they are equal. */
export function compareDecimals(a: string, b: string): number {
  const places = Math.max(decimalsOf(a).length, decimalsOf(b).length);
  const [first, second] = [scaled(a, places), scaled(b, places)];
  return first < second ? -1 : first > second ? 1 : 0;
}

function decimalsOf(decimal: string): string {
  return decimal.split('.')[1] ?? '';
}

function scaled(decimal: string, places: number): bigint {
  const [whole = ''] = decimal.split('.');
  return BigInt(`${whole}${decimalsOf(decimal).padEnd(places, '0')}`);
}
