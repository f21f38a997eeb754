import {
  getNullableType,
  isListType,
  isNonNullType,
  type GraphQLOutputType,
  type ResponsePath,
} from 'graphql';
import type { FieldPlan, SelectionPlan } from './plan.js';

/** Key of a value: the response name in an object, the index in a list. */
export type Key = string | number;

export type Values = Record<Key, unknown>;

/** Returns the object for a selection. An ordinary object cannot hold `__proto__` as a property. */
export function emptyObject({ hasProtoField }: SelectionPlan): Values {
  return hasProtoField ? (Object.create(null) as Values) : {};
}

/**
 * An object or list of an answer. It has its position in the answer, and counts the promises that are awaited for it.
 * So an answer needs one promise for each pending value, and none for the objects and lists that contain it.
 */
export class Container {
  readonly values: Values;
  /** The object or list that contains this one. Undefined for the root. */
  readonly parent: Container | undefined;
  readonly key: Key;
  /** The field with this value. Undefined for the root. */
  readonly field: FieldPlan | undefined;
  /** Number of promises that are awaited for values in it, at any depth. */
  pending = 0;
  /** Whether it is no longer part of the answer, because a value in it failed. */
  isDiscarded = false;

  constructor(values: Values, parent?: Container, key: Key = '', field?: FieldPlan) {
    this.values = values;
    this.parent = parent;
    this.key = key;
    this.field = field;
  }

  /** Counts promises in it and in all that contain it. The number is negative when they are settled. */
  count(promises: number): void {
    this.pending += promises;
    if (!this.isDiscarded) this.parent?.count(promises);
  }

  /** Removes it from the answer. Its promises are no longer awaited. */
  discard(): void {
    this.parent?.count(-this.pending);
    this.isDiscarded = true;
  }
}

/** Whether a value of the field must not be null there. In a list, this depends on the item type. */
export function isNonNullAt(container: Container, field: FieldPlan, key: Key): boolean {
  return typeof key === 'string' ? field.isNonNull : isNonNullType(itemTypeIn(container, field));
}

function itemTypeIn({ key, parent }: Container, field: FieldPlan): GraphQLOutputType {
  const isNested = typeof key === 'number' && parent !== undefined;
  const listType = getNullableType(isNested ? itemTypeIn(parent, field) : field.definition.type);
  return isListType(listType) ? listType.ofType : listType;
}

/** The path of a value, as resolvers get it. */
export function pathOf(container: Container, field: FieldPlan, key: Key): ResponsePath {
  const { parent } = container;
  return {
    prev: parent === undefined ? undefined : pathOf(parent, container.field ?? field, container.key),
    key,
    typename: typeof key === 'number' ? undefined : field.parentType.name,
  };
}
