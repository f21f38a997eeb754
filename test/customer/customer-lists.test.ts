import { describe, expect, it, vi } from 'vitest';
import type { Context, Customer } from '../../src/customer/customer.js';
import {
  customerListsOf,
  dealsPage,
  organisationsOf,
  ticketsPage,
} from '../../src/customer/customer-lists.js';
import type { DealRecord } from '../../src/customer/deal.js';
import type { OrganisationRecord } from '../../src/customer/organisation.js';
import type { TicketRecord, TicketsRequest } from '../../src/customer/ticket.js';
import { SourceTimeoutError } from '../../src/errors.js';

const customer = {} as Customer;
const context = {} as Context;
const down = new SourceTimeoutError('desk', 'The desk did not answer in time.');

/** A ticket with the fields that the lists read. */
const ticket = (recordId: string, createdAt: string | null, isOpen = true) =>
  ({ source: 'desk', recordId, createdAt, isOpen }) as TicketRecord;
const deal = (recordId: string, createdAt: string | null) =>
  ({ source: 'crm', recordId, createdAt }) as DealRecord;

const idsOf = ({ nodes }: { nodes: readonly { recordId: string }[] }) =>
  nodes.map(({ recordId }) => recordId);

describe('the lists of a customer', () => {
  it('come from the sources that declare them', () => {
    const page = () => Promise.resolve([]);
    const ofCustomer = () => Promise.resolve([]);
    const lists = customerListsOf([
      { name: 'desk', tickets: { page } },
      { name: 'weather' },
      { name: 'crm', tickets: { page }, deals: { page }, organisations: { ofCustomer } },
    ]);
    const namesOf = (list: readonly { name: string }[]) => list.map(({ name }) => name);
    expect(namesOf(lists.tickets)).toEqual(['desk', 'crm']);
    expect(namesOf(lists.deals)).toEqual(['crm']);
    expect(namesOf(lists.organisations)).toEqual(['crm']);
  });

  const tickets = [
    ticket('1', '2026-11-01T12:00:00Z'),
    ticket('2', '2026-11-03T12:00:00Z', false),
    ticket('3', null),
    ticket('4', '2026-11-02T12:00:00Z'),
  ];

  it.each([
    [undefined, ['2', '4', '1', '3']],
    [null, ['2', '4', '1', '3']],
    [true, ['4', '1', '3']],
    [false, ['2']],
  ])(
    'contain the tickets with isOpen %s, newest first, and tickets without a date last',
    async (isOpen, ids) => {
      const requests: (boolean | null)[] = [];
      const page = (_: Customer, request: TicketsRequest) => {
        requests.push(request.isOpen);
        return Promise.resolve({ items: tickets, readBackTo: [] });
      };
      const lists = customerListsOf([{ name: 'desk', tickets: { page } }]);
      const found = await ticketsPage(customer, { first: 10, after: null, isOpen }, lists, context);
      expect(idsOf(found)).toEqual(ids);
      expect(requests).toEqual([isOpen ?? null]);
    },
  );

  it('do not continue from the cursor of another list', async () => {
    const lists = customerListsOf([
      {
        name: 'crm',
        tickets: { page: () => Promise.resolve(tickets.slice(0, 1)) },
        deals: { page: () => Promise.resolve([deal('1', '2026-11-01T12:00:00Z')]) },
      },
    ]);
    const deals = await dealsPage(customer, { first: 1, after: null }, lists, context);
    expect(idsOf(deals)).toEqual(['1']);
    const after = deals.pageInfo.endCursor ?? null;
    await expect(ticketsPage(customer, { first: 1, after }, lists, context)).rejects.toThrow(/cursor/);
  });

  it('contain the organisations of each source, and the error of a failed source in its place', async () => {
    const organisation = (recordId: string) => ({ source: 'crm', recordId }) as OrganisationRecord;
    const lists = customerListsOf([
      {
        name: 'crm',
        organisations: { ofCustomer: () => Promise.resolve([organisation('1'), organisation('2')]) },
      },
      { name: 'desk', organisations: { ofCustomer: () => Promise.reject(down) } },
      {
        name: 'shop',
        organisations: {
          ofCustomer: () => {
            throw down;
          },
        },
      },
      { name: 'register', organisations: { ofCustomer: () => Promise.resolve([organisation('3')]) } },
    ]);
    const found = await organisationsOf(customer, lists, context);
    const shown = await Promise.all(
      found.map(async (item) => {
        try {
          return (await item).recordId;
        } catch (error) {
          return error;
        }
      }),
    );
    expect(shown).toEqual(['1', '2', down, down, '3']);
  });

  it('cause no unhandled rejection if a source fails after the list was dropped', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const lists = customerListsOf([
      { name: 'desk', organisations: { ofCustomer: () => Promise.reject(down) } },
    ]);
    expect(await organisationsOf(customer, lists, context)).toHaveLength(1);
    await new Promise(setImmediate);
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});
