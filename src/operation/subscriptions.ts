import { randomUUID } from 'node:crypto';
import type { ExecutionResult } from '@graphql-tools/utils';
import type { GraphQLSchema } from 'graphql';
import type { Authentication } from '../context/authenticate.js';
import type { CustomerEvent } from '../customer/customer.js';
import type { EventType as ShownType } from '../customer/schema.generated.js';
import { ForbiddenError } from '../errors.js';
import type { Erasures } from '../identity/erasures.js';
import type { Identifier } from '../identity/identifiers.js';
import type { Privacy } from '../privacy/privacy.js';
import type { EventBus } from '../webhooks/bus.js';
import { typeNamed } from '../webhooks/event.js';
import {
  readInterest,
  type Interest,
  type KnownEvent,
  type SubscriptionRules,
} from '../webhooks/interest.js';
import type { OperationRunner, OperationRequest } from './answer.js';
import { cancellable } from './cancellable.js';
import type { CostLimits } from './cost-limits.js';
import { toClientErrors, type ErrorLog } from './errors.js';
import type { Prepared } from './prepare.js';
import type { Principal } from './principal.js';
import { operationError } from './request-error.js';

export interface SubscriptionsOptions {
  schema: GraphQLSchema;
  authentication: Pick<Authentication, 'caller'>;
  runner: Pick<OperationRunner, 'answer'>;
  bus: EventBus;
  subscriptionRules: SubscriptionRules;
  /** Reads the key of a customer, if the caller may use it. */
  readKey: (
    by: Readonly<Record<string, string | null | undefined>>,
    permissions: Principal['permissions'],
  ) => Identifier;
  /** Whether customers must have consented to the purpose of the caller. */
  needsConsent: Privacy['needsConsent'];
  /** The erased customers, who are shown only to the operator. */
  erasures: Erasures;
  limits: CostLimits;
  errorLog: ErrorLog;
}

/** A request to subscribe. */
export interface SubscriptionRequest extends Pick<OperationRequest, 'principal' | 'requestId' | 'variables'> {
  prepared: Prepared;
  /** The headers of the request. They authenticate the caller again before each event. */
  headers: Pick<Headers, 'get'>;
  signal: AbortSignal;
}

/** At this many unread events, a client that does not read is disconnected. */
const MAX_WAITING_EVENTS = 1_000;
/** While no event is sent, the caller is authenticated again at this interval. */
const AUTHENTICATE_INTERVAL_MS = 60_000;

type Results = AsyncIterableIterator<ExecutionResult>;

/** Answers a subscription for each event, with the customer view and the caller's permissions at that moment. */
export type Subscribe = (request: SubscriptionRequest) => Results | ExecutionResult;

export function createSubscribe(options: SubscriptionsOptions): Subscribe {
  return (request) => {
    try {
      return eventsOf({ ...options, ...request, interest: interestOf(request, options) });
    } catch (error) {
      return { errors: toClientErrors([error], request.requestId, options.errorLog) };
    }
  };
}

/** Returns the events that the subscription selects. Throws if the caller may not subscribe to them. */
function interestOf(
  { prepared, principal, variables = {} }: SubscriptionRequest,
  { schema, subscriptionRules, readKey, limits }: SubscriptionsOptions,
): Interest {
  const { audience, caller, permissions } = principal;
  const interest = readInterest({
    schema,
    document: prepared.document,
    operationName: prepared.name,
    variables,
    subscriptionRules,
    readKey: (by) => readKey(by, permissions),
    own: permissions.ownIdentifier,
    maySee: (place) => permissions.maySee(place),
  });
  const { field, delayMs } = interest;
  // Even a null reveals when an event happens, so the whole subscription is refused.
  if (prepared.disclosure.forbidden(audience).includes(`Subscription.${field}`))
    throw new ForbiddenError(`"${field}" is not for this caller, or not for this purpose.`);
  if (delayMs > 0)
    throw operationError(
      'BAD_USER_INPUT',
      `"${field}" is sent after a delay, which may exceed the lifetime of a connection. Use a trigger for it.`,
    );
  const refused = limits.tooExpensive(prepared.cost(variables), caller);
  if (refused !== undefined) throw refused;
  return interest;
}

