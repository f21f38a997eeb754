import type { ReportedEvent } from './declaration.js';
import type { EventType, SourceEvent } from './event.js';

/** How many events were stored, and how many had been stored before. */
export interface IntakeResult {
  added: number;
  known: number;
}

export interface IntakeOptions {
  /** Stores events durably. The system gets a success response only after this resolves; otherwise it sends them again. */
  add: (events: readonly SourceEvent[]) => Promise<IntakeResult>;
  /** The event types of the schema. */
  types: ReadonlySet<EventType>;
  /** Returns the canonical form of an identifier, or null if the value is not valid. */
  identify: (namespace: string, value: string) => string | null;
}

/**
 * Converts a reported event to its stored form: with its source, and with identifiers in canonical form. Invalid identifiers
 * are dropped. Returns no event if the schema does not have its type.
 */
export function storedEvents(
  source: string,
  event: ReportedEvent,
  { types, identify }: Pick<IntakeOptions, 'types' | 'identify'>,
): SourceEvent[] {
  if (!types.has(event.type)) return [];
  const identifiers: Record<string, string[]> = {};
  for (const [namespace, values] of Object.entries(event.identifiers)) {
    const known = values.flatMap((value) => identify(namespace, value) ?? []);
    if (known.length > 0) identifiers[namespace] = [...new Set(known)];
  }
  return [{ ...event, identifiers, source }];
}
