import type { Context } from '../customer/customer.js';
import type { Identifier } from '../identity/identifiers.js';
import type { AuditEntry } from '../privacy/audit-line.js';
import type { AuditLog } from '../privacy/audit-log.js';
import type { Disclosure } from '../privacy/disclosure.js';
import type { ConsentGuard } from '../privacy/consent-guard.js';
import type { Provenance } from '../loaders/provenance.js';
import type { Logger } from '../telemetry/logger.js';
import type { Prepared } from './prepare.js';
import type { Principal } from './principal.js';
import { httpError } from './request-error.js';

export interface AuditorOptions {
  log: AuditLog;
  /** Whether an answer is withheld if its line cannot be written. */
  required: boolean;
  permissions: Pick<ConsentGuard, 'outcomesOf'>;
  /** The opaque ids of the customers in the answer of a request. */
  customersOf: (context: Context, about: Identifier | undefined) => readonly string[];
  logger: Logger;
}

/** An answer before it is sent. */
export interface Audited {
  prepared: Prepared;
  /** The personal data that the answer contains. */
  disclosure: Disclosure;
  /** The context of the resolvers. */
  context: Context;
  principal: Principal;
  provenance: Provenance;
  /** An identifier of the customer of an event. */
  about: Identifier | undefined;
  /** Why the answer is withheld. */
  because: string | undefined;
}

export interface Auditor {
  /** The audit line of an answer. Undefined if the answer contains no personal data. */
  entryOf(audited: Audited): AuditEntry | undefined;
  /** Writes a line. False: the answer must be withheld. */
  write(entry: AuditEntry): Promise<boolean>;
}

export function createAuditor({ log, required, permissions, customersOf, logger }: AuditorOptions): Auditor {
  const entryOf = ({
    prepared,
    disclosure,
    context,
    principal,
    provenance,
    about,
    because,
  }: Audited): AuditEntry | undefined => {
    const { caller, audience } = principal;
    const categories = disclosure.of(audience, permissions.outcomesOf(context));
    if (categories === undefined) return undefined;
    const sources = provenance.statuses();
    const customers = customersOf(context, about);
    // The operation was refused before any system was called, so the answer is about no customer.
    if (customers.length === 0 && Object.keys(sources).length === 0) return undefined;
    const statuses = Object.values(sources);
    return {
      requestId: context.requestId,
      caller: caller.name,
      purpose: audience.purpose ?? 'NONE',
      operation: prepared.audited,
      customers,
      ...(context.searchTerms.size === 0 ? {} : { terms: [...context.searchTerms] }),
      categories,
      sources,
      cached: statuses.every((status) => status === 'cached' || status === 'stale'),
      ...(because === undefined ? {} : { because }),
    };
  };

  return {
    entryOf,
    write: async (entry) => {
      try {
        await log.append(entry);
        return true;
      } catch (error) {
        const { requestId } = entry;
        logger.error(
          { requestId, reason: error instanceof Error ? error.name : 'unknown', isWithheld: required },
          'an audit line could not be written: check the audit log and its disk',
        );
        return !required;
      }
    },
  };
}

/** Whether a line already contains all customers, sources and categories of another line. */
export function coversEntry(line: AuditEntry | undefined, other: AuditEntry): boolean {
  if (line === undefined) return false;
  const includesAll = (values: readonly string[], others: readonly string[]): boolean => {
    const known = new Set(values);
    return others.every((value) => known.has(value));
  };
  const { granted, masked, withheld } = other.categories;
  return (
    includesAll(line.customers, other.customers) &&
    includesAll(Object.keys(line.sources), Object.keys(other.sources)) &&
    includesAll(line.categories.granted, granted) &&
    includesAll(line.categories.masked, masked) &&
    includesAll(line.categories.withheld, withheld)
  );
}

export function notAudited() {
  return httpError(
    'AUDIT_UNAVAILABLE',
    'The answer is withheld because the audit log cannot be written. Contact the operator.',
    503,
  );
}
