import type { ConsentAnswer } from '../customer/consents.js';
import type { Consent, ConsentChannel, ConsentStatus, Purpose } from '../customer/schema.generated.js';

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
  answers: readonly ConsentAnswer[],
  purpose: Purpose,
  channel?: ConsentChannel | null,
): ConsentDecision {
  const granted: Consent[] = [];
  const withdrawn: Consent[] = [];
  const others: Consent[] = [];
  let failed: ConsentDecision | undefined;
  for (const { statements, error } of answers) {
    if (error !== undefined) failed ??= { kind: 'failed', error };
    for (const one of statements) {
      if (one.purpose !== purpose || (channel != null && one.channel != null && one.channel !== channel))
        continue;
      if (one.status === 'GRANTED') granted.push(one);
      else (isWithdrawal(one) ? withdrawn : others).push(one);
    }
  }
  // Nothing that another system might say gets past these.
  const final = withdrawn.filter((one) => channel != null || one.channel == null);
  if (final.length > 0) return withheldBy(final);
  if (failed !== undefined) return failed;
  const isGranted = granted.some((one) => withdrawn.every((no) => no.channel !== one.channel));
  if (isGranted) return GRANTED;
  if (withdrawn.length > 0) return withheldBy(withdrawn);
  const reasons = REASONS.map((status) => others.filter((one) => one.status === status));
  return withheldBy(reasons.find((found) => found.length > 0) ?? []);
}

const GRANTED: ConsentDecision = { kind: 'granted' };

/** The first of these that is there says most about why there is no consent. */
const REASONS: readonly ConsentStatus[] = ['EXPIRED', 'REQUESTED', 'UNKNOWN'];

function isWithdrawal({ status }: Consent): boolean {
  return status === 'REVOKED' || status === 'DENIED';
}

/** Of several the latest is named. */
function withheldBy(statements: readonly Consent[]): ConsentDecision {
  const [latest] = statements.toSorted(latestFirst);
  if (latest === undefined || latest.status === 'GRANTED') return { kind: 'withheld', because: 'UNKNOWN' };
  const { status: because, source, updatedAt } = latest;
  return { kind: 'withheld', because, source, ...(updatedAt == null ? {} : { since: updatedAt }) };
}

/** Those of which the system does not tell when come last. Of one moment, the order is that of the texts. */
function latestFirst(one: Consent, other: Consent): number {
  const at = ({ updatedAt }: Consent) => (updatedAt == null ? 0 : Date.parse(updatedAt));
  const text = ({ source, status, updatedAt }: Consent) => `${source} ${status} ${updatedAt ?? ''}`;
  return at(other) - at(one) || (text(one) < text(other) ? -1 : 1);
}
