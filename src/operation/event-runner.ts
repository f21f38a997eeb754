import {
  execute,
  GraphQLSchema,
  isObjectType,
  parse,
  type DocumentNode,
  type ExecutionResult,
} from 'graphql';
import { createContext, type ContextOptions } from '../context/context.js';
import type { CustomerEvent } from '../customer/customer.js';
import type { Privacy } from '../privacy/privacy.js';
import type { Logger } from '../telemetry/logger.js';
import { startRequest } from '../telemetry/tracing.js';
import type { Auditor } from './audit.js';
import type { Asker } from './caller.js';
import { formatError } from './format-errors.js';

/** A subscription, to be answered for one event. */
export interface EventAsk {
  document: DocumentNode;
  operationName?: string | null | undefined;
  variables?: Readonly<Record<string, unknown>> | undefined;
  /** The field of Subscription that the subscription asks for. */
  field: string;
  event: CustomerEvent;
  asker: Asker;
  requestId: string;
  /** Only when this is the customer's first order. */
  firstOrder: boolean;
  /**
   * `allowed`: only of a customer who is known and has agreed to the purpose, since that something happened tells of them
   * too. `whole`: only when, besides, nothing of what is asked for is missing. Undefined: of anybody.
   */
  only: 'allowed' | 'whole' | undefined;
}

/** `not`: it is not to be told, and why, as the code of an error. */
export type EventTold = { result: ExecutionResult } | { not: string; isForNow: boolean };

export interface EventRunnerOptions {
  contextOptions: ContextOptions;
  privacy: Privacy;
  /** Undefined: nothing is audited. */
  auditor: Auditor | undefined;
  logger: Pick<Logger, 'info'>;
}

/**
 * What must hold before an event is sent. These are operations of ours on the event itself, apart from the client's
 * document: nothing that a client selects can change them.
 */
const CONDITIONS = {
  consent: parse('{ customer { id } }'),
  firstOrder: parse('{ customer { orderCount { value } } }'),
  consentAndFirstOrder: parse('{ customer { id orderCount { value } } }'),
} as const;

export type EventRunner = (ask: EventAsk) => Promise<EventTold>;

/**
 * Answers subscriptions for events, as the customer view is at the moment: each time with a context of its own, by the
 * schema of the caller's audience, and with a line in the audit.
 */
export function createEventRunner({
  contextOptions,
  privacy,
  auditor,
  logger,
}: EventRunnerOptions): EventRunner {
  /** By the schema of an audience: the same types, with an event as the root. */
  const eventSchemas = new WeakMap<GraphQLSchema, GraphQLSchema>();
  const eventSchemaOf = (schema: GraphQLSchema): GraphQLSchema => {
    let made = eventSchemas.get(schema);
    if (made === undefined) {
      const query = schema.getType('CustomerEvent');
      if (!isObjectType(query)) throw new Error('The schema has no type CustomerEvent.');
      made = new GraphQLSchema({ ...schema.toConfig(), query, assumeValid: true });
      eventSchemas.set(schema, made);
    }
    return made;
  };

  return async (ask) => {
    const { document, operationName, variables, field, event, asker, requestId } = ask;
    const schema = privacy.schemas.executed(asker.audience);
    const condition = conditionOf(ask);
    const { context, provenance, end } = createContext(
      contextOptions,
      {
        // Nothing in what is sent would say that it is stale, and a trigger that waits may come again.
        wanted: { isFreshOnly: true },
        needsConsent: privacy.needsConsent(asker.audience.purpose),
        priority: asker.caller.priority,
        wantsSources: false,
      },
      startRequest(new Headers()),
      requestId,
      asker.rights,
    );
    try {
      // At the same moment, and in one context: what both need is asked once.
      const [conditions, answer] = await Promise.all([
        condition === undefined
          ? undefined
          : execute({
              schema: eventSchemaOf(schema),
              document: condition,
              rootValue: event,
              contextValue: context,
            }),
        execute({
          schema,
          document,
          ...(operationName == null ? {} : { operationName }),
          ...(variables === undefined ? {} : { variableValues: variables }),
          rootValue: { [field]: event },
          contextValue: context,
        }),
      ]);
      const not = conditions === undefined ? undefined : refusal(conditions, answer, ask);
      if (not?.not === 'ORDER_COUNT_UNKNOWN')
        logger.info(
          { requestId, caller: asker.caller.name, reason: not.not },
          'event not sent: firstOrder cannot be judged, since no source counts the orders of this customer',
        );
      const entry = auditor?.entryOf({
        args: { document, operationName },
        context,
        asker,
        requestId,
        provenance,
        about: event.about[0],
        ...(not === undefined ? {} : { because: not.not }),
      });
      const mayGo = entry === undefined || (await auditor?.write(entry)) !== false;
      if (not !== undefined) return not;
      return mayGo ? { result: answer } : { not: 'AUDIT_UNAVAILABLE', isForNow: true };
    } finally {
      end();
    }
  };
}

function conditionOf({ only, firstOrder }: EventAsk): DocumentNode | undefined {
  if (only === undefined) return firstOrder ? CONDITIONS.firstOrder : undefined;
  return firstOrder ? CONDITIONS.consentAndFirstOrder : CONDITIONS.consent;
}

/** The data of a condition. */
interface Judged {
  customer?: { id?: string | null; orderCount?: { value: number } | null } | null;
}

function refusal(
  conditions: ExecutionResult<Judged>,
  answer: ExecutionResult,
  { firstOrder, only }: EventAsk,
): { not: string; isForNow: boolean } | undefined {
  const errors = [...(conditions.errors ?? []), ...(only === 'whole' ? (answer.errors ?? []) : [])];
  const extensions = errors.map((error) => formatError(error)).flatMap((error) => extensionsOf(error));
  const codes = new Set(extensions.map(({ code }) => code));
  for (const code of ['CONSENT_REQUIRED', 'ERASED', 'AMBIGUOUS_IDENTITY', 'FORBIDDEN'])
    if (codes.has(code)) return { not: code, isForNow: false };
  const failed = extensions.find(({ code }) => code !== undefined);
  if (failed !== undefined) return { not: failed.code ?? '', isForNow: true };
  const customer = conditions.data?.customer;
  if (customer == null) return { not: 'NO_CUSTOMER', isForNow: false };
  if (!firstOrder) return undefined;
  const orders = customer.orderCount?.value;
  if (orders === undefined) return { not: 'ORDER_COUNT_UNKNOWN', isForNow: false };
  return orders > 1 ? { not: 'NOT_THE_FIRST_ORDER', isForNow: false } : undefined;
}

function extensionsOf(error: Error): { code?: string }[] {
  return 'extensions' in error ? [error.extensions as { code?: string }] : [];
}
