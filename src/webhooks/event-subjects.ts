import { isPersonal } from '../identity/choose-identity.js';
import { normalise, type Identifier } from '../identity/identifiers.js';
import type { IdentityRules } from '../identity/identity-graph.js';
import { textOf } from '../identity/matching.js';
import type { SourceEvent } from './event.js';

/** Finds the customers of events by the identifiers in the events. */
export class EventSubjects {
  readonly #rules: IdentityRules;
  /** The priority of the source of each record key; 0 is the highest. */
  readonly #rank: ReadonlyMap<string, number>;

  constructor(rules: IdentityRules) {
    this.#rules = rules;
    this.#rank = new Map(rules.sources.map(({ identity }, place) => [identity.recordKey, place]));
  }

  /** Returns the normalised identifier, or null if the value identifies no customer. */
  identifier(name: string, value: string): Identifier | null {
    const namespace = this.#rules.namespaces.get(name);
    return namespace === undefined ? null : normalise(namespace, value);
  }

  /** All identifiers that an event names, the strongest first. */
  namedBy({ identifiers }: SourceEvent): Identifier[] {
    return this.strongestFirst(
      Object.entries(identifiers).flatMap(([name, values]) =>
        values.flatMap((value) => this.identifier(name, value) ?? []),
      ),
    );
  }

  /** The personal identifiers of an event, the strongest first. A shared phone or device does not identify the customer. */
  about(event: SourceEvent): Identifier[] {
    return this.namedBy(event).filter((identifier) => this.isPersonal(identifier));
  }

  isPersonal(identifier: Identifier): boolean {
    return isPersonal(this.#rules, identifier);
  }

  /** Sorts identifiers: record ids first, by the priority of their source; identifiers that people share last. */
  strongestFirst(all: readonly Identifier[]): Identifier[] {
    return [...new Map(all.map((identifier) => [textOf(identifier), identifier])).values()].sort(
      (a, b) => this.#rankOf(a) - this.#rankOf(b) || (textOf(a) < textOf(b) ? -1 : 1),
    );
  }

  #rankOf(identifier: Identifier): number {
    const { size } = this.#rank;
    return this.isPersonal(identifier) ? (this.#rank.get(identifier.namespace) ?? size) : size + 1;
  }
}
