import { isEnumType, type GraphQLSchema } from 'graphql';

/** What can happen in a source system, such as `order.paid`. The enum `EventType`, to which sources may add, has a value for each. */
export type EventType = string;

/** `order.paid` is ORDER_PAID in the schema. */
export function typeNamed(type: EventType): string {
  return type.toUpperCase().replace('.', '_');
}

/** ORDER_PAID is `order.paid` in a webhook. */
export function typeOf(name: string): EventType {
  return name.toLowerCase().replace('_', '.');
}

/** The types of which the schema has a value. */
export function eventTypesOf(schema: GraphQLSchema): ReadonlySet<EventType> {
  const type = schema.getType('EventType');
  return new Set(isEnumType(type) ? type.getValues().map(({ name }) => typeOf(name)) : []);
}

/** What happened in a source system: the attributes of CloudEvents 1.0, and as little of the person as will do. */
export interface SourceEvent {
  /** The system's own id of what it sent; with the source it tells an event from all others. */
  id: string;
  /** The name of the source. */
  source: string;
  type: EventType;
  /** When it happened, ISO 8601 in UTC. */
  time: string;
  /** The record's id in the source. A text: ids above 2^53 stay exact. */
  subject?: string;
  /** Whom it is about, by namespace. Empty when the system tells no more than the record. */
  identifiers: Readonly<Record<string, readonly string[]>>;
  /** What conditions of triggers need: amounts, numbers, states. Never who the person is. */
  data: Readonly<Record<string, string | number | boolean | null>>;
}
