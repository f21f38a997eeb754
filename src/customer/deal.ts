import type { Context, Customer } from './customer.js';
import type { PartOfList, PartRequest } from './merged-list.js';
import type { Money } from './schema.generated.js';

/** A possible or concluded sale, as a source maps it: `Deal` in schema/customer.graphql. Null where the system does not know. */
export interface DealRecord {
  /** The name of the source. */
  source: string;
  /** The system's own id. */
  recordId: string;
  name: string | null;
  amount: Money | null;
  stage: string | null;
  isClosed: boolean | null;
  isWon: boolean | null;
  role: string | null;
  closesOn: string | null;
  createdAt: string | null;
}

/** What a source adds to `Customer.deals`. */
export interface DealsDeclaration {
  /** The newest deals of all the customer's records in the source: see `TicketsDeclaration`. */
  page(customer: Customer, request: PartRequest, context: Context): Promise<PartOfList<DealRecord>>;
}
