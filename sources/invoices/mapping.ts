import { decodeCursor, encodeCursor, invalidCursor, type CustomerRecord } from '../../src/index.js';
import type { InvoiceStatus, Money } from './schema.generated.js';
import type { CustomerCard, SalesInvoice } from './wire.js';

/** The name of the list in its cursors. */
const INVOICES = 'Customer.invoices';

export interface InvoiceRecord {
  number: string;
  /** ISO 8601, a day. */
  issuedOn: string;
  dueOn: string | null;
  total: { amount: string; currency: string };
  openAmount: { amount: string; currency: string };
  status: InvoiceStatus;
  orderNumber: string | null;
}

export function toCustomer(card: CustomerCard): CustomerRecord {
  return {
    id: card.number,
    identifiers: [
      { namespace: 'email', value: card.email },
      { namespace: 'vatNumber', value: card.taxRegistrationNumber },
      { namespace: 'phone', value: card.phoneNumber },
    ],
    profile: {
      name: card.displayName,
      address: addressOf(card),
      updatedAt: card.lastModifiedDateTime ?? null,
    },
  };
}

/** Street and number are on one line. A code that is not of ISO 3166-1 is left out. A country alone is not an address. */
function addressOf({ addressLine1, postalCode, city, country }: CustomerCard) {
  if (addressLine1 === null && postalCode === null && city === null) return null;
  return {
    street: addressLine1,
    postcode: postalCode,
    city,
    country: country !== null && /^[A-Z]{2}$/.test(country) ? country : null,
  };
}

/** The same VAT number, or the same name at the same address: an organisation may have an account for each department. */
export function isSameCustomer(a: CustomerRecord, b: CustomerRecord): boolean {
  const same = (of: (record: CustomerRecord) => string | null | undefined): boolean => {
    const value = written(of(a));
    return value !== '' && value === written(of(b));
  };
  return (
    same(({ identifiers }) => identifiers.find(({ namespace }) => namespace === 'vatNumber')?.value) ||
    (same(({ profile }) => profile?.name) &&
      same(({ profile }) => profile?.address?.street) &&
      same(({ profile }) => profile?.address?.postcode))
  );
}

function written(text: string | null | undefined): string {
  return (text ?? '').toLowerCase().replace(/[\s.]+/g, '');
}

const STATUS: Record<SalesInvoice['status'], InvoiceStatus> = {
  Open: 'OPEN',
  Paid: 'PAID',
  Canceled: 'CANCELLED',
  Corrective: 'CORRECTIVE',
};

/** The status as Business Central writes it. Drafts are not among them, because they were not sent. */
export const WIRE_STATUS: Record<InvoiceStatus, SalesInvoice['status']> = {
  OPEN: 'Open',
  PAID: 'Paid',
  CANCELLED: 'Canceled',
  CORRECTIVE: 'Corrective',
};

export function toInvoice(invoice: SalesInvoice): InvoiceRecord {
  const money = (amount: string) => moneyOf(amount, invoice.currencyCode);
  return {
    number: invoice.number,
    issuedOn: invoice.invoiceDate,
    dueOn: invoice.dueDate,
    total: money(invoice.totalAmountIncludingTax),
    openAmount: money(invoice.remainingAmount),
    status: STATUS[invoice.status],
    orderNumber: invoice.orderNumber,
  };
}

const DECIMALS = new Map<string, number>();

/** Business Central omits trailing zeros: 35.4 is 35.40 EUR. */
export function moneyOf(amount: string, currency: string): Money {
  const decimals =
    DECIMALS.get(currency) ??
    new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ??
    0;
  DECIMALS.set(currency, decimals);
  const [whole = '', fraction = ''] = amount.split('.');
  const padded = fraction.padEnd(decimals, '0');
  return { amount: padded === '' ? whole : `${whole}.${padded}`, currency };
}

/** A place in a list of invoices, as in the timeline: newest first, of one day by number downwards, both as text. */
export interface Place {
  at: string;
  id: string;
}

/** An invoice has a day without a time. Its place in the timeline is the beginning of that day. */
export function placeOf({ issuedOn, number }: Pick<InvoiceRecord, 'issuedOn' | 'number'>): Place {
  return { at: `${issuedOn}T00:00:00.000000Z`, id: number };
}

export function newestFirst(a: InvoiceRecord, b: InvoiceRecord): number {
  return downwards(a.issuedOn, b.issuedOn) || downwards(a.number, b.number);
}

function downwards(a: string, b: string): number {
  return a === b ? 0 : a < b ? 1 : -1;
}

export function isAfter(invoice: InvoiceRecord, { at, id }: Place): boolean {
  const place = placeOf(invoice);
  return place.at < at || (place.at === at && place.id < id);
}

export function cursorOf({ issuedOn, number }: InvoiceRecord): string {
  return encodeCursor(INVOICES, [issuedOn, number]);
}

/** The position in a cursor of `cursorOf`. */
export function placeIn(cursor: string): Place {
  const [issuedOn = '', number = ''] = decodeCursor(INVOICES, cursor, 2);
  if (!/^\d{4}-\d\d-\d\d$/.test(issuedOn) || Number.isNaN(Date.parse(issuedOn))) throw invalidCursor();
  return placeOf({ issuedOn, number });
}

/** One sum for each currency, sorted by its code. The sums are exact. */
export function totalsOf(amounts: readonly Money[]): Money[] {
  const byCurrency = new Map<string, string[]>();
  for (const { amount, currency } of amounts)
    byCurrency.set(currency, [...(byCurrency.get(currency) ?? []), amount]);
  return [...byCurrency.entries()]
    .sort(([a], [b]) => downwards(b, a))
    .map(([currency, amounts]) => ({ amount: sumOf(amounts), currency }));
}

function sumOf(amounts: readonly string[]): string {
  const decimals = Math.max(...amounts.map((amount) => amount.split('.')[1]?.length ?? 0));
  const sum = amounts.reduce((before, amount) => {
    const [whole = '', fraction = ''] = amount.split('.');
    return before + BigInt(whole + fraction.padEnd(decimals, '0'));
  }, 0n);
  const digits = String(sum < 0n ? -sum : sum).padStart(decimals + 1, '0');
  const point = digits.length - decimals;
  return `${sum < 0n ? '-' : ''}${digits.slice(0, point)}${decimals === 0 ? '' : `.${digits.slice(point)}`}`;
}
