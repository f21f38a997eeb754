import type { ExecutionResult } from '@graphql-tools/utils';
import { isObjectType, parse } from 'graphql';
import type { Caller } from '../context/caller.js';
import type { CustomerEvent } from '../customer/customer.js';
import type { Logger } from '../telemetry/logger.js';
import type { CustomerCondition } from '../webhooks/condition.js';
import { formatError } from './errors.js';
import { executeByPlan, type ExecuteArgs } from './execution.js';
import type { Prepared, Preparer } from './prepare.js';

/** An event to deliver, and the conditions under which it is sent. */
export interface EventDelivery {
  /** The field of `Subscription` that is selected. */
  field: string;
  event: CustomerEvent;
  /** The customer must meet all of these. */
  conditions: readonly CustomerCondition[];
  /**
   * `allowed`: only if the customer is known and has consented to the purpose, because an event itself reveals
   * something about them. `complete`: only if, in addition, no part of the answer is missing. Undefined: always.
   */
  only: 'allowed' | 'complete' | undefined;
}

/** Why an event is not sent. */
export interface Withheld {
  /** An error code. */
  code: string;
  /** Whether the event may be sent later. */
  isTemporary: boolean;
  /** The condition that cannot be evaluated. */
  condition?: string;
}

/** Decides whether an event is sent. */
export class EventConditions {
  readonly #prepareTrusted: Preparer['prepareTrusted'];
  readonly #logger: Pick<Logger, 'info'>;
  /** Prepared probes, by their text. */
  readonly #probes = new Map<string, Prepared>();

  constructor({ prepareTrusted }: Pick<Preparer, 'prepareTrusted'>, logger: Pick<Logger, 'info'>) {
    this.#prepareTrusted = prepareTrusted;
    this.#logger = logger;
  }

  /**
   * Reads the values that the conditions need. Undefined if there are no conditions. The probe is a separate, trusted
   * operation on the event, so that nothing in the client's document can change it.
   */
  probe(delivery: EventDelivery, args: ExecuteArgs): ExecutionResult | Promise<ExecutionResult> | undefined {
    const { only, conditions, event } = delivery;
    if (only === undefined && conditions.length === 0) return undefined;
    const selections = conditions.map(({ selection }) => selection);
    if (only !== undefined) selections.push('id');
    const text = `{ customer { ${selections.join(' ')} } }`;
    let probe = this.#probes.get(text);
    if (probe === undefined) this.#probes.set(text, (probe = this.#prepareTrusted(parse(text))));
    const rootType = args.schema.getType('CustomerEvent');
    if (!isObjectType(rootType)) throw new Error('The schema has no type CustomerEvent.');
    const probing = executeByPlan(probe, { ...args, rootType, rootValue: event, variables: {}, coerced: {} });
    if (probing === undefined) throw new Error('The probe of an event has no plan.');
    return probing;
  }

  /** Returns why an event is withheld, by the results of the probe and the answer. Undefined if it is sent. */
  withhold(
    delivery: EventDelivery,
    probed: ExecutionResult,
    answer: ExecutionResult,
    { requestId, caller }: { requestId: string; caller: Pick<Caller, 'name'> },
  ): Withheld | undefined {
    const withheld = withheldBecause(delivery, probed, answer);
    if (withheld?.condition !== undefined)
      this.#logger.info(
        { requestId, caller: caller.name, reason: withheld.code, condition: withheld.condition },
        'event not sent: no source has the value that the condition needs for this customer',
      );
    return withheld;
  }
}

function withheldBecause(
  { conditions, only }: EventDelivery,
  probed: ExecutionResult,
  answer: ExecutionResult,
): Withheld | undefined {
  const errors = [...(probed.errors ?? []), ...(only === 'complete' ? (answer.errors ?? []) : [])];
  const extensions = errors.map((error) => formatError(error)).flatMap((error) => extensionsOf(error));
  const codes = new Set(extensions.map(({ code }) => code));
  for (const code of ['CONSENT_REQUIRED', 'ERASED', 'AMBIGUOUS_IDENTITY', 'FORBIDDEN'])
    if (codes.has(code)) return { code, isTemporary: false };
  const failed = extensions.find(({ code }) => code !== undefined);
  if (failed !== undefined) return { code: failed.code ?? '', isTemporary: true };
  const { customer } = (probed.data ?? {}) as { customer?: object | null };
  if (customer == null) return { code: 'NO_CUSTOMER', isTemporary: false };
  const decisions = conditions.map((condition) => ({
    name: condition.name,
    isMet: condition.isMet(customer),
  }));
  if (decisions.some(({ isMet }) => isMet === false))
    return { code: 'CONDITION_NOT_MET', isTemporary: false };
  const unknown = decisions.find(({ isMet }) => isMet === undefined);
  return unknown === undefined
    ? undefined
    : { code: 'CONDITION_UNKNOWN', isTemporary: false, condition: unknown.name };
}

function extensionsOf(error: Error): { code?: string }[] {
  return 'extensions' in error ? [error.extensions as { code?: string }] : [];
}
