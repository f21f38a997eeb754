import type { ReportedEvent } from './declaration.js';
import type { EventType, SourceEvent } from './event.js';

/** How many events were stored, and how many had been stored before. */
export interface IntakeResult {
  kept: number;
  known: number;
}

export interface IntakeOptions {
  /** Keeps events for good. The system is told that we have them only when this has resolved; until then it tells again. */
  keep: (events: readonly SourceEvent[]) => Promise<IntakeResult>;
  /** The types of events that the schema has. */
  types: ReadonlySet<EventType>;
  /** An identifier in its one way to be written, or null when it is none. */
  identify: (namespace: string, value: string) => string | null;
}

/**
 * An event as it is stored: its source, and its customer in the customer view's own way of writing, so that they are found by it.
 * An identifier that identifies nobody is left out, and so is an event whose type the schema does not have.
 */
export function ofSource(
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
