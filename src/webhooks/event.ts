import { isEnumType, type GraphQLSchema } from 'graphql';

/** A kind of event, such as `order.paid`. The enum `EventType` has a value for each; sources can add values. */
export type EventType = string;

/** Converts `order.paid` to ORDER_PAID, as in the schema. */
export function typeNamed(type: EventType): string {
  return type.toUpperCase().replace('.', '_');
}

/** Converts ORDER_PAID to `order.paid`, as in webhooks. */
export function typeOf(name: string): EventType {
  return name.toLowerCase().replace('_', '.');
}

/** The event types of the schema. */
export function eventTypesOf(schema: GraphQLSchema): ReadonlySet<EventType> {
  const type = schema.getType('EventType');
  return new Set(isEnumType(type) ? type.getValues().map(({ name }) => typeOf(name)) : []);
}

/** The source of events about the gateway itself, such as the end of a bulk job. No system can have this name. */
export const GATEWAY_SOURCE = '@gateway';

/** An event in a source system: the attributes of CloudEvents 1.0, with the least personal data that is needed. */
export interface SourceEvent {
  /** The system's id of the event. It is unique together with the source. */
  id: string;
  /** The name of the source. */
  source: string;
  type: EventType;
  /** When it happened, ISO 8601 in UTC. */
  time: string;
  /** The record's id in the source, as text, so that ids above 2^53 stay exact. */
  subject?: string;
  /** The identifiers of its customer, by namespace. Empty if the system names the record only. */
  identifiers: Readonly<Record<string, readonly string[]>>;
  /** Values for conditions of triggers: amounts, numbers, states. Never personal data. */
  data: Readonly<Record<string, string | number | boolean | null>>;
}
