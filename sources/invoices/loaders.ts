import {
  alignMany,
  defineLoader,
  odataDate,
  tooMany,
  type Condition,
  type CustomerRecord,
  type OdataClient,
  type OdataPart,
} from '../../src/index.js';
import {
  isAfter,
  moneyOf,
  newestFirst,
  placeOf,
  toCustomer,
  toInvoice,
  totalsOf,
  WIRE_STATUS,
  type InvoiceRecord,
  type Place,
} from './mapping.js';
import type { InvoiceStatus, Money } from './schema.generated.js';
import {
  customerCard,
  openInvoice,
  salesInvoice,
  type CustomerCard,
  type OpenInvoice,
  type SalesInvoice,
} from './wire.js';

/** No limit of Business Central's but ours: what is read for a batch stays an answer of some hundred kilobytes. */
const MAX_BATCH = 100;
/** Larger pages would be more than one second's work for Business Central, which takes up to 20,000. */
const MAX_PAGE_SIZE = 1_000;
const MAX_PAGES = 5;
/** Who has many invoices is read at first, and those whose invoices then are missing are asked about once more. */
const MAX_ROUNDS = 5;
/** Invoices of one day come in no order of ours, so those of the last day on a page may not be all of that day. */
const SAME_DAY = 20;

/** A card has room for so many characters; what is longer is on none, and need not be asked for. */
const MAX_LENGTHS = { number: 20, email: 80, taxRegistrationNumber: 20 };

/** Business Central compares by the collation of its database. */
const INVOICES = { source: 'invoices', matching: 'collation' } as const;

const customersBy = (
  name: string,
  field: keyof typeof MAX_LENGTHS,
  valueOf: (card: CustomerCard) => string,
) =>
  defineLoader<OdataClient, string, readonly CustomerRecord[]>({
    name,
    maxBatch: MAX_BATCH,
    load: async (values, central) => {
      const parts = await central.list(customerCard, 'customers', {
        keys: { field, values: values.filter(({ length }) => length <= MAX_LENGTHS[field]) },
        select: Object.keys(customerCard.shape),
      });
      if (parts.some(({ isComplete }) => !isComplete)) throw tooMany('invoices', 'customers like these');
      return alignMany(
        values,
        parts.flatMap(({ records }) => records),
        { ...INVOICES, keyOf: valueOf, idOf: ({ number }) => number },
      ).map((own) => own.map(toCustomer));
    },
  });

export const customersByNumber = customersBy('customersByNumber', 'number', ({ number }) => number);
export const customersByEmail = customersBy(
  'customersByEmail',
  'email',
  ({ email }) => email?.toLowerCase() ?? '',
);
export const customersByVatNumber = customersBy(
  'customersByVatNumber',
  'taxRegistrationNumber',
  ({ taxRegistrationNumber }) => taxRegistrationNumber ?? '',
);

/** A page of one customer's invoices. */
export interface InvoicePage {
  /** All that the customer has; in no particular order. */
  customerNumbers: readonly string[];
  first: number;
  /** Only what comes after it. */
  after: Place | null;
  /** Only those of this moment or later. */
  since: string | null;
  /** All that somebody was sent when it is null. */
  status: InvoiceStatus | null;
}

/** One invoice more than the page holds is given, to tell whether there is a next page. */
export const invoicePages = defineLoader<OdataClient, InvoicePage, readonly InvoiceRecord[]>({
  name: 'invoicePages',
  maxBatch: MAX_BATCH,
  // Pages that begin at one place are read in one call; as a rule that is the beginning of everybody's.
  batchOf: (page) => ({ id: JSON.stringify(conditionsOf(page)), maxKeys: MAX_BATCH }),
  keyText: ({ customerNumbers, first, after, since, status }) =>
    JSON.stringify([customerNumbers.toSorted(), first, after?.at, after?.id, since, status]),
  about: ({ customerNumbers }) => aboutCustomers(customerNumbers),
  load: async (pages, central) => {
    const answers = new Map<InvoicePage, readonly InvoiceRecord[]>();
    let asked = pages;
    for (let round = 0; asked.length > 0 && round < MAX_ROUNDS; round += 1) {
      const parts = await readInvoices(asked, central);
      for (const { page, invoices, isFull } of takePages(asked, parts))
        if (isFull) answers.set(page, invoices);
      asked = asked.filter((page) => !answers.has(page));
    }
    return pages.map((page) => answers.get(page) ?? tooMany('invoices', 'invoices'));
  },
});

function conditionsOf({ after, since, status }: InvoicePage): Condition[] {
  // Business Central knows no "or" between fields, so the place within a day is found when the day has been read.
  return [
    status === null ? ['status', 'in', Object.values(WIRE_STATUS)] : ['status', 'eq', WIRE_STATUS[status]],
    ...(after === null ? [] : [['invoiceDate', 'le', odataDate(after.at.slice(0, 10))] as const]),
    ...(since === null ? [] : [['invoiceDate', 'ge', odataDate(since.slice(0, 10))] as const]),
  ];
}

type InvoicesPart = OdataPart<SalesInvoice, string>;

