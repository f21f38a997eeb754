import type { GraphQLResolveInfo } from 'graphql';
import { fieldKey } from '../connectors/graphql/collect-fields.js';
import type { PlannedSelection } from '../connectors/graphql/plan.js';

/**
 * An object of a GraphQL system, as its loader returns it. Fields are read by name and arguments, never by alias: an alias
 * may have a meaning in JavaScript, such as `then`.
 */
export class StitchedObject {
  readonly source: string;
  /** The field that returned this object. Another source's part of the selection is read from it. */
  readonly info: GraphQLResolveInfo;
  readonly #plan: PlannedSelection;
  /** Shared with other requests: do not change it. */
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(
    source: string,
    plan: PlannedSelection,
    values: Readonly<Record<string, unknown>>,
    info: GraphQLResolveInfo,
  ) {
    this.source = source;
    this.info = info;
    this.#plan = plan;
    this.#values = values;
  }

  /** A field's value for the executor: an Error if the system failed, null if the field is not the system's. */
  read(field: string, args: Readonly<Record<string, unknown>>, info: GraphQLResolveInfo): unknown {
    const planned = this.#plan.byKey.get(fieldKey(field, args));
    if (planned !== undefined) return this.#wrap(this.#values[planned.name], planned.children, info);
    if (field in this.#plan.type.getFields())
      throw new Error(
        `"${this.#plan.type.name}.${field}" is not in the selection that was sent to ${this.source}.`,
      );
    return null;
  }

  #wrap(value: unknown, children: PlannedSelection | undefined, info: GraphQLResolveInfo): unknown {
    if (children === undefined || value == null || value instanceof Error) return value;
    if (Array.isArray(value)) return value.map((item: unknown) => this.#wrap(item, children, info));
    // connectors/graphql/read-answer.ts has validated the answer.
    return new StitchedObject(this.source, children, value as Record<string, unknown>, info);
  }
}
