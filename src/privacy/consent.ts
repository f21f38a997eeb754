import type { ConsentAnswers, SourcedStatement } from '../customer/consents.js';
import type { ConsentChannel, ConsentStatus, Purpose } from '../customer/schema.generated.js';

/** Whether a customer's data may be used for a purpose, by what the systems say. README.md has the rules. */
export type ConsentDecision =
  | { kind: 'granted' }
  | {
      kind: 'withheld';
      /** What stands in the way; UNKNOWN, without a source, when no system says anything. */
      because: Exclude<ConsentStatus, 'GRANTED'>;
      /** The system that says so. */
      source?: string;
      /** Since when, as far as that system tells. */
      since?: string;
    }
  /** A system that could not be asked might have something to say that changes the outcome. */
  | { kind: 'failed'; error: unknown };

/** `channel` is by what the customer is reached with the data; without one, consent for any channel will do. */
export function decideConsent(
  { statements, failed }: ConsentAnswers,
  purpose: Purpose,
  channel?: ConsentChannel | null,
): ConsentDecision {
  const about = statements.filter(
    (one) => one.purpose === purpose && (channel == null || one.channel == null || one.channel === channel),
  );
  const withdrawn = about.filter(isWithdrawal);
  // Nothing that another system might say gets past these.
  const final = withdrawn.filter((one) => channel != null || one.channel == null);
  if (final.length > 0) return withheldBy(final);
  if (failed.length > 0) return { kind: 'failed', error: failed[0] };
  const closed = new Set(withdrawn.map((one) => one.channel));
  const isGranted = about.some((one) => one.status === 'GRANTED' && !closed.has(one.channel));
  if (isGranted) return { kind: 'granted' };
  const [reasons = []] = REASONS.map((status) => about.filter((one) => one.status === status)).filter(
    (found) => found.length > 0,
  );
  return withheldBy(withdrawn.length > 0 ? withdrawn : reasons);
}

/** The first of these that is there says most about why there is no consent. */
const REASONS: readonly ConsentStatus[] = ['EXPIRED', 'REQUESTED', 'UNKNOWN'];

function isWithdrawal({ status }: SourcedStatement): boolean {
  return status === 'REVOKED' || status === 'DENIED';
}

/** Of several the latest is named. */
function withheldBy(statements: readonly SourcedStatement[]): ConsentDecision {
  const [latest] = statements.toSorted(latestFirst);
  if (latest === undefined || latest.status === 'GRANTED') return { kind: 'withheld', because: 'UNKNOWN' };
  const { status: because, source, updatedAt } = latest;
  return { kind: 'withheld', because, source, ...(updatedAt == null ? {} : { since: updatedAt }) };
}

/** Those of which the system does not tell when come last. Of one moment, the order is that of the texts. */
function latestFirst(one: SourcedStatement, other: SourcedStatement): number {
  const at = ({ updatedAt }: SourcedStatement) => (updatedAt == null ? 0 : Date.parse(updatedAt));
  const text = ({ source, status, updatedAt }: SourcedStatement) => `${source} ${status} ${updatedAt ?? ''}`;
  return at(other) - at(one) || (text(one) < text(other) ? -1 : 1);
}
