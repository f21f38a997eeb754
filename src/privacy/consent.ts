import type { ConsentAnswer } from '../customer/consents.js';
import type { Consent, ConsentChannel, ConsentStatus, Purpose } from '../customer/schema.generated.js';

/** Whether the systems' consent statements allow a purpose. README.md has the rules. */
export type ConsentDecision =
  | { kind: 'granted' }
  | {
      kind: 'withheld';
      /** The status that prevents it; UNKNOWN, without a source, if no system has a statement. */
      because: Exclude<ConsentStatus, 'GRANTED'>;
      /** The system with this status. */
      source?: string;
      /** When the status was set, if the system reports it. */
      since?: string;
    }
  /** A system failed whose statement might change the decision. */
  | { kind: 'failed'; error: unknown };

/** Decides on a purpose and channel. Without `channel`, consent for any channel is sufficient. */
export function decideConsent(
  answers: readonly ConsentAnswer[],
  purpose: Purpose,
  channel?: ConsentChannel | null,
): ConsentDecision {
  const granted: Consent[] = [];
  const refused: Consent[] = [];
  const others: Consent[] = [];
  let failed: ConsentDecision | undefined;
  for (const { statements, error } of answers) {
    if (error !== undefined) failed ??= { kind: 'failed', error };
    for (const statement of statements) {
      // An opt-out of one kind of mail is not a withdrawal of consent, and a subscription to one kind is not consent to all.
      if (statement.topic != null) continue;
      if (
        statement.purpose !== purpose ||
        (channel != null && statement.channel != null && statement.channel !== channel)
      )
        continue;
      if (statement.status === 'GRANTED') granted.push(statement);
      else (isRefusal(statement) ? refused : others).push(statement);
    }
  }
  // No statement of another system can override these.
  const final = refused.filter((consent) => channel != null || consent.channel == null);
  if (final.length > 0) return withheldBy(final);
  if (failed !== undefined) return failed;
  const isGranted = granted.some((grant) => refused.every(({ channel }) => channel !== grant.channel));
  if (isGranted) return GRANTED;
  if (refused.length > 0) return withheldBy(refused);
  const reasons = REASONS.map((status) => others.filter((consent) => consent.status === status));
  return withheldBy(reasons.find((found) => found.length > 0) ?? []);
}

const GRANTED: ConsentDecision = { kind: 'granted' };

/** Statuses without consent, the most informative first. */
const REASONS: readonly ConsentStatus[] = ['EXPIRED', 'REQUESTED', 'UNKNOWN'];

function isRefusal({ status }: Consent): boolean {
  return status === 'REVOKED' || status === 'DENIED';
}

/** The decision with the latest of several statements. */
function withheldBy(statements: readonly Consent[]): ConsentDecision {
  const [latest] = statements.toSorted(latestFirst);
  if (latest === undefined || latest.status === 'GRANTED') return { kind: 'withheld', because: 'UNKNOWN' };
  const { status: because, source, updatedAt } = latest;
  return { kind: 'withheld', because, source, ...(updatedAt == null ? {} : { since: updatedAt }) };
}

/** Sorts by time, latest first. Statements without a time come last. For equal times, sorts by text. */
function latestFirst(a: Consent, b: Consent): number {
  const at = ({ updatedAt }: Consent) => (updatedAt == null ? 0 : Date.parse(updatedAt));
  const text = ({ source, status, updatedAt }: Consent) => `${source} ${status} ${updatedAt ?? ''}`;
  return at(b) - at(a) || (text(a) < text(b) ? -1 : 1);
}
