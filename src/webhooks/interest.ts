import {
  getArgumentValues,
  getOperationAST,
  getVariableValues,
  Kind,
  type DocumentNode,
  type FieldNode,
  type GraphQLSchema,
} from 'graphql';
import { ForbiddenError, InvalidInputError } from '../errors.js';
import type { Identifier } from '../identity/identifiers.js';
import type { CustomerCondition } from './condition.js';
import { typeNamed, type EventType, type SourceEvent } from './event.js';

/** An event, and all that the systems know of whom it is about. */
export interface KnownEvent {
  event: SourceEvent;
  /** Personal identifiers of the customer, the strongest first. Empty when the system names none. */
  about: readonly Identifier[];
}

/** What a subscription waits for. */
export interface Interest {
  /** The field of Subscription, and the name that the client gives its value. */
  field: string;
  /** Whether to send an event. `onUnjudged` hears why an event of the right type cannot be judged; it does not match. */
  matches(known: KnownEvent, onUnjudged?: (reason: string) => void): boolean;
  /** What the customer must meet, judged when the event is sent. */
  conditions: readonly CustomerCondition[];
  /** How long after the event a delayed one is sent, unless something happens that makes it needless. 0: none is delayed. */
  delayMs: number;
  /** Whether an event of a type is sent that much later. */
  isDelayed(type: EventType): boolean;
  /** Whether an event makes those needless that are delayed. */
  needless(known: KnownEvent): boolean;
}

/** The events that a field of `Subscription` waits for, as `@waitsFor` declares them. */
export interface AwaitedEvents {
  types: readonly EventType[];
  later: readonly EventType[];
  unless: readonly EventType[];
}

/** What the SDL declares about subscriptions. */
export interface SubscriptionRules {
  /** By the name of a condition. */
  conditions: ReadonlyMap<string, CustomerCondition>;
  /** By the field of `Subscription`. The fields that wait for every type are not in it. */
  awaited: ReadonlyMap<string, AwaitedEvents>;
}

export interface InterestAsk {
  schema: GraphQLSchema;
  document: DocumentNode;
  operationName?: string | null | undefined;
  variables?: Readonly<Record<string, unknown>> | undefined;
  subscriptionRules: SubscriptionRules;
  /** Reads a key of a customer. Throws an InvalidInputError when it is none. */
  readKey: (by: Readonly<Record<string, string | null | undefined>>) => Identifier;
  /** Whom the caller's token names. */
  own?: Identifier | undefined;
  /** Whether the caller may see data of an enum value, such as `EventType.ORDER_PAID`. */
  maySee: (place: string) => boolean;
}

const DECIMAL = /^\d{1,15}(\.\d{1,10})?$/;
const MAX_DELAY_MS = 30 * 24 * 3_600_000;

/**
 * Reads what a subscription waits for. Events of types that the caller may not see do not match. The document is valid.
 * Throws an InvalidInputError when its arguments cannot be, and a ForbiddenError when they name such a type.
 */
