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

/** Bounds the answer for a batch to some hundred kilobytes. Business Central itself has no such limit. */
const MAX_BATCH = 100;
/** Business Central allows 20,000, but a larger page takes it more than a second. */
export const MAX_PAGE_SIZE = 1_000;
const MAX_PAGES = 5;
/** Customers with many invoices fill the first pages. The invoices of the others are requested again, in this many rounds. */
const MAX_ROUNDS = 5;
/**
 * Extra invoices to read. Business Central sorts the invoices of one day in its own order, so the last day of a page may be
 * incomplete.
 */
const EXTRA_INVOICES = 20;

/** The lengths of these fields of a card, in characters. A longer value is on no card, so it is not requested. */
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
    // Addresses of 80 characters need as many lists.
    callsPerBatch: 3,
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
      ).map((records) => records.map(toCustomer));
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
  /** All numbers of the customer, in any order. */
  customerNumbers: readonly string[];
  first: number;
  /** The page begins after this place; null: at the newest invoice. */
  after: Place | null;
  /** Only invoices of this moment or later. */
  since: string | null;
  /** Only invoices with this status. Null: all invoices except drafts. */
  status: InvoiceStatus | null;
}

/** Returns one invoice more than the page holds if there is a next page. */
export const invoicePages = defineLoader<OdataClient, InvoicePage, readonly InvoiceRecord[]>({
  name: 'invoicePages',
  maxBatch: MAX_BATCH,
  // Pages that begin at the same place are read in one call. Most pages are first pages.
  batchOf: (page) => ({ id: JSON.stringify(conditionsOf(page)), maxKeys: MAX_BATCH }),
  keyText: ({ customerNumbers, first, after, since, status }) =>
    JSON.stringify([customerNumbers.toSorted(), first, after?.at, after?.id, since, status]),
  about: ({ customerNumbers }) => aboutCustomers(customerNumbers),
  load: async (pages, central) => {
    const answers = new Map<InvoicePage, readonly InvoiceRecord[]>();
    let open = pages;
    for (let round = 0; open.length > 0 && round < MAX_ROUNDS; round += 1) {
      const parts = await readInvoices(open, central);
      for (const { page, invoices, isFull } of takePages(open, parts))
        if (isFull) answers.set(page, invoices);
      open = open.filter((page) => !answers.has(page));
    }
    return pages.map((page) => answers.get(page) ?? tooMany('invoices', 'invoices'));
  },
});

function conditionsOf({ after, since, status }: InvoicePage): Condition[] {
  // Business Central has no "or" between fields, so the place within a day is found in the invoices of the whole day.
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
  const [firstPage] = pages;
  if (firstPage === undefined) return [];
  const wanted = pages.reduce((sum, { first }) => sum + first + 1, EXTRA_INVOICES);
  return central.list(salesInvoice, 'salesInvoices', {
    keys: {
      field: 'billToCustomerNumber',
      values: [...new Set(pages.flatMap(({ customerNumbers }) => customerNumbers))],
    },
    where: conditionsOf(firstPage),
    select: Object.keys(salesInvoice.shape),
    orderBy: ['invoiceDate desc'],
    pageSize: Math.min(MAX_PAGE_SIZE, wanted),
    maxPages: MAX_PAGES,
    isEnough: (records, values) => {
      const requested = new Set(values);
      const pagesOfPart = pages.filter(({ customerNumbers }) =>
        customerNumbers.some((number) => requested.has(number)),
      );
      return takePages(pagesOfPart, [{ records, values, isComplete: false }]).every(({ isFull }) => isFull);
    },
  });
}

/** The invoices of each page. `isFull` is true when no other invoice can belong on the page. */
function takePages(
  pages: readonly InvoicePage[],
  parts: readonly InvoicesPart[],
): { page: InvoicePage; invoices: InvoiceRecord[]; isFull: boolean }[] {
  const byNumber = new Map<string, { part: InvoicesPart; records: SalesInvoice[] }>();
  for (const part of parts) {
    const aligned = alignMany(part.values, part.records, {
      ...INVOICES,
      keyOf: ({ billToCustomerNumber }) => billToCustomerNumber,
      idOf: ({ number }) => number,
    });
    part.values.forEach((number, i) => byNumber.set(number, { part, records: aligned[i] ?? [] }));
  }
  return pages.map((page) => {
    const invoices = [...new Set(page.customerNumbers)].flatMap((number) => byNumber.get(number) ?? []);
    return {
      page,
      ...takePage(
        page,
        [...new Set(invoices.map(({ part }) => part))],
        invoices.flatMap(({ records }) => records),
      ),
    };
  });
}

function takePage(
  { first, after, since }: InvoicePage,
  parts: readonly InvoicesPart[],
  records: readonly SalesInvoice[],
): { invoices: InvoiceRecord[]; isFull: boolean } {
  // An incomplete part may lack invoices of its last day. All newer days are complete.
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

/** The total that one account still has to pay. */
export interface OpenTotals {
  amounts: readonly Money[];
  /** False when there are more open invoices than the gateway reads. */
  isComplete: boolean;
}

export const openTotals = defineLoader<OdataClient, string, OpenTotals>({
  name: 'openTotals',
  maxBatch: MAX_BATCH,
  callsPerBatch: MAX_ROUNDS * MAX_PAGES,
  about: (customerNumber) => aboutCustomers([customerNumber]),
  isComplete: ({ isComplete }) => isComplete,
  load: async (customerNumbers, central) => {
    const found = new Map<string, OpenTotals>();
    let open = customerNumbers;
    for (let round = 0; open.length > 0 && round < MAX_ROUNDS; round += 1) {
      const parts = await central.list(openInvoice, 'salesInvoices', {
        keys: { field: 'billToCustomerNumber', values: open },
        where: [['status', 'eq', WIRE_STATUS.OPEN]],
        select: Object.keys(openInvoice.shape),
        // Sorted by customer: only the last customer of an incomplete part can lack invoices.
        orderBy: ['billToCustomerNumber'],
        pageSize: MAX_PAGE_SIZE,
        maxPages: MAX_PAGES,
      });
      for (const part of parts) for (const [number, totals] of totalsIn(part)) found.set(number, totals);
      open = open.filter((number) => !found.has(number));
    }
    return customerNumbers.map((number) => found.get(number) ?? tooMany('invoices', 'open invoices'));
  },
});

/**
 * The totals of the customers whose invoices were all read. A customer whose invoices alone fill the part gets the total of
 * the invoices that were read.
 */
function totalsIn({ values, records, isComplete }: OdataPart<OpenInvoice, string>): [string, OpenTotals][] {
  const seen = [...new Set(records.map(({ billToCustomerNumber }) => billToCustomerNumber))];
  const read = isComplete ? values : seen.length === 1 ? seen : seen.slice(0, -1);
  const aligned = alignMany(values, records, {
    ...INVOICES,
    keyOf: ({ billToCustomerNumber }) => billToCustomerNumber,
    idOf: ({ number }) => number,
  });
  return values.flatMap((number, i): [string, OpenTotals][] => {
    if (!read.includes(number)) return [];
    const invoices = aligned[i] ?? [];
    const amounts = totalsOf(
      invoices.map(({ remainingAmount, currencyCode }) => moneyOf(remainingAmount, currencyCode)),
    );
    return [[number, { amounts, isComplete: isComplete || seen.length > 1 }]];
  });
}

function aboutCustomers(customerNumbers: readonly string[]) {
  return customerNumbers.map((value) => ({ namespace: 'invoiceCustomerNumber', value }));
}
