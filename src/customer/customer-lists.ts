import type { PageArguments } from '../connection.js';
import type { Context, Customer } from './customer.js';
import type { DealRecord, DealsDeclaration } from './deal.js';
import { mergedPage, positionOfRecord, type MergedPage } from './merged-list.js';
import type { OrganisationRecord, OrganisationsDeclaration } from './organisation.js';
import type { TicketRecord, TicketsDeclaration } from './ticket.js';

/** A source with what it declares of one list. */
export interface Declared<D> {
  name: string;
  declared: D;
}

/** The lists of `Customer` that several sources fill, beside the timeline. */
export interface CustomerLists {
  tickets: readonly Declared<TicketsDeclaration>[];
  deals: readonly Declared<DealsDeclaration>[];
  organisations: readonly Declared<OrganisationsDeclaration>[];
}

/** A source, as far as it declares parts of lists. */
export interface SourceOfLists {
  name: string;
  tickets?: TicketsDeclaration;
  deals?: DealsDeclaration;
  organisations?: OrganisationsDeclaration;
}

export function customerListsOf(sources: readonly SourceOfLists[]): CustomerLists {
  const declaredBy = <D>(read: (source: SourceOfLists) => D | undefined): Declared<D>[] =>
    sources.flatMap((source) => {
      const declared = read(source);
      return declared === undefined ? [] : [{ name: source.name, declared }];
    });
  return {
    tickets: declaredBy(({ tickets }) => tickets),
    deals: declaredBy(({ deals }) => deals),
    organisations: declaredBy(({ organisations }) => organisations),
  };
}

/** One page of a customer's tickets over all sources, newest first. */
export function ticketsPage(
  customer: Customer,
  args: PageArguments & { isOpen?: boolean | null | undefined },
  { tickets }: CustomerLists,
  context: Context,
): Promise<MergedPage<TicketRecord>> {
  const { isOpen = null } = args;
  return mergedPage<TicketRecord, TicketRecord>(
    {
      name: 'Customer.tickets',
      what: 'tickets',
      positionOf: positionOfRecord,
      sources: tickets.map(({ name, declared }) => ({
        name,
        read: (request) => declared.page(customer, { ...request, isOpen }, context),
        isRequested: (ticket: TicketRecord) => isOpen === null || ticket.isOpen === isOpen,
      })),
    },
    args,
    (ticket) => ticket,
  );
}

/** One page of a customer's deals over all sources, newest first. */
export function dealsPage(
  customer: Customer,
  args: PageArguments,
  { deals }: CustomerLists,
  context: Context,
): Promise<MergedPage<DealRecord>> {
  return mergedPage<DealRecord, DealRecord>(
    {
      name: 'Customer.deals',
      what: 'deals',
      positionOf: positionOfRecord,
      sources: deals.map(({ name, declared }) => ({
        name,
        read: (request) => declared.page(customer, request, context),
      })),
    },
    args,
    (deal) => deal,
  );
}

/** The organisations of all sources. A source that fails has its error in its place. */
export async function organisationsOf(
  customer: Customer,
  { organisations }: CustomerLists,
  context: Context,
): Promise<(OrganisationRecord | Promise<never>)[]> {
  const answers = await Promise.allSettled(
    organisations.map(async ({ declared }) => declared.ofCustomer(customer, context)),
  );
  return answers.flatMap((answer): readonly (OrganisationRecord | Promise<never>)[] =>
    answer.status === 'fulfilled' ? answer.value : [failed(answer.reason)],
  );
}

/** A rejected promise. Nothing has to handle it: it may be dropped, for example because the customer withholds consent. */
export function failed(reason: unknown): Promise<never> {
  const promise = Promise.resolve().then((): never => {
    throw reason;
  });
  promise.catch(() => undefined);
  return promise;
}
