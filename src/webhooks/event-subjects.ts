import { isPersonal } from '../identity/choose-identity.js';
import { normalise, type Identifier } from '../identity/identifiers.js';
import type { IdentityRules } from '../identity/identity-graph.js';
import { textOf } from '../identity/matching.js';
import type { SourceEvent } from './event.js';

/** Whom events are about, by the identifiers that they name. */
export class EventSubjects {
  readonly #rules: IdentityRules;
  /** By how much its source is believed. */
  readonly #rank: ReadonlyMap<string, number>;

  constructor(rules: IdentityRules) {
    this.#rules = rules;
    this.#rank = new Map(rules.sources.map(({ identity }, place) => [identity.recordKey, place]));
  }

  /** Null when the value identifies nobody. */
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

  /** The personal ones. People share a phone or a device: it says nothing about whose event it is. */
  about(event: SourceEvent): Identifier[] {
    return this.namedBy(event).filter((identifier) => this.isPersonal(identifier));
  }

  isPersonal(identifier: Identifier): boolean {
    return isPersonal(this.#rules, identifier);
  }

  /** Ids of records come first, by how much their source is believed, and identifiers that people share come last. */
  strongestFirst(all: readonly Identifier[]): Identifier[] {
    return [...new Map(all.map((one) => [textOf(one), one])).values()].sort(
      (one, other) => this.#rankOf(one) - this.#rankOf(other) || (textOf(one) < textOf(other) ? -1 : 1),
    );
  }

  #rankOf(identifier: Identifier): number {
    const { size } = this.#rank;
    return this.isPersonal(identifier) ? (this.#rank.get(identifier.namespace) ?? size) : size + 1;
  }
}