interface Subscription extends SubscriptionsOptions, SubscriptionRequest {
  interest: Interest;
}

function eventsOf(subscription: Subscription): Results {
  const { signal, interest, bus, principal, requestId } = subscription;
  const { logger } = subscription.errorLog;
  const waiting: KnownEvent[] = [];
  let wake: () => void = () => undefined;
  let isOver = false;
  let isAuthenticationDue = false;
  let stop: () => void = () => undefined;
  const timer = setInterval(() => {
    isAuthenticationDue = true;
    wake();
  }, AUTHENTICATE_INTERVAL_MS).unref();
  const end = (): void => {
    isOver = true;
    stop();
    clearInterval(timer);
    signal.removeEventListener('abort', cancel);
    wake();
  };
  const cancel = (): void => {
    waiting.length = 0;
    end();
  };
  const onUndecided = (reason: string): void => {
    logger.info(
      { requestId, caller: principal.caller.name, reason },
      'event not sent: it cannot be decided whether it matches the subscription',
    );
  };
  // Subscribes now, not when the client first reads, so that no event in between is lost.
  stop = bus.subscribe((known) => {
    if (!interest.matches(known, onUndecided)) return;
    waiting.push(known);
    if (waiting.length >= MAX_WAITING_EVENTS) end();
    else wake();
  }, end);
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();

  async function* deliver(): AsyncGenerator<ExecutionResult, void> {
    try {
      for (;;) {
        const known = waiting.shift();
        if (known === undefined && isOver) return;
        if (known === undefined && !isAuthenticationDue) {
          await new Promise<void>((resolve) => (wake = resolve));
          continue;
        }
        isAuthenticationDue = false;
        const answered = await answerEvent(known, subscription);
        if (answered !== undefined) yield answered.result;
        if (answered?.isLast === true) return;
      }
    } finally {
      end();
    }
  }
  return cancellable(deliver(), cancel);
}

/** Answers the subscription for an event. Without an event, it only authenticates the caller again. */
async function answerEvent(
  known: KnownEvent | undefined,
  subscription: Subscription,
): Promise<{ result: ExecutionResult; isLast?: boolean } | undefined> {
  const { headers, principal, interest, prepared, variables } = subscription;
  const { authentication, runner, needsConsent, erasures, errorLog } = subscription;
  const requestId = `${subscription.requestId}-${randomUUID().slice(0, 8)}`;
  try {
    // A token may expire, and a key may be revoked, during the connection.
    await authentication.caller(headers);
    if (known === undefined) return undefined;
    await erasures.loading();
    if (
      !principal.permissions.seesErased &&
      identifiersOf(known).some((identifier) => erasures.has(identifier))
    )
      return undefined;
    const { result, withheld } = await runner.answer(prepared, {
      principal,
      requestId,
      variables,
      // The result of an event could not show that its data is stale.
      wanted: { isFreshOnly: true },
      event: {
        field: interest.field,
        event: toCustomerEvent(known),
        conditions: interest.conditions,
        only: needsConsent(principal.audience.purpose) ? 'allowed' : undefined,
      },
    });
    return withheld === undefined ? { result } : undefined;
  } catch (error) {
    return { result: { errors: toClientErrors([error], requestId, errorLog) }, isLast: true };
  }
}

/**
 * Returns the customer's identifiers. If the event has no personal ones, all its identifiers: a phone or device may
 * be erased too.
 */
function identifiersOf({ event, about }: KnownEvent): readonly Identifier[] {
  if (about.length > 0) return about;
  return Object.entries(event.identifiers).flatMap(([namespace, values]) =>
    values.map((value) => ({ namespace, value })),
  );
}

/** Converts an event to the type of the schema. */
export function toCustomerEvent({ event, about }: KnownEvent): CustomerEvent {
  const { id, type, source, time, subject = null } = event;
  return {
    id,
    // The enum of the schema has a value for each type.
    type: typeNamed(type) as ShownType,
    source,
    happenedAt: new Date(time).toISOString(),
    recordId: subject,
    about,
  };
}
