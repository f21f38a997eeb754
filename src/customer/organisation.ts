import type { Context, Customer } from './customer.js';

/** An organisation as one system holds it: `Organisation` in schema/customer.graphql. Null where the system does not know. */
export interface OrganisationRecord {
  /** The name of the source. */
  source: string;
  /** The system's own id. */
  recordId: string;
  name: string | null;
  domains: string[] | null;
  website: string | null;
  kind: string | null;
  industry: string | null;
  city: string | null;
  employeeCount: number | null;
}

/** What a source adds to `Customer.organisations`. */
export interface OrganisationsDeclaration {
  /** The organisations that the customer's records in the source belong to, each once. */
  ofCustomer(customer: Customer, context: Context): Promise<readonly OrganisationRecord[]>;
}