/** The newest invoices of the customers of these pages, until each page is full. */
async function readInvoices(
  pages: readonly InvoicePage[],
  central: OdataClient,
): Promise<readonly InvoicesPart[]> {
  const [one] = pages;
  if (one === undefined) return [];
  const wanted = pages.reduce((sum, { first }) => sum + first + 1, SAME_DAY);
  return central.list(salesInvoice, 'salesInvoices', {
    keys: {
      field: 'billToCustomerNumber',
      values: [...new Set(pages.flatMap(({ customerNumbers }) => customerNumbers))],
    },
    where: conditionsOf(one),
    select: Object.keys(salesInvoice.shape),
    orderBy: ['invoiceDate desc'],
    pageSize: Math.min(MAX_PAGE_SIZE, wanted),
    maxPages: MAX_PAGES,
    isEnough: (records, values) => {
      const asked = new Set(values);
      const own = pages.filter(({ customerNumbers }) => customerNumbers.some((number) => asked.has(number)));
      return takePages(own, [{ records, values, isComplete: false }]).every(({ isFull }) => isFull);
    },
  });
}

/** Each page's own invoices of what was read, and whether there can be no others that belong on it. */
function takePages(
  pages: readonly InvoicePage[],
  parts: readonly InvoicesPart[],
): { page: InvoicePage; invoices: InvoiceRecord[]; isFull: boolean }[] {
  const byNumber = new Map<string, { part: InvoicesPart; records: SalesInvoice[] }>();
  for (const part of parts) {
    const own = alignMany(part.values, part.records, {
      ...INVOICES,
      keyOf: ({ billToCustomerNumber }) => billToCustomerNumber,
      idOf: ({ number }) => number,
    });
    part.values.forEach((number, i) => byNumber.set(number, { part, records: own[i] ?? [] }));
  }
  return pages.map((page) => {
    const own = [...new Set(page.customerNumbers)].flatMap((number) => byNumber.get(number) ?? []);
    return {
      page,
      ...takePage(
        page,
        [...new Set(own.map(({ part }) => part))],
        own.flatMap(({ records }) => records),
      ),
    };
  });
}

function takePage(
  { first, after, since }: InvoicePage,
  parts: readonly InvoicesPart[],
  records: readonly SalesInvoice[],
): { invoices: InvoiceRecord[]; isFull: boolean } {
  // Of a part that goes on, the last day may go on too: what is newer than that is all there is.
  const cutOff = parts.flatMap((part) =>
    part.isComplete ? [] : [part.records.at(-1)?.invoiceDate ?? '9999'],
  );
  const day = cutOff.sort().at(-1) ?? '';
  const invoices = records
    .filter(({ invoiceDate }) => invoiceDate > day)
    .map(toInvoice)
    .filter(
      (invoice) =>
        (after === null || isAfter(invoice, after)) && (since === null || placeOf(invoice).at >= since),
    )
    .sort(newestFirst)
    .slice(0, first + 1);
  return { invoices, isFull: day === '' || invoices.length > first };
}

/** What one account has still to pay. */
export interface OpenTotals {
  amounts: readonly Money[];
  /** False when there are more open invoices than can be read. */
  isComplete: boolean;
}

export const openTotals = defineLoader<OdataClient, string, OpenTotals>({
  name: 'openTotals',
  maxBatch: MAX_BATCH,
  about: (customerNumber) => aboutCustomers([customerNumber]),
  isComplete: ({ isComplete }) => isComplete,
  load: async (customerNumbers, central) => {
    const found = new Map<string, OpenTotals>();
    let asked = customerNumbers;
    for (let round = 0; asked.length > 0 && round < MAX_ROUNDS; round += 1) {
      const parts = await central.list(openInvoice, 'salesInvoices', {
        keys: { field: 'billToCustomerNumber', values: asked },
        where: [['status', 'eq', WIRE_STATUS.OPEN]],
        select: Object.keys(openInvoice.shape),
        // One customer after the other, so that of those read but the last one nothing is missing.
        orderBy: ['billToCustomerNumber'],
        pageSize: MAX_PAGE_SIZE,
        maxPages: MAX_PAGES,
      });
      for (const part of parts) for (const [number, totals] of totalsIn(part)) found.set(number, totals);
      asked = asked.filter((number) => !found.has(number));
    }
    return customerNumbers.map((number) => found.get(number) ?? tooMany('invoices', 'open invoices'));
  },
});

/** Of those who were read to their end; who alone fills what can be read has as much as could be. */
function totalsIn({ values, records, isComplete }: OdataPart<OpenInvoice, string>): [string, OpenTotals][] {
  const seen = [...new Set(records.map(({ billToCustomerNumber }) => billToCustomerNumber))];
  const read = isComplete ? values : seen.length === 1 ? seen : seen.slice(0, -1);
  const own = alignMany(values, records, {
    ...INVOICES,
    keyOf: ({ billToCustomerNumber }) => billToCustomerNumber,
    idOf: ({ number }) => number,
  });
  return values.flatMap((number, i): [string, OpenTotals][] => {
    if (!read.includes(number)) return [];
    const open = own[i] ?? [];
    const amounts = totalsOf(
      open.map(({ remainingAmount, currencyCode }) => moneyOf(remainingAmount, currencyCode)),
    );
    return [[number, { amounts, isComplete: isComplete || seen.length > 1 }]];
  });
}

function aboutCustomers(customerNumbers: readonly string[]) {
  return customerNumbers.map((value) => ({ namespace: 'invoiceCustomerNumber', value }));
}