export function readInterest({
  schema,
  document,
  operationName,
  variables = {},
  subscriptionRules,
  readKey,
  own,
  maySee,
}: InterestAsk): Interest {
  const operation = getOperationAST(document, operationName);
  const node = operation?.selectionSet.selections.find((one): one is FieldNode => one.kind === Kind.FIELD);
  if (operation == null || node === undefined)
    throw new InvalidInputError('A subscription asks for one field of Subscription, and not by a fragment.');
  const field = node.name.value;
  const definition = schema.getSubscriptionType()?.getFields()[field];
  if (definition === undefined) throw new InvalidInputError('There is no such subscription.');
  const read = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
  if (read.errors !== undefined) throw new InvalidInputError('The variables do not fit the subscription.');
  const given = getArgumentValues(definition, node, read.coerced);
  const maySeeType = (type: EventType) => maySee(`EventType.${typeNamed(type)}`);
  const refuseType = (name: string): void => {
    if (!maySee(`EventType.${name}`))
      throw new ForbiddenError(`"${field}" waits for ${name}, which is not for this caller or this purpose.`);
  };
  const usual = {
    field,
    conditions: readConditions(given, subscriptionRules.conditions),
    delayMs: 0,
    isDelayed: () => false,
    needless: () => false,
  };

  switch (field) {
    case 'meChanged':
      return {
        ...usual,
        matches: ({ event, about }) => own !== undefined && isAbout(about, own) && maySeeType(event.type),
      };
    case 'customerChanged': {
      const wanted = readKey(given['by'] as Record<string, string>);
      return { ...usual, matches: ({ event, about }) => isAbout(about, wanted) && maySeeType(event.type) };
    }
    case 'event': {
      const { types, sources } = given as { types?: string[] | null; sources?: string[] | null };
      for (const type of types ?? []) refuseType(type);
      return {
        ...usual,
        matches: ({ event }) =>
          maySeeType(event.type) &&
          (types == null || types.includes(typeNamed(event.type))) &&
          (sources == null || sources.includes(event.source)),
      };
    }
    default: {
      const { types, later, unless } = subscriptionRules.awaited.get(field) ?? NOTHING;
      for (const type of [...types, ...later]) refuseType(typeNamed(type));
      const isDelayed = (type: EventType) => later.includes(type);
      const least = readLeast(given['minTotal']);
      return {
        ...usual,
        // A delayed event is dropped by its customer, so without one it cannot be.
        matches: ({ event, about }, onUnjudged) =>
          (types.includes(event.type) || isDelayed(event.type)) &&
          (later.length === 0 || about.length > 0) &&
          (least === undefined || isAtLeast(least, event.data, onUnjudged)),
        delayMs: later.length === 0 ? 0 : durationMs(String(given['delay'])),
        isDelayed,
        needless: ({ event }) => unless.includes(event.type),
      };
    }
  }
}

const NOTHING: AwaitedEvents = { types: [], later: [], unless: [] };

/** An argument that is true names a condition. */
function readConditions(
  given: Readonly<Record<string, unknown>>,
  conditions: SubscriptionRules['conditions'],
): CustomerCondition[] {
  return Object.entries(given).flatMap(([name, value]) => {
    if (value !== true) return [];
    const condition = conditions.get(name);
    if (condition === undefined)
      throw new InvalidInputError(
        `"${name}" cannot be judged: no plugged-in source declares it by @condition. Plug one in that does, or leave out "${name}".`,
      );
    return [condition];
  });
}

interface Amount {
  amount: string;
  currency: string;
}

function readLeast(given: unknown): Amount | undefined {
  if (given == null) return undefined;
  const { amount, currency } = given as { amount: unknown; currency: unknown };
  if (typeof amount !== 'string' || !DECIMAL.test(amount) || !/^[A-Z]{3}$/.test(String(currency)))
    throw new InvalidInputError(
      'An amount is an exact decimal as text, and a currency its ISO 4217 code: { amount: "100.00", currency: "EUR" }.',
    );
  return { amount, currency: String(currency) };
}

/** Whether the total of an event is the amount or more, in its currency. */
function isAtLeast(
  least: Amount,
  { total, currency }: SourceEvent['data'],
  onUnjudged: (reason: string) => void = () => undefined,
): boolean {
  const text = String(total ?? '');
  if (!DECIMAL.test(text) || typeof currency !== 'string') {
    onUnjudged('minTotal cannot be judged: the event has no total, or no currency');
    return false;
  }
  return currency === least.currency && scaled(text, least.amount) >= scaled(least.amount, text);
}

/** An exact decimal as a whole number, with as many decimals as the longer of the two has. */
function scaled(text: string, other: string): bigint {
  const [whole = '', decimals = ''] = text.split('.');
  const places = Math.max(decimals.length, (other.split('.')[1] ?? '').length);
  return BigInt(whole + decimals.padEnd(places, '0'));
}

function isAbout(about: readonly Identifier[], wanted: Identifier): boolean {
  return about.some(({ namespace, value }) => namespace === wanted.namespace && value === wanted.value);
}

/** An ISO 8601 duration without years and months, which have no one length. */
export function durationMs(text: string): number {
  const parts = /^P(?=[\dT])(?:(\d{1,4})D)?(?:T(?=\d)(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?$/.exec(
    text,
  );
  const [, days = 0, hours = 0, minutes = 0, seconds = 0] = Array.from(parts ?? [], (one) =>
    Number(one || 0),
  );
  const ms = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000;
  if (parts === null || ms > MAX_DELAY_MS)
    throw new InvalidInputError(
      'A duration is written as ISO 8601 has it, such as PT1H or P1DT30M, and is 30 days at most.',
    );
  return ms;
}
