import { defineLoader, tooMany, type AnyCondition, type TicketComparison } from '../../src/index.js';
import type { SalesforceClient } from './client.js';
import { newestOfContacts } from './lists.js';
import { casesOfContacts } from './loaders.js';
import { runCount, runQuery } from './soql.js';
import { id, onlyId } from './wire.js';

/** A page of a query has 2,000 records. */
const MAX_LISTED = 1_000;

/**
 * The query of the contacts with a case like this. A state of Salesforce is only a word, so all open cases, or all closed ones,
 * are listed.
 */
function contactsWith({ status, isOpen, createdAt: { since, before } = {} }: TicketComparison): string {
  const isClosed = [
    ...(isOpen === undefined ? [] : [!isOpen]),
    ...(status === undefined ? [] : [...new Set(status.map((value) => value === 'CLOSED'))]),
  ];
  const [first, ...others] = [...new Set(isClosed)];
  const where = [
    'ContactId != null',
    ...(first === undefined || others.length > 0 ? [] : [`IsClosed = ${String(first)}`]),
    // Moments are written by `Date`, so they never contain the text of a caller.
    ...(since === undefined ? [] : [`CreatedDate >= ${new Date(since).toISOString()}`]),
    ...(before === undefined ? [] : [`CreatedDate < ${new Date(before).toISOString()}`]),
  ];
  return `FROM Contact WHERE Id IN (SELECT ContactId FROM Case WHERE ${where.join(' AND ')})`;
}

export const conditions: readonly AnyCondition<SalesforceClient>[] = [
  {
    name: 'tickets',
    description: 'The tickets of the customer in all systems with tickets, as `Customer.tickets` shows them.',
    type: 'TICKETS',
    shownBy: 'Customer.tickets',
    loaders: [casesOfContacts],
    read: async (customer, context) => {
      const { items, readBackTo } = await newestOfContacts(
        customer,
        (contactId) => context.load(casesOfContacts, contactId),
        ({ createdAt }) => createdAt,
      );
      if (readBackTo.length > 0) throw tooMany('crm-salesforce', 'cases of one contact');
      return items;
    },
    list: {
      refusal: ({ some }) =>
        some === undefined ? 'contacts without such cases are not all customers. Give "some".' : undefined,
      maxPerCall: MAX_LISTED,
      loader: defineLoader({
        name: 'ticketsList',
        load: (requests, salesforce) =>
          Promise.all(
            requests.map(async ({ comparison: { some = {} }, after, first }) => {
              const isBehind = after === null ? '' : ` AND Id > '${id.parse(after)}'`;
              const found = await runQuery(
                salesforce,
                onlyId,
                `SELECT Id ${contactsWith(some)}${isBehind} ORDER BY Id LIMIT ${first + 1}`,
              );
              const recordIds = found.map(({ Id }) => Id);
              return { recordIds: recordIds.slice(0, first), hasMore: recordIds.length > first };
            }),
          ),
      }),
      count: defineLoader({
        name: 'ticketsCount',
        load: (comparisons, salesforce) =>
          Promise.all(
            comparisons.map(({ some = {} }) => runCount(salesforce, `SELECT COUNT() ${contactsWith(some)}`)),
          ),
      }),
    },
  },
];
