import type { Consents } from '../customer/consents.js';
import type { Context, Customer } from '../customer/customer.js';
import type { ConsentChannel, Purpose } from '../customer/schema.generated.js';
import { ConsentRequiredError } from '../errors.js';
import { sideTable } from '../side-table.js';
import { decideConsent, type ConsentDecision } from './consent.js';

/** What customers were found to allow in the course of a request: by channel, or `''` for any. */
export type Decided = ReadonlyMap<string, { granted: boolean; withheld: boolean }>;

/** Asks customers' consent for fields, and remembers what came out for as long as the request lasts. */
export interface Permissions {
  /** The value, if the customer allows it. It is read while consent is asked, and left alone when there is none. */
  within<T>(
    customer: Customer,
    context: Context,
    consent: { purpose: Purpose; channel?: ConsentChannel },
    read: () => T | Promise<T>,
  ): Promise<T>;
  /** What was decided for a request. */
  decided(context: Context): Decided;
}

export function createPermissions(consents: Consents): Permissions {
  const decisions = sideTable<Customer, Map<string, Promise<ConsentDecision>>>();
  const outcomes = sideTable<Context, Map<string, { granted: boolean; withheld: boolean }>>();

  /** Many fields of one customer hang on the same decision. */
  const decide = (
    customer: Customer,
    context: Context,
    purpose: Purpose,
    channel: ConsentChannel | undefined,
  ): Promise<ConsentDecision> => {
    let ofCustomer = decisions.get(customer);
    if (ofCustomer === undefined)
      decisions.set(customer, (ofCustomer = new Map<string, Promise<ConsentDecision>>()));
    const key = channel ?? '';
    let decision = ofCustomer.get(key);
    if (decision === undefined) {
      decision = consents
        .statementsOf(customer, context, purpose)
        .then((answers) => decideConsent(answers, purpose, channel));
      ofCustomer.set(key, decision);
      decision.then(
        ({ kind }) => {
          note(context, key, kind === 'granted' ? 'granted' : 'withheld');
        },
        () => {
          note(context, key, 'withheld');
        },
      );
    }
    return decision;
  };

  const note = (context: Context, channel: string, outcome: 'granted' | 'withheld'): void => {
    const ofRequest = outcomes.get(context) ?? new Map<string, { granted: boolean; withheld: boolean }>();
    outcomes.set(context, ofRequest);
    const noted = ofRequest.get(channel) ?? { granted: false, withheld: false };
    noted[outcome] = true;
    ofRequest.set(channel, noted);
  };

  return {
    within: (customer, context, { purpose, channel }, read) => {
      const deciding = decide(customer, context, purpose, channel);
      const value = started(read);
      return deciding.then((decision) => {
        if (decision.kind === 'granted') return value;
        throw decision.kind === 'failed' ? decision.error : new ConsentRequiredError(purpose);
      });
    },
    decided: (context) => outcomes.get(context) ?? NOTHING,
  };
}

const NOTHING: Decided = new Map();

/** What a field comes to. One that is not shown must fail nothing. */
function started<T>(read: () => T | Promise<T>): T | Promise<T> {
  let value: T | Promise<T>;
  try {
    value = read();
  } catch (error) {
    value = Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }
  if (value instanceof Promise) value.catch(() => undefined);
  return value;
}
