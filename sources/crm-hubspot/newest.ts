import { SourceContractError } from '../../src/index.js';
import type { Context, DealRecord, PartRequest, TicketRecord, UnsortedItems } from '../../src/index.js';
import { deals, dealsOfContacts, tickets, ticketsOfCompanies } from './loaders.js';
import { newestDeals, newestTickets } from './searches.js';

/**
 * Associations have no order and no time. So the newest deals or tickets are found by reading all of them, up
 * to this many, or by a search. One batch read takes this many.
 */
const MAX_READ = 100;

/** The newest deals of a contact. */
export async function newestDealsOf(
  contactId: string,
  request: PartRequest,
  { load }: Context,
): Promise<UnsortedItems<DealRecord>> {
  return newestOf(await load(dealsOfContacts, contactId), {
    read: (id) => load(deals, { id, contactId }),
    search: () => load(newestDeals, { id: contactId, ...request }),
  });
}

/** The newest tickets of a company. */
export async function newestTicketsOf(
  companyId: string,
  request: PartRequest,
  { load }: Context,
): Promise<UnsortedItems<TicketRecord>> {
  return newestOf(await load(ticketsOfCompanies, companyId), {
    read: (id) => load(tickets, id),
    search: () => load(newestTickets, { id: companyId, ...request }),
  });
}

/** All associated items, or the requested ones if there are too many to read all. */
async function newestOf<Item extends { recordId: string }>(
  ids: readonly string[],
  {
    read,
    search,
  }: { read: (id: string) => Promise<Item | null>; search: () => Promise<UnsortedItems<Item>> },
): Promise<UnsortedItems<Item>> {
  if (ids.length <= MAX_READ) {
    const found = await Promise.all(ids.map(read));
    return { items: found.filter((item) => item !== null), readBackTo: [] };
  }
  const found = await search();
  // A system that does not understand the filter of a search may return items of other customers.
  if (found.items.some(({ recordId }) => !ids.includes(recordId)))
    throw new SourceContractError('crm-hubspot', 'crm-hubspot returned records of another customer.', {
      kind: 'wrong-record',
    });
  return found;
}
