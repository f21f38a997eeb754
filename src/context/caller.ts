import type { Purpose } from '../customer/schema.generated.js';
import type { Identifier } from '../identity/identifiers.js';
import type { Priority } from '../priority.js';

/** What a caller is to the organisation; src/context/roles.ts says what each may do. */
export type Role = 'visitor' | 'frontend' | 'analyst' | 'campaign' | 'operator';

/** The part of a caller that its roles give it. */
export type RolePermissions = Omit<Caller, 'name' | 'budget' | 'roles' | 'origins' | 'customer'>;

/** Who sent an operation, and what they may. It names no person: a visitor's own identifier is in `customer` alone. */
export interface Caller {
  /** For the log and the audit: the name of the key, or `jwt:` and that of the client or issuer. Never a person. */
  name: string;
  /** Whose minute it spends: a digest that stands for the visitor. Left out: that of all callers with its name. */
  budget?: string;
  roles: readonly Role[];
  /** As in `@requiresScopes`. */
  scopes: ReadonlySet<string>;
  /** The purposes that it may declare. */
  purposes: readonly Purpose[];
  /** What its requests are for that do not say. Left out (with `AUTH=off`): for nothing in particular, so that no purpose forbids a field. */
  defaultPurpose?: Purpose;
  priority: Priority;
  /** An operation may cost so many points (`@cost`). */
  maxCost: number;
  /** All its operations of a minute together may cost so many points. */
  costPerMinute: number;
  /** Other web sites whose pages may send its requests, such as `https://www.example.nl`. Empty: those of none. */
  origins: readonly string[];
  /** Whether it may send operations of its own, or only those of schema/operations. */
  operations: 'any' | 'persisted';
  /** Whether it sees values as they are, or masked where they have a `mask`. */
  sees: 'clear' | 'masked';
  /** Namespaces that it may find customers by; `all` or those named, none when it is empty. */
  findsBy: 'all' | ReadonlySet<string>;
  /** The customer of `Query.me`: whom a visitor's token names. Who has no other role sees nobody else. */
  customer?: Identifier;
}
