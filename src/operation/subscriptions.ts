import { randomUUID } from 'node:crypto';
import { GraphQLError, type ExecutionArgs, type ExecutionResult, type GraphQLSchema } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Authentication } from '../context/authenticate.js';
import type { CustomerEvent } from '../customer/customer.js';
import type { EventType as ShownType } from '../customer/schema.generated.js';
import { ForbiddenError, GatewayError } from '../errors.js';
import type { Erasures } from '../identity/erasures.js';
import type { Identifier } from '../identity/identifiers.js';
import type { AskedOperation } from '../privacy/disclosure.js';
import type { EventBus } from '../webhooks/bus.js';
import type { CustomerConditions } from '../webhooks/condition.js';
import { readInterest, typeNamed, type Interest, type KnownEvent } from '../webhooks/interest.js';
import type { Asker } from './caller.js';
import type { CostLimits } from './cost-limits.js';
import type { EventRunner } from './event-runner.js';
import { toldErrors, type ErrorLog } from './format-errors.js';
import { leavable } from './cancellable.js';
import { requestIdOf } from './request-id.js';
import { operationError } from './request-error.js';

export interface SubscriptionsOptions {
  schema: GraphQLSchema;
  authentication: Pick<Authentication, 'caller'>;
  askerOf: (request: Request) => Asker;
  run: EventRunner;
  bus: EventBus;
  conditions: CustomerConditions;
  /** Reads a key of a customer, within what the caller may. */
  readKey: (by: Readonly<Record<string, string | null | undefined>>, asker: Asker) => Identifier;
  /** Fields of an operation that its caller gets from nobody, as `Type.field`. */
  forbidden: (operation: AskedOperation, asker: Asker) => readonly string[];
  /** Whether customers must have agreed to what the caller asks for. */
  needsConsent: (asker: Asker) => boolean;
  /** Who is shown to nobody but the operator. */
  erasures: Erasures;
  limits: CostLimits;
  errorLog: ErrorLog;
}

/** A client that does not read is told no more: so many events wait for it at most. */
const MAX_WAITING = 1_000;
/** So often it is looked whether the caller may still listen, while nothing is told. */
const LOOK_EVERY_MS = 60_000;

type Results = AsyncIterableIterator<ExecutionResult>;

/** Tells subscribers of events, each with the customer view as it is then, within what the caller may at that moment. */
export function useSubscriptions(options: SubscriptionsOptions): Plugin {
  const { askerOf } = options;
  return {
    onSubscribe: (event: {
      args: ExecutionArgs;
      context: { request: Request };
      setSubscribeFn: (subscribe: (args: ExecutionArgs) => Results | ExecutionResult) => void;
    }) => {
      const { request } = event.context;
      event.setSubscribeFn(({ document, operationName, variableValues }) => {
        const asker = askerOf(request);
        const variables = (variableValues ?? {}) as Record<string, unknown>;
        try {
          const asked = { document, operationName, variables };
          return eventsOf({
            ...options,
            ...asked,
            request,
            asker,
            interest: interestOf(asked, asker, options),
          });
        } catch (error) {
          if (!(error instanceof GatewayError || error instanceof GraphQLError)) throw error;
          return { errors: toldErrors([error], requestIdOf(request), options.errorLog) };
        }
      });
    },
  };
}

interface Asked {
  document: ExecutionArgs['document'];
  operationName: string | null | undefined;
  variables: Record<string, unknown>;
}

/** Throws when it is not for the caller to subscribe to, before anything is told. */
function interestOf(
  { document, operationName, variables }: Asked,
  asker: Asker,
  { schema, conditions, readKey, forbidden, limits }: SubscriptionsOptions,
): Interest {
  const interest = readInterest({
    schema,
    document,
    operationName,
    variables,
    conditions,
    readKey: (by) => readKey(by, asker),
    own: asker.rights.own,
    maySee: (place) => asker.rights.maySee(place),
  });
  const { field, delayMs } = interest;
  // When something happens is told as well, by a null that comes at that moment.
  if (forbidden({ document, operationName }, asker).includes(`Subscription.${field}`))
    throw new ForbiddenError(`"${field}" is not for this caller, or not for this purpose.`);
  if (delayMs > 0)
    throw operationError(
      'BAD_USER_INPUT',
      `"${field}" is told after a while, which a connection may not last: let a trigger wait for it.`,
    );
  const refused = limits.tooExpensive({ document, operationName, variableValues: variables }, asker.caller);
  if (refused !== undefined) throw refused;
  return interest;
}

