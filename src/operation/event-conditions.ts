import type { ExecutionResult } from '@graphql-tools/utils';
import { isObjectType, parse } from 'graphql';
import type { Caller } from '../context/caller.js';
import type { CustomerEvent } from '../customer/customer.js';
import type { Logger } from '../telemetry/logger.js';
import type { CustomerCondition } from '../webhooks/condition.js';
import { formatError } from './errors.js';
import { executeByPlan, type ExecuteArgs } from './execution.js';
import type { Prepared, Preparer } from './prepare.js';

/** The event that a subscription is answered for. */
export interface EventDelivery {
  /** The field of Subscription that the subscription selects. */
  field: string;
  event: CustomerEvent;
  /** Only of a customer who meets all of these. */
  conditions: readonly CustomerCondition[];
  /**
   * `allowed`: only of a customer who is known and has agreed to the purpose, since that something happened tells of them
   * too. `whole`: only when, besides, nothing of the answer is missing. Undefined: of anybody.
   */
  only: 'allowed' | 'whole' | undefined;
}

/** Why an event is not sent. */
export interface Withheld {
  /** The code of an error. */
  code: string;
  /** Whether the event may be sent later. */
  isTemporary: boolean;
  /** The condition that cannot be judged. */
  condition?: string;
}

/** Judges whether an event is sent. */
export class EventConditions {
  readonly #prepareTrusted: Preparer['prepareTrusted'];
  readonly #logger: Pick<Logger, 'info'>;
  /** By their text. */
  readonly #probes = new Map<string, Prepared>();

  constructor({ prepareTrusted }: Pick<Preparer, 'prepareTrusted'>, logger: Pick<Logger, 'info'>) {
    this.#prepareTrusted = prepareTrusted;
    this.#logger = logger;
  }

  /**
   * Reads what must hold of the customer. Undefined: the event is sent whatever holds. It is an operation of ours on the
   * event itself, apart from the client's document: nothing that a client selects can change it.
   */
  probe(ask: EventDelivery, args: ExecuteArgs): ExecutionResult | Promise<ExecutionResult> | undefined {
    const { only, conditions, event } = ask;
    if (only === undefined && conditions.length === 0) return undefined;
    const selections = conditions.map(({ selection }) => selection);
    if (only !== undefined) selections.push('id');
    const text = `{ customer { ${selections.join(' ')} } }`;
    let probe = this.#probes.get(text);
    if (probe === undefined) this.#probes.set(text, (probe = this.#prepareTrusted(parse(text))));
    const rootType = args.schema.getType('CustomerEvent');
    if (!isObjectType(rootType)) throw new Error('The schema has no type CustomerEvent.');
    const probing = executeByPlan(probe, { ...args, rootType, rootValue: event, variables: {} });
    if (probing === undefined) throw new Error('What an event is judged by has no plan.');
    return probing;
  }

  /** Why an event is not sent, by what the probe and the answer came to; undefined when it is. */
  withhold(
    ask: EventDelivery,
    probed: ExecutionResult,
    answer: ExecutionResult,
    { requestId, caller }: { requestId: string; caller: Pick<Caller, 'name'> },
  ): Withheld | undefined {
    const withheld = withheldBecause(ask, probed, answer);
    if (withheld?.condition !== undefined)
      this.#logger.info(
        { requestId, caller: caller.name, reason: withheld.code, condition: withheld.condition },
        'event not sent: no source has the value by which the condition is judged for this customer',
      );
    return withheld;
  }
}

function withheldBecause(
  { conditions, only }: EventDelivery,
  probed: ExecutionResult,
  answer: ExecutionResult,
): Withheld | undefined {
  const errors = [...(probed.errors ?? []), ...(only === 'whole' ? (answer.errors ?? []) : [])];
  const extensions = errors.map((error) => formatError(error)).flatMap((error) => extensionsOf(error));
  const codes = new Set(extensions.map(({ code }) => code));
  for (const code of ['CONSENT_REQUIRED', 'ERASED', 'AMBIGUOUS_IDENTITY', 'FORBIDDEN'])
    if (codes.has(code)) return { code, isTemporary: false };
  const failed = extensions.find(({ code }) => code !== undefined);
  if (failed !== undefined) return { code: failed.code ?? '', isTemporary: true };
  const { customer } = (probed.data ?? {}) as { customer?: object | null };
  if (customer == null) return { code: 'NO_CUSTOMER', isTemporary: false };
  const judged = conditions.map((one) => ({ name: one.name, isMet: one.isMet(customer) }));
  if (judged.some(({ isMet }) => isMet === false)) return { code: 'CONDITION_NOT_MET', isTemporary: false };
  const unknown = judged.find(({ isMet }) => isMet === undefined);
  return unknown === undefined
    ? undefined
    : { code: 'CONDITION_UNKNOWN', isTemporary: false, condition: unknown.name };
}

function extensionsOf(error: Error): { code?: string }[] {
  return 'extensions' in error ? [error.extensions as { code?: string }] : [];
}
