import { defineLoader, tooMany } from '../../src/index.js';
import type { AnyCondition, OdataClient } from '../../src/index.js';
import { MAX_PAGE_SIZE, openTotals } from './loaders.js';
import { totalsOf, WIRE_STATUS } from './mapping.js';
import { openInvoice } from './wire.js';

const listed = openInvoice.pick({ billToCustomerNumber: true });
const IS_OPEN = ['status', 'eq', WIRE_STATUS.OPEN] as const;

/**
 * Business Central computes what is left to pay when an invoice is read, so it cannot filter by it. The list has every customer with
 * an open invoice.
 */
export const conditions: readonly AnyCondition<OdataClient>[] = [
  {
    name: 'openInvoiceTotal',
    description: 'What the customer still has to pay on all invoices. Source: the invoice system.',
    type: 'MONEY',
    shownBy: 'Customer.openInvoiceTotal',
    loaders: [openTotals],
    read: async (customer, { load }) => {
      const numbers = await customer.identifiers('invoiceCustomerNumber');
      const totals = await Promise.all(numbers.map((number) => load(openTotals, number)));
      if (totals.some(({ isComplete }) => !isComplete)) throw tooMany('invoices', 'open invoices');
      return totalsOf(totals.flatMap(({ amounts }) => amounts));
    },
    list: {
      refusal: ({ atLeast = '0' }) =>
        Number(atLeast) > 0
          ? undefined
          : 'customers without open invoices are not all in the invoice system. Give "atLeast", above 0.',
      maxPerCall: MAX_PAGE_SIZE,
      loader: defineLoader({
        name: 'openInvoiceTotalList',
        load: (requests, central) =>
          Promise.all(
            requests.map(async ({ after, first }) => {
              const parts = await central.list(listed, 'salesInvoices', {
                where: [IS_OPEN, ...(after === null ? [] : [['billToCustomerNumber', 'gt', after] as const])],
                select: Object.keys(listed.shape),
                orderBy: ['billToCustomerNumber'],
                pageSize: MAX_PAGE_SIZE,
                maxPages: 1,
              });
              const numbers = parts.flatMap(({ records }) =>
                records.map(({ billToCustomerNumber }) => billToCustomerNumber),
              );
              const recordIds = [...new Set(numbers)];
              return {
                recordIds: recordIds.slice(0, first),
                hasMore: recordIds.length > first || parts.some(({ isComplete }) => !isComplete),
              };
            }),
          ),
      }),
      count: defineLoader({
        name: 'openInvoiceTotalCount',
        load: async (comparisons, central) => {
          const invoices = await central.count('salesInvoices', { where: [IS_OPEN] });
          return comparisons.map(() => invoices);
        },
      }),
    },
  },
];
