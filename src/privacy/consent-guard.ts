import type { ConsentAnswer, Consents } from '../customer/consents.js';
import type { Context, Customer } from '../customer/customer.js';
import type { ConsentChannel, Purpose } from '../customer/schema.generated.js';
import { ConsentRequiredError } from '../errors.js';
import { fieldWeakMap } from '../v8/field-weak-map.js';
import { decideConsent, type ConsentDecision } from './consent.js';

/** What customers were found to allow in the course of a request: by channel, or `''` for any. */
export type ConsentOutcomes = ReadonlyMap<string, { granted: boolean; withheld: boolean }>;

/** Asks customers' consent for fields, and remembers what came out for as long as the request lasts. */
export interface ConsentGuard {
  /**
   * The value, if the customer allows it. It is read while consent is asked, and left alone when there is none. Fails with
   * a ConsentRequiredError, or the error of a system that might forbid it.
   */
  readWithConsent<T>(
    customer: Customer,
    context: Context,
    consent: { purpose: Purpose; channel?: ConsentChannel },
    read: () => T | Promise<T>,
  ): T | Promise<T>;
  /** What was decided for a request. */
  outcomesOf(context: Context): ConsentOutcomes;
}

/** What a customer was found to allow. */
interface CustomerConsent {
  answers: readonly ConsentAnswer[] | Promise<readonly ConsentAnswer[]>;
  /** By channel, or `''` for any. */
  decisions: Map<string, ConsentDecision>;
}

export function createConsentGuard(consents: Consents): ConsentGuard {
  // A customer object is of one request, and that is for one purpose.
  const known = fieldWeakMap<Customer, CustomerConsent>();
  const outcomes = fieldWeakMap<Context, Map<string, { granted: boolean; withheld: boolean }>>();

  const askedOf = (customer: Customer, context: Context, purpose: Purpose): CustomerConsent => {
    let asked = known.get(customer);
    if (asked === undefined) {
      asked = { answers: consents.answersFor(purpose, customer, context), decisions: new Map() };
      known.set(customer, asked);
    }
    return asked;
  };

  const note = (context: Context, channel: string, outcome: 'granted' | 'withheld'): void => {
    let ofRequest = outcomes.get(context);
    if (ofRequest === undefined)
      outcomes.set(context, (ofRequest = new Map<string, { granted: boolean; withheld: boolean }>()));
    const noted = ofRequest.get(channel);
    if (noted === undefined)
      ofRequest.set(channel, { granted: outcome === 'granted', withheld: outcome === 'withheld' });
    else noted[outcome] = true;
  };

  /** Why the customer's value is not shown; undefined when it is. */
  const refusalOf = (
    { decisions }: CustomerConsent,
    answers: readonly ConsentAnswer[],
    context: Context,
    { purpose, channel }: { purpose: Purpose; channel?: ConsentChannel },
  ): unknown => {
    const key = channel ?? '';
    let decision = decisions.get(key);
    if (decision === undefined) {
      decisions.set(key, (decision = decideConsent(answers, purpose, channel)));
      note(context, key, decision.kind === 'granted' ? 'granted' : 'withheld');
    }
    if (decision.kind === 'failed') return decision.error;
    return decision.kind === 'withheld' ? new ConsentRequiredError(purpose) : undefined;
  };

  return {
    readWithConsent: (customer, context, consent, read) => {
      const asked = askedOf(customer, context, consent.purpose);
      const { answers } = asked;
      if (answers instanceof Promise) {
        const value = started(read);
        return answers.then((all) => {
          const refusal = refusalOf(asked, all, context, consent);
          return refusal === undefined ? value : failed(refusal);
        });
      }
      const refusal = refusalOf(asked, answers, context, consent);
      // Not thrown at once: whether consent was kept must not show in the order of an answer's errors.
      return refusal === undefined ? read() : failed(refusal);
    },
    outcomesOf: (context) => outcomes.get(context) ?? NOTHING,
  };
}

const NOTHING: ConsentOutcomes = new Map();

/** What a field comes to. One that is not shown must fail nothing. */
function started<T>(read: () => T | Promise<T>): T | Promise<T> {
  let value: T | Promise<T>;
  try {
    value = read();
  } catch (error) {
    value = failed(error);
  }
  if (value instanceof Promise) value.then(undefined, ignore);
  return value;
}

function failed(error: unknown): Promise<never> {
  return Promise.reject(error instanceof Error ? error : new Error(String(error)));
}

function ignore(): void {
  // Whoever is shown the value is told.
}