interface Subscribed extends SubscriptionsOptions, Asked {
  request: Request;
  asker: Asker;
  interest: Interest;
}

function eventsOf(subscribed: Subscribed): Results {
  const { request, interest, bus, asker } = subscribed;
  const { logger } = subscribed.errorLog;
  const waiting: KnownEvent[] = [];
  let wake: () => void = () => undefined;
  let isOver = false;
  let isToLook = false;
  let stop: () => void = () => undefined;
  const timer = setInterval(() => {
    isToLook = true;
    wake();
  }, LOOK_EVERY_MS).unref();
  const end = (): void => {
    isOver = true;
    stop();
    clearInterval(timer);
    request.signal.removeEventListener('abort', leave);
    wake();
  };
  const leave = (): void => {
    waiting.length = 0;
    end();
  };
  const onUnjudged = (reason: string): void => {
    logger.info({ requestId: requestIdOf(request), caller: asker.caller.name, reason }, 'event not sent');
  };
  // From now on, and not from when the client first reads: what happens in between is told too.
  stop = bus.subscribe((known) => {
    if (!interest.matches(known, onUnjudged)) return;
    waiting.push(known);
    if (waiting.length >= MAX_WAITING) end();
    else wake();
  }, end);
  request.signal.addEventListener('abort', leave, { once: true });
  if (request.signal.aborted) leave();

  async function* tell(): AsyncGenerator<ExecutionResult, void> {
    try {
      for (;;) {
        const known = waiting.shift();
        if (known === undefined && isOver) return;
        if (known === undefined && !isToLook) {
          await new Promise<void>((resolve) => (wake = resolve));
          continue;
        }
        isToLook = false;
        const told = await toldOf(known, subscribed);
        if (told !== undefined) yield told.result;
        if (told?.isLast === true) return;
      }
    } finally {
      end();
    }
  }
  return leavable(tell(), leave);
}

/** Without an event it is only looked whether the caller may still be told of any. */
async function toldOf(
  known: KnownEvent | undefined,
  subscribed: Subscribed,
): Promise<{ result: ExecutionResult; isLast?: boolean } | undefined> {
  const { request, asker, interest, document, operationName, variables } = subscribed;
  const { authentication, run, needsConsent, erasures, limits, errorLog } = subscribed;
  const requestId = `${requestIdOf(request)}-${randomUUID().slice(0, 8)}`;
  const failed = (errors: readonly unknown[]) => ({ errors: toldErrors(errors, requestId, errorLog) });
  try {
    // A token runs out, and a key is taken back, while a connection lasts.
    await authentication.caller(request.headers);
    if (known === undefined) return undefined;
    await erasures.loading();
    if (!asker.rights.seesErased && identifiersOf(known).some((one) => erasures.has(one))) return undefined;
    const charge = limits.charge({ document, operationName, variableValues: variables }, asker.caller);
    if ('refused' in charge) return { result: failed([charge.refused]) };
    const told = await run({
      document,
      operationName,
      variables,
      field: interest.field,
      event: shown(known),
      asker,
      requestId,
      conditions: interest.conditions,
      only: needsConsent(asker) ? 'allowed' : undefined,
    });
    const result = 'result' in told ? told.result : undefined;
    charge.settle(result?.data);
    if (result === undefined) return undefined;
    const { errors } = result;
    return { result: errors === undefined ? result : { ...result, ...failed(errors) } };
  } catch (error) {
    return { result: failed([error]), isLast: true };
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
export function shown({ event, about }: KnownEvent): CustomerEvent {
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
