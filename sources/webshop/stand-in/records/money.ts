/** The shop sells only in euros. */

export interface MoneyV2 {
  amount: string;
  currencyCode: string;
}

/** The vendor writes decimals without trailing zeros, but with at least one digit: "12.5", "30.0". */
export function moneyV2(cents: number): MoneyV2 {
  return { amount: money(cents).replace(/0$/, ''), currencyCode: 'EUR' };
}

/** The scalar `Money` always has two decimals. */
export function money(cents: number): string {
  const digits = String(Math.abs(cents)).padStart(3, '0');
  return `${cents < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

export function moneyBag(cents: number): { shopMoney: MoneyV2; presentmentMoney: MoneyV2 } {
  const shopMoney = moneyV2(cents);
  return { shopMoney, presentmentMoney: shopMoney };
}

const vatPercent = 21;

/** Prices include value-added tax. */
export function taxIncludedIn(cents: number): number {
  return Math.round((cents * vatPercent) / (100 + vatPercent));
}
