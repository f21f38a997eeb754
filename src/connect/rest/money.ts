import type { DraftField } from '../draft.js';
import { NUMBER } from '../scalars.js';
import { wordsOf } from '../words.js';
import { pathName, type Member, type Shape } from './shape.js';

/** Finds the members of a record that are amounts of money, and their currency. */

const CURRENCY =
  /^(currency|currency_?code|currency_?iso|iso_?currency|order_currency_code|base_currency_code)$/i;
const AMOUNT_MEMBER = /^(amount|value|cents|centAmount|amountCents|minorUnits|price)$/i;
const AMOUNT_WORD =
  /^(amount|total|totals|subtotal|price|balance|tax|discount|paid|due|fee|fees|fine|fines|cost|costs|revenue|credit|debit|outstanding|spent|refunded|invoiced|shipping)$/;
/** Words of members that relate to an amount but are not money. */
const OTHER_WORD =
  /^(count|percent|percentage|rate|type|items|quantity|qty|status|is|id|number|date|at|code|currency|description)$/;
/** An object with more members is not only an amount. */
const MAX_MEMBERS = 4;

type Money = Pick<DraftField, 'type' | 'conversion' | 'check'>;

/** An object that is an amount with its currency: the names of both. */
export function amountIn(shape: Shape): { amount: Member; currency: string } | undefined {
  const members = shape.members();
  const amount = members.find(({ name }) => AMOUNT_MEMBER.test(name));
  const currency = members.find(({ name }) => CURRENCY.test(name));
  if (amount === undefined || currency === undefined || members.length > MAX_MEMBERS) return undefined;
  return { amount, currency: pathName(currency.name) };
}

/** An amount beside its currency in one object. `prefix` is the path of the object in the record. */
export function amountBeside(
  member: Member,
  holder: Shape,
  prefix: string,
  samples: readonly unknown[],
): Money | undefined {
  const words = wordsOf(member.name);
  const isAmount =
    words.some((word) => AMOUNT_WORD.test(word)) && !words.some((word) => OTHER_WORD.test(word));
  const { kind } = member.shape;
  if (!isAmount || !/^(number|integer|text|unknown)$/.test(kind)) return undefined;
  if (!samples.every((value) => NUMBER.test(String(value))) || (kind === 'text' && samples.length === 0))
    return undefined;
  const currencies = holder.members().filter(({ name }) => CURRENCY.test(name));
  // Some systems send each amount in the currency of the shop too, such as base_total.
  const currency =
    currencies.find(({ name }) => /base/i.test(name) === (words[0] === 'base')) ?? currencies[0];
  if (currency === undefined) return undefined;
  return moneyOf(
    member,
    prefix === '' ? pathName(currency.name) : `${prefix}.${pathName(currency.name)}`,
    samples,
  );
}

/** The mapping of an amount. `currency` is the path of its currency in the record. */
export function moneyOf({ name, shape }: Member, currency: string, samples: readonly unknown[]): Money {
  const isMinor =
    /cent|minor/i.test(name) ||
    /\bcents?\b|minor unit|smallest (currency )?unit/i.test(shape.description ?? '');
  const isWhole = shape.kind === 'integer' && samples.every((value) => Number.isSafeInteger(value));
  const money = { currency: { from: currency }, ...(isMinor ? { minorUnits: 2 } : {}) };
  return {
    ...{ type: 'Money', conversion: { money } },
    ...(isWhole && !isMinor ? { check: 'whether the amount is in cents: then add minorUnits: 2' } : {}),
  };
}
