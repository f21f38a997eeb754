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
  /** Whether an answer is withheld when its line cannot be written. */
  required: boolean;
  permissions: Pick<ConsentGuard, 'outcomesOf'>;
  /** The customers that a request was told of, by their opaque ids. */
  customersOf: (context: Context, about: Identifier | undefined) => readonly string[];
  logger: Logger;
}

/** An answer that is about to go out. */
export interface Audited {
  prepared: Prepared;
  /** What the answer shows of persons. */
  disclosure: Disclosure;
  /** What the resolvers received. */
  context: Context;
  principal: Principal;
  provenance: Provenance;
  /** Whom an event is about. */
  about: Identifier | undefined;
  /** Why the answer is withheld. */
  because: string | undefined;
}

export interface Auditor {
  /** The line of an answer; undefined when there is nothing of a person in it. */
  entryOf(audited: Audited): AuditEntry | undefined;
  /** Writes a line. False: the answer may not be given. */
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
    // Refused before anything was asked: of nobody anything was to be told.
    if (customers.length === 0 && Object.keys(sources).length === 0) return undefined;
    const statuses = Object.values(sources);
    return {
      requestId: context.requestId,
      caller: caller.name,
      purpose: audience.purpose ?? 'NONE',
      operation: prepared.audited,
      customers,
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
        logger.error({ requestId, reason: error instanceof Error ? error.name : 'unknown' }, 'not audited');
        return !required;
      }
    },
  };
}

/** Whether a line tells of everybody and everything that another one does. */
export function coversEntry(line: AuditEntry | undefined, other: AuditEntry): boolean {
  if (line === undefined) return false;
  const holds = (all: readonly string[], some: readonly string[]): boolean => {
    const known = new Set(all);
    return some.every((one) => known.has(one));
  };
  const { granted, masked, withheld } = other.categories;
  return (
    holds(line.customers, other.customers) &&
    holds(Object.keys(line.sources), Object.keys(other.sources)) &&
    holds(line.categories.granted, granted) &&
    holds(line.categories.masked, masked) &&
    holds(line.categories.withheld, withheld)
  );
}

export function notAudited() {
  return httpError(
    'AUDIT_UNAVAILABLE',
    'The audit log cannot be written, and an answer that nobody can account for is not given. Tell the operator.',
    503,
  );
}
