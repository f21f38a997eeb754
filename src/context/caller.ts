import type { Purpose } from '../customer/schema.generated.js';
import type { Identifier } from '../identity/identifiers.js';
import type { Priority } from '../priority.js';

/** The built-in roles. src/context/roles.ts has the permissions of each role. */
export type Role = 'visitor' | 'frontend' | 'analyst' | 'campaign' | 'operator';

/** The properties of a caller that its roles determine. */
export type RolePermissions = Omit<Caller, 'name' | 'subject' | 'budget' | 'roles' | 'origins' | 'customer'>;

/** Who sent an operation, with permissions and limits. Only `customer` may identify a person. */
export interface Caller {
  /** For the log and the audit: the name of the key, or `jwt:` and the client or issuer. Never a person's name. */
  name: string;
  /**
   * Recognises the caller of a token: a digest of the client and of the claim `sub`. Empty if the token has neither, so that its
   * caller cannot be recognised. Absent: the name recognises the caller.
   */
  subject?: string;
  /** The budget that its operations use: a digest of the visitor. Absent: the budget of all callers with its name. */
  budget?: string;
  roles: readonly string[];
  /** As in `@requiresScopes`. */
  scopes: ReadonlySet<string>;
  /** The purposes that it may declare. */
  purposes: readonly Purpose[];
  /** The purpose of requests that name none. Absent (with `AUTH=off`): no purpose, so no field is refused for its purpose. */
  defaultPurpose?: Purpose;
  priority: Priority;
  /** Maximum cost of one operation, in points (`@cost`). */
  maxCost: number;
  /** Maximum cost of its operations in one minute, in points. */
  costPerMinute: number;
  /** Web origins whose pages may send its requests, such as `https://www.example.nl`. Empty: none. */
  origins: readonly string[];
  /** Whether it may send any operation, or only the persisted operations of schema/operations. */
  operations: 'any' | 'persisted';
  /** Whether it sees clear values, or masked values where a field has a `mask`. */
  sees: 'clear' | 'masked';
  /** The namespaces by which it may find customers. */
  findsBy: 'all' | ReadonlySet<string>;
  /** The customer of `Query.me`, from a visitor's token. A caller with no other role sees only this customer. */
  customer?: Identifier;
}
