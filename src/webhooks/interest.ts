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

/** An event with the identifiers of its customer. */
export interface KnownEvent {
  event: SourceEvent;
  /** Personal identifiers of the customer, the strongest first. Empty if the system names none. */
  about: readonly Identifier[];
}

/** The events that a subscription waits for. */
export interface Interest {
  /** The field of Subscription, and the name that the client gives its value. */
  field: string;
  /** Whether an event matches. If an event of a matching type cannot be evaluated, it does not match, and `onUnjudged` is called. */
  matches(known: KnownEvent, onUnjudged?: (reason: string) => void): boolean;
  /** Conditions on the customer, evaluated when the event is sent. */
  conditions: readonly CustomerCondition[];
  /** Delay of delayed events, which another event can cancel. 0: no events are delayed. */
  delayMs: number;
  /** Whether events of a type are delayed. */
  isDelayed(type: EventType): boolean;
  /** Whether an event cancels the delayed events of its customer. */
  cancels(known: KnownEvent): boolean;
}

/** The event types of a field of `Subscription`, as `@waitsFor` declares them. */
export interface AwaitedEvents {
  types: readonly EventType[];
  later: readonly EventType[];
  unless: readonly EventType[];
}

/** The declarations about subscriptions in the SDL. */
export interface SubscriptionRules {
  /** By the name of a condition. */
  conditions: ReadonlyMap<string, CustomerCondition>;
  /** By the field of `Subscription`. Fields that wait for every type are absent. */
  awaited: ReadonlyMap<string, AwaitedEvents>;
}

export interface InterestOptions {
  schema: GraphQLSchema;
  document: DocumentNode;
  operationName?: string | null | undefined;
  variables?: Readonly<Record<string, unknown>> | undefined;
  subscriptionRules: SubscriptionRules;
  /** Reads a CustomerKey. Throws an InvalidInputError if it is not valid. */
  readKey: (by: Readonly<Record<string, string | null | undefined>>) => Identifier;
  /** The customer that the caller's token names. */
  own?: Identifier | undefined;
  /** Whether the caller may see data of an enum value, such as `EventType.ORDER_PAID`. */
  maySee: (place: string) => boolean;
}

const DECIMAL = /^\d{1,15}(\.\d{1,10})?$/;
const MAX_DELAY_MS = 30 * 24 * 3_600_000;

/**
 * Reads a valid subscription document. Events of types that the caller may not see do not match. Throws an InvalidInputError if
 * the arguments are not valid, and a ForbiddenError if they name such a type.
 */
export function readInterest({
  schema,
  document,
  operationName,
  variables = {},
  subscriptionRules,
  readKey,
  own: ownIdentifier,
  maySee,
}: InterestOptions): Interest {
  const operation = getOperationAST(document, operationName);
  const node = operation?.selectionSet.selections.find(
    (selection): selection is FieldNode => selection.kind === Kind.FIELD,
  );
  if (operation == null || node === undefined)
    throw new InvalidInputError('A subscription must select one field of Subscription, without a fragment.');
  const field = node.name.value;
  const definition = schema.getSubscriptionType()?.getFields()[field];
  if (definition === undefined) throw new InvalidInputError(`Subscription has no field "${field}".`);
  const read = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
  if (read.errors !== undefined) throw new InvalidInputError('The variables do not fit the subscription.');
  const argumentValues = getArgumentValues(definition, node, read.coerced);
  const maySeeType = (type: EventType) => maySee(`EventType.${typeNamed(type)}`);
  const refuseType = (name: string): void => {
    if (!maySee(`EventType.${name}`))
      throw new ForbiddenError(
        `"${field}" waits for ${name}, which this caller may not read for this purpose.`,
      );
  };
  const usual = {
    field,
    conditions: readConditions(argumentValues, subscriptionRules.conditions),
    delayMs: 0,
    isDelayed: () => false,
    cancels: () => false,
  };

  switch (field) {
    case 'meChanged':
      return {
        ...usual,
        matches: ({ event, about }) =>
          ownIdentifier !== undefined && isAbout(about, ownIdentifier) && maySeeType(event.type),
      };
    case 'customerChanged': {
      const wanted = readKey(argumentValues['by'] as Record<string, string>);
      return { ...usual, matches: ({ event, about }) => isAbout(about, wanted) && maySeeType(event.type) };
    }
    case 'event': {
      const { types, sources } = argumentValues as { types?: string[] | null; sources?: string[] | null };
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
      const least = readLeast(argumentValues['minTotal']);
      return {
        ...usual,
        // Events cancel delayed ones by their customer, so an event without a customer cannot be delayed.
        matches: ({ event, about }, onUnjudged) =>
          (types.includes(event.type) || isDelayed(event.type)) &&
          (later.length === 0 || about.length > 0) &&
          (least === undefined || isAtLeast(least, event.data, onUnjudged)),
        delayMs: later.length === 0 ? 0 : durationMs(String(argumentValues['delay'])),
        isDelayed,
        cancels: ({ event }) => unless.includes(event.type),
      };
    }
  }
}

const NOTHING: AwaitedEvents = { types: [], later: [], unless: [] };

/** Each argument with the value `true` is the name of a condition. */
function readConditions(
  values: Readonly<Record<string, unknown>>,
  conditions: SubscriptionRules['conditions'],
): CustomerCondition[] {
  return Object.entries(values).flatMap(([name, value]) => {
    if (value !== true) return [];
    const condition = conditions.get(name);
    if (condition === undefined)
      throw new InvalidInputError(
        `"${name}" cannot be evaluated: no plugged-in source declares it by @condition. Plug in such a source, or omit "${name}".`,
      );
    return [condition];
  });
}

interface Amount {
  amount: string;
  currency: string;
}

function readLeast(value: unknown): Amount | undefined {
  if (value == null) return undefined;
  const { amount, currency } = value as { amount: unknown; currency: unknown };
  if (typeof amount !== 'string' || !DECIMAL.test(amount) || !/^[A-Z]{3}$/.test(String(currency)))
    throw new InvalidInputError(
      'The amount must be a decimal as text, and the currency an ISO 4217 code: { amount: "100.00", currency: "EUR" }.',
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
    onUnjudged('minTotal cannot be evaluated: the event has no total or no currency');
    return false;
  }
  return currency === least.currency && scaled(text, least.amount) >= scaled(least.amount, text);
}

/** Scales a decimal to an integer, by the number of decimals of the longer of both texts. */
function scaled(text: string, other: string): bigint {
  const [integer = '', decimals = ''] = text.split('.');
  const places = Math.max(decimals.length, (other.split('.')[1] ?? '').length);
  return BigInt(integer + decimals.padEnd(places, '0'));
}

function isAbout(about: readonly Identifier[], wanted: Identifier): boolean {
  return about.some(({ namespace, value }) => namespace === wanted.namespace && value === wanted.value);
}

/** Parses an ISO 8601 duration without years and months, whose lengths vary. */
export function durationMs(text: string): number {
  const parts = /^P(?=[\dT])(?:(\d{1,4})D)?(?:T(?=\d)(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?$/.exec(
    text,
  );
  const [, days = 0, hours = 0, minutes = 0, seconds = 0] = Array.from(parts ?? [], (part) =>
    Number(part || 0),
  );
  const ms = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000;
  if (parts === null || ms > MAX_DELAY_MS)
    throw new InvalidInputError(
      'A duration must be in ISO 8601 form, such as PT1H or P1DT30M, and 30 days at most.',
    );
  return ms;
}
