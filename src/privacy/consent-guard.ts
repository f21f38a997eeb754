import type { ConsentAnswer, Consents } from '../customer/consents.js';
import type { Context, Customer } from '../customer/customer.js';
import type { ConsentChannel, Purpose } from '../customer/schema.generated.js';
import { ConsentRequiredError } from '../errors.js';
import { fieldWeakMap } from '../v8/field-weak-map.js';
import { decideConsent, type ConsentDecision } from './consent.js';

/** The consent decisions of a request by channel, or `''` for any channel. Both can be true for several customers. */
export type ConsentOutcomes = ReadonlyMap<string, { granted: boolean; withheld: boolean }>;

/** Checks customers' consent for fields, and stores the outcomes for the duration of the request. */
export interface ConsentGuard {
  /**
   * Returns the value if the customer allows it. Consent and value are loaded in parallel; if a cached consent forbids the
   * value, it is not loaded. Rejects with a ConsentRequiredError, or with the error of a system that might forbid it.
   */
  readWithConsent<T>(
    customer: Customer,
    context: Context,
    consent: { purpose: Purpose; channel?: ConsentChannel },
    read: () => T | Promise<T>,
  ): T | Promise<T>;
  /** The consent outcomes of a request. */
  outcomesOf(context: Context): ConsentOutcomes;
}

/** The consent of one customer in a request. */
interface CustomerConsent {
  answers: readonly ConsentAnswer[] | Promise<readonly ConsentAnswer[]>;
  /** Decisions by channel, or `''` for any channel. */
  decisions: Map<string, ConsentDecision>;
}

export function createConsentGuard(consents: Consents): ConsentGuard {
  // A customer object belongs to one request, and a request has one purpose.
  const ofCustomers = fieldWeakMap<Customer, CustomerConsent>();
  const outcomes = fieldWeakMap<Context, Map<string, { granted: boolean; withheld: boolean }>>();

  const consentOf = (customer: Customer, context: Context, purpose: Purpose): CustomerConsent => {
    let entry = ofCustomers.get(customer);
    if (entry === undefined) {
      entry = { answers: consents.answersFor(purpose, customer, context), decisions: new Map() };
      ofCustomers.set(customer, entry);
    }
    return entry;
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

  /** The error if the customer's value may not be shown; undefined if it may. */
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
      const customerConsent = consentOf(customer, context, consent.purpose);
      const { answers } = customerConsent;
      if (answers instanceof Promise) {
        const value = started(read);
        return answers.then((all) => {
          const refusal = refusalOf(customerConsent, all, context, consent);
          return refusal === undefined ? value : failed(refusal);
        });
      }
      const refusal = refusalOf(customerConsent, answers, context, consent);
      // A rejected promise instead of a throw: the order of errors must not reveal whether consent was cached.
      return refusal === undefined ? read() : failed(refusal);
    },
    outcomesOf: (context) => outcomes.get(context) ?? NOTHING,
  };
}

const NOTHING: ConsentOutcomes = new Map();

/** Starts to load a value. If the value is not shown, its error is ignored. */
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
  // The error is reported if the value is shown.
}
