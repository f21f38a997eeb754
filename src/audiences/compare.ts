import type {
  Comparisons,
  ConditionTicket,
  ConditionType,
  ConditionValues,
  TicketComparison,
} from '../customer/condition-declaration.js';

/** Joins the values of several systems, for conditions that several systems may declare. */
export const COMBINE: {
  readonly [T in ConditionType]?: (values: readonly ConditionValues[T][]) => ConditionValues[T];
} = { TICKETS: (lists) => lists.flat() };

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
  DATE_TIME: isWithin,
  TEXT: (value, { in: values }) => values.includes(value),
  TICKETS: (tickets, { some, none }) =>
    (some === undefined || tickets.some((ticket) => isTicketLike(ticket, some))) &&
    (none === undefined || !tickets.some((ticket) => isTicketLike(ticket, none))),
};

function isWithin(value: string, { since, before }: Comparisons['DATE_TIME']): boolean {
  return (
    (since === undefined || Date.parse(value) >= Date.parse(since)) &&
    (before === undefined || Date.parse(value) < Date.parse(before))
  );
}

function isTicketLike(ticket: ConditionTicket, { status, isOpen, createdAt }: TicketComparison): boolean {
  return (
    (status === undefined || (ticket.status !== null && status.includes(ticket.status))) &&
    (isOpen === undefined || ticket.isOpen === isOpen) &&
    (createdAt === undefined || (ticket.createdAt !== null && isWithin(ticket.createdAt, createdAt)))
  );
}

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
