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
import type { CustomerCondition } from '../webhooks/condition.js';
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
  /** Only of a customer who meets all of these. */
  conditions: readonly CustomerCondition[];
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

  /** By their text. */
  const probes = new Map<string, DocumentNode>();
  /**
   * What must hold before an event is sent. It is an operation of ours on the event itself, apart from the client's
   * document: nothing that a client selects can change it.
   */
  const probeOf = ({ only, conditions }: EventAsk): DocumentNode | undefined => {
    if (only === undefined && conditions.length === 0) return undefined;
    const selections = conditions.map(({ selection }) => selection);
    if (only !== undefined) selections.push('id');
    const text = `{ customer { ${selections.join(' ')} } }`;
    let probe = probes.get(text);
    if (probe === undefined) probes.set(text, (probe = parse(text)));
    return probe;
  };

  return async (ask) => {
    const { document, operationName, variables, field, event, asker, requestId } = ask;
    const schema = privacy.schemas.executed(asker.audience);
    const probe = probeOf(ask);
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
      const [probed, answer] = await Promise.all([
        probe === undefined
          ? undefined
          : execute({
              schema: eventSchemaOf(schema),
              document: probe,
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
      const not = probed === undefined ? undefined : refusal(probed, answer, ask);
      if (not?.condition !== undefined)
        logger.info(
          { requestId, caller: asker.caller.name, reason: not.not, condition: not.condition },
          'event not sent: no source has the value by which the condition is judged for this customer',
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

/** Why an event is not sent. */
interface Refusal {
  not: string;
  isForNow: boolean;
  /** The condition that cannot be judged. */
  condition?: string;
}

function refusal(
  probed: ExecutionResult<{ customer?: object | null }>,
  answer: ExecutionResult,
  { conditions, only }: EventAsk,
): Refusal | undefined {
  const errors = [...(probed.errors ?? []), ...(only === 'whole' ? (answer.errors ?? []) : [])];
  const extensions = errors.map((error) => formatError(error)).flatMap((error) => extensionsOf(error));
  const codes = new Set(extensions.map(({ code }) => code));
  for (const code of ['CONSENT_REQUIRED', 'ERASED', 'AMBIGUOUS_IDENTITY', 'FORBIDDEN'])
    if (codes.has(code)) return { not: code, isForNow: false };
  const failed = extensions.find(({ code }) => code !== undefined);
  if (failed !== undefined) return { not: failed.code ?? '', isForNow: true };
  const customer = probed.data?.customer;
  if (customer == null) return { not: 'NO_CUSTOMER', isForNow: false };
  const judged = conditions.map((one) => ({ name: one.name, isMet: one.isMet(customer) }));
  if (judged.some(({ isMet }) => isMet === false)) return { not: 'CONDITION_NOT_MET', isForNow: false };
  const unknown = judged.find(({ isMet }) => isMet === undefined);
  return unknown === undefined
    ? undefined
    : { not: 'CONDITION_UNKNOWN', isForNow: false, condition: unknown.name };
}

function extensionsOf(error: Error): { code?: string }[] {
  return 'extensions' in error ? [error.extensions as { code?: string }] : [];
}
