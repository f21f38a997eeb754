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
  /** Reads a key of a customer, within what the caller may. */
  readKey: (
    by: Readonly<Record<string, string | null | undefined>>,
    permissions: Principal['permissions'],
  ) => Identifier;
  /** Whether customers must have agreed to what the caller asks for. */
  needsConsent: Privacy['needsConsent'];
  /** Who is shown to nobody but the operator. */
  erasures: Erasures;
  limits: CostLimits;
  errorLog: ErrorLog;
}

/** Who subscribes, and to what. */
export interface SubscriptionRequest extends Pick<OperationRequest, 'principal' | 'requestId' | 'variables'> {
  prepared: Prepared;
  /** As they were sent: by these the caller is authenticated again before each event. */
  headers: Pick<Headers, 'get'>;
  signal: AbortSignal;
}

/** More events than this do not wait for a client that does not read: it is disconnected. */
const MAX_WAITING = 1_000;
/** The caller is authenticated again this often while no event is sent. */
const AUTHENTICATE_EVERY_MS = 60_000;

type Results = AsyncIterableIterator<ExecutionResult>;

/** Answers a subscription for each event, with the customer view as it is then, within what the caller may at that moment. */
export type Subscribe = (ask: SubscriptionRequest) => Results | ExecutionResult;

export function createSubscribe(options: SubscriptionsOptions): Subscribe {
  return (ask) => {
    try {
      return eventsOf({ ...options, ...ask, interest: interestOf(ask, options) });
    } catch (error) {
      return { errors: toClientErrors([error], ask.requestId, options.errorLog) };
    }
  };
}

/** Throws when the caller may not subscribe to it. */
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
  // When something happens is told as well, by a null that comes at that moment.
  if (prepared.disclosure.forbidden(audience).includes(`Subscription.${field}`))
    throw new ForbiddenError(`"${field}" is not for this caller, or not for this purpose.`);
  if (delayMs > 0)
    throw operationError(
      'BAD_USER_INPUT',
      `"${field}" is told after a while, which a connection may not last: let a trigger wait for it.`,
    );
  const refused = limits.tooExpensive(prepared.cost(variables), caller);
  if (refused !== undefined) throw refused;
  return interest;
}

interface Subscribed extends SubscriptionsOptions, SubscriptionRequest {
  interest: Interest;
}

function eventsOf(subscribed: Subscribed): Results {
  const { signal, interest, bus, principal, requestId } = subscribed;
  const { logger } = subscribed.errorLog;
  const waiting: KnownEvent[] = [];
  let wake: () => void = () => undefined;
  let isOver = false;
  let isToAuthenticate = false;
  let stop: () => void = () => undefined;
  const timer = setInterval(() => {
    isToAuthenticate = true;
    wake();
  }, AUTHENTICATE_EVERY_MS).unref();
  const end = (): void => {
    isOver = true;
    stop();
    clearInterval(timer);
    signal.removeEventListener('abort', leave);
    wake();
  };
  const leave = (): void => {
    waiting.length = 0;
    end();
  };
  const onUnjudged = (reason: string): void => {
    logger.info({ requestId, caller: principal.caller.name, reason }, 'event not sent');
  };
  // From now on, and not from when the client first reads: what happens in between is told too.
  stop = bus.subscribe((known) => {
    if (!interest.matches(known, onUnjudged)) return;
    waiting.push(known);
    if (waiting.length >= MAX_WAITING) end();
    else wake();
  }, end);
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();

  async function* tell(): AsyncGenerator<ExecutionResult, void> {
    try {
      for (;;) {
        const known = waiting.shift();
        if (known === undefined && isOver) return;
        if (known === undefined && !isToAuthenticate) {
          await new Promise<void>((resolve) => (wake = resolve));
          continue;
        }
        isToAuthenticate = false;
        const told = await toldOf(known, subscribed);
        if (told !== undefined) yield told.result;
        if (told?.isLast === true) return;
      }
    } finally {
      end();
    }
  }
  return cancellable(tell(), leave);
}

/** Without an event it is only checked whether the caller may still receive any. */
async function toldOf(
  known: KnownEvent | undefined,
  subscribed: Subscribed,
): Promise<{ result: ExecutionResult; isLast?: boolean } | undefined> {
  const { headers, principal, interest, prepared, variables } = subscribed;
  const { authentication, runner, needsConsent, erasures, errorLog } = subscribed;
  const requestId = `${subscribed.requestId}-${randomUUID().slice(0, 8)}`;
  try {
    // A token runs out, and a key is taken back, while a connection lasts.
    await authentication.caller(headers);
    if (known === undefined) return undefined;
    await erasures.loading();
    if (!principal.permissions.seesErased && identifiersOf(known).some((one) => erasures.has(one)))
      return undefined;
    const { result, withheld } = await runner.answer(prepared, {
      principal,
      requestId,
      variables,
      // Nothing in what is sent would say that it is stale.
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

/** The customer's identifiers. An event without a personal one may still name an erased customer's phone or device. */
function identifiersOf({ event, about }: KnownEvent): readonly Identifier[] {
  if (about.length > 0) return about;
  return Object.entries(event.identifiers).flatMap(([namespace, values]) =>
    values.map((value) => ({ namespace, value })),
  );
}

/** As the schema has it. */
export function toCustomerEvent({ event, about }: KnownEvent): CustomerEvent {
  const { id, type, source, time, subject = null } = event;
  return {
    id,
    // The enum of the schema has one value for each type.
    type: typeNamed(type) as ShownType,
    source,
    happenedAt: new Date(time).toISOString(),
    recordId: subject,
    about,
  };
}
