import {
  execute,
  Kind,
  type DocumentNode,
  type ExecutionResult,
  type FieldNode,
  type GraphQLError,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { createContext, type ContextOptions } from '../context/context.js';
import type { CustomerEvent } from '../customer/customer.js';
import type { Privacy } from '../privacy/privacy.js';
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
}

/** Whether it can be told is found out beside what is told, in the same calls. */
const PROBE = '_customer';

export type EventRunner = (ask: EventAsk) => Promise<EventTold>;

/**
 * Answers subscriptions for events, as the customer view is at the moment: each time with a context of its own, by the
 * schema of the caller's audience, and with a line in the audit.
 */
export function createEventRunner({ contextOptions, privacy, auditor }: EventRunnerOptions): EventRunner {
  const probed = new WeakMap<DocumentNode, Map<string, DocumentNode>>();

  const withProbe = (document: DocumentNode, selection: string): DocumentNode => {
    let ofDocument = probed.get(document);
    if (ofDocument === undefined) probed.set(document, (ofDocument = new Map<string, DocumentNode>()));
    let made = ofDocument.get(selection);
    if (made === undefined)
      ofDocument.set(selection, (made = addSelection(document, probeOf(selection.split(' ')))));
    return made;
  };

  return async (ask) => {
    const { document, operationName, variables, field, event, asker, requestId } = ask;
    const needs = [...(ask.only === undefined ? [] : ['id']), ...(ask.firstOrder ? ['orderCount'] : [])];
    const asked = needs.length === 0 ? document : withProbe(document, needs.join(' '));
    const { context, provenance, end } = createContext(
      contextOptions,
      { wanted: {}, priority: asker.caller.priority, wantsSources: false },
      startRequest(new Headers()),
      requestId,
      asker.rights,
    );
    try {
      const answer = await execute({
        schema: privacy.schemas.executed(asker.audience),
        document: asked,
        ...(operationName == null ? {} : { operationName }),
        ...(variables === undefined ? {} : { variableValues: variables }),
        rootValue: { [field]: event },
        contextValue: context,
      });
      const { told, customer } = takeProbe(answer);
      const not = needs.length === 0 ? undefined : refusal(answer.errors, customer, ask);
      const entry = auditor?.entryOf({
        args: { document, operationName },
        context,
        asker,
        requestId,
        provenance,
        about: event.about,
        ...(not === undefined ? {} : { because: not.not }),
      });
      const mayGo = entry === undefined || (await auditor?.write(entry)) !== false;
      if (not !== undefined) return not;
      return mayGo ? { result: told } : { not: 'AUDIT_UNAVAILABLE', isForNow: true };
    } finally {
      end();
    }
  };
}

interface Probed {
  id?: string | null;
  orderCount?: { value: number } | null;
}

function refusal(
  errors: readonly GraphQLError[] | undefined,
  customer: Probed | null | undefined,
  { firstOrder, only }: EventAsk,
): { not: string; isForNow: boolean } | undefined {
  const extensions = (errors ?? [])
    .filter(({ path }) => only === 'whole' || path?.[1] === PROBE)
    .map((error) => formatError(error))
    .flatMap((error) => extensionsOf(error));
  const codes = new Set(extensions.map(({ code }) => code));
  for (const code of ['CONSENT_REQUIRED', 'ERASED', 'AMBIGUOUS_IDENTITY', 'FORBIDDEN'])
    if (codes.has(code)) return { not: code, isForNow: false };
  const failed = extensions.find(({ code }) => code !== undefined);
  if (failed !== undefined) return { not: failed.code ?? '', isForNow: true };
  if (customer == null) return { not: 'NO_CUSTOMER', isForNow: false };
  if (firstOrder && (customer.orderCount?.value ?? 0) > 1)
    return { not: 'NOT_THE_FIRST_ORDER', isForNow: false };
  return undefined;
}

function extensionsOf(error: Error): { code?: string }[] {
  return 'extensions' in error ? [error.extensions as { code?: string }] : [];
}

function probeOf(fields: readonly string[]): FieldNode {
  const named = (value: string): FieldNode => ({ kind: Kind.FIELD, name: { kind: Kind.NAME, value } });
  const selections = fields.map((name): FieldNode =>
    name === 'orderCount'
      ? { ...named(name), selectionSet: { kind: Kind.SELECTION_SET, selections: [named('value')] } }
      : named(name),
  );
  return {
    ...named('customer'),
    alias: { kind: Kind.NAME, value: PROBE },
    selectionSet: { kind: Kind.SELECTION_SET, selections },
  };
}

/** Adds to what is asked of the event. */
function addSelection(document: DocumentNode, added: FieldNode): DocumentNode {
  const toSet = (set: SelectionSetNode): SelectionSetNode => ({
    ...set,
    selections: set.selections.map((one) =>
      one.kind === Kind.FIELD && one.selectionSet !== undefined
        ? {
            ...one,
            selectionSet: { ...one.selectionSet, selections: [...one.selectionSet.selections, added] },
          }
        : one,
    ),
  });
  return {
    ...document,
    definitions: document.definitions.map((one): typeof one =>
      one.kind === Kind.OPERATION_DEFINITION
        ? ({ ...one, selectionSet: toSet(one.selectionSet) } satisfies OperationDefinitionNode)
        : one,
    ),
  };
}

function takeProbe({ data, errors }: ExecutionResult): {
  told: ExecutionResult;
  customer: Probed | null | undefined;
} {
  let customer: Probed | null | undefined;
  const shown = data == null ? data : { ...data };
  for (const [name, value] of Object.entries(shown ?? {}))
    if (typeof value === 'object' && value !== null && PROBE in value) {
      const { [PROBE]: probe, ...rest } = value as Record<string, unknown>;
      customer = probe as Probed | null;
      if (shown != null) shown[name] = rest;
    }
  const told = errors?.filter(({ path }) => path?.[1] !== PROBE) ?? [];
  return {
    told: { ...(shown === undefined ? {} : { data: shown }), ...(told.length === 0 ? {} : { errors: told }) },
    customer,
  };
}
