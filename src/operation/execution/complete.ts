import { getArgumentValues } from '@graphql-tools/utils';
import {
  defaultFieldResolver,
  defaultTypeResolver,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  TypeNameMetaFieldDef,
  type GraphQLAbstractType,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
} from 'graphql';
import { isPromise } from '../../is-promise.js';
import type { Arguments, FieldPlan, SelectionPlan } from './plan.js';
import { Container, emptyObject, pathOf, type Key, type Values } from './container.js';
import type { Execution } from './execution.js';

/** Returned instead of a value that is set later. */
const PENDING = Symbol('pending');

/**
 * Completes the value of a resolver, for a key of a container. Throws if that is not possible. Values in a returned
 * object or list may be set later.
 */
export type Complete = (
  execution: Execution,
  field: FieldPlan,
  value: unknown,
  container: Container,
  key: Key,
) => unknown;

/** Resolves the selected fields of an object. */
export function executeFields(
  execution: Execution,
  { fields }: SelectionPlan,
  source: unknown,
  container: Container,
): void {
  const { values } = container;
  for (const field of fields) {
    const { name: key, isNonNull, isProperty, leaf } = field;
    try {
      let value: unknown;
      if (isProperty) {
        value = propertyOf(source, field.definition.name);
        // Most fields take this path.
        if (value == null && !isNonNull) {
          values[key] = null;
          continue;
        }
        if (leaf !== undefined && value != null && typeof value !== 'object' && typeof value !== 'function') {
          values[key] = completeLeaf(leaf, value);
          continue;
        }
      }
      if (!isProperty || typeof value === 'function') value = resolve(execution, field, source, container);
      setValue(execution, field, value, container, key, field.complete);
    } catch (error) {
      try {
        execution.recordError(container, field, key, error);
      } catch (located) {
        if (container.pending === 0) throw located;
        execution.failWhenSettled(container, located);
        return;
      }
    }
  }
}

/** Completes a value and sets it, or does so when its promise is settled. */
export function setValue(
  execution: Execution,
  field: FieldPlan,
  value: unknown,
  container: Container,
  key: Key,
  complete: Complete,
): void {
  if (isPromise(value)) {
    execution.awaitValue(container, field, key, value, complete);
    return;
  }
  const completed = complete(execution, field, value, container, key);
  if (completed !== PENDING) container.values[key] = completed;
}

function propertyOf(source: unknown, name: string): unknown {
  return (typeof source === 'object' && source !== null) || typeof source === 'function'
    ? (source as Values)[name]
    : undefined;
}

function resolve(execution: Execution, field: FieldPlan, source: unknown, container: Container): unknown {
  const { definition, parentType } = field;
  if (definition === TypeNameMetaFieldDef) return parentType.name;
  const { resolve: resolver = defaultFieldResolver } = definition;
  const info = new ResolveInfo(execution, field, container, field.name);
  return resolver(source, argumentsOf(execution, field), execution.context, info);
}

const NO_ARGUMENTS: Arguments = Object.freeze({});

/** Returns a new object for each call of a resolver with arguments, because it may change them. */
function argumentsOf({ variables, arguments: known }: Execution, field: FieldPlan): Arguments {
  const { definition, nodes, usesVariables } = field;
  const [node] = nodes;
  if (definition.args.length === 0 || node === undefined) return NO_ARGUMENTS;
  let values = usesVariables ? known.get(field) : field.constantArguments;
  if (values === undefined) {
    values = getArgumentValues(definition, node, variables) as Arguments;
    if (usesVariables) known.set(field, values);
    else field.constantArguments = values;
  }
  return { ...values };
}

/**
 * The same info as graphql-js has, because delegation to GraphQL systems reads the selection from it. Most resolvers
 * read nothing of it, so its members are computed when they are read.
 */
class ResolveInfo implements GraphQLResolveInfo {
  readonly #execution: Execution;
  readonly #field: FieldPlan;
  readonly #container: Container;
  readonly #key: Key;

  constructor(execution: Execution, field: FieldPlan, container: Container, key: Key) {
    this.#execution = execution;
    this.#field = field;
    this.#container = container;
    this.#key = key;
  }

  get fieldName() {
    return this.#field.definition.name;
  }

  get fieldNodes() {
    return this.#field.nodes;
  }

  get returnType() {
    return this.#field.definition.type;
  }

  get parentType() {
    return this.#field.parentType;
  }

  get path() {
    return pathOf(this.#container, this.#field, this.#key);
  }

  get schema() {
    return this.#execution.plan.schema;
  }

  get fragments() {
    return this.#execution.plan.fragments;
  }

  get rootValue() {
    return this.#execution.rootValue;
  }

  get operation() {
    return this.#execution.plan.operation;
  }

  get variableValues() {
    return this.#execution.variables;
  }
}

const completions = new WeakMap<GraphQLOutputType, Complete>();

export function completionOf(type: GraphQLOutputType): Complete {
  let complete = completions.get(type);
  if (complete === undefined) completions.set(type, (complete = createCompletion(type)));
  return complete;
}

function createCompletion(type: GraphQLOutputType): Complete {
  if (isNonNullType(type)) return requireNonNull(completionOf(type.ofType));
  if (isListType(type)) return nullOr(listCompletionOf(type.ofType));
  if (isLeafType(type)) return nullOr((_execution, _field, value) => completeLeaf(type, value));
  if (isAbstractType(type)) return nullOr(abstractCompletionOf(type));
  return nullOr((execution, field, value, container, key) =>
    completeObject(execution, field, type, value, container, key),
  );
}

function requireNonNull(complete: Complete): Complete {
  return (execution, field, value, container, key) => {
    const completed = complete(execution, field, value, container, key);
    if (completed === null) throw nullError(field);
    return completed;
  };
}

function nullOr(complete: Complete): Complete {
  return (execution, field, value, container, key) => {
    if (value == null) return null;
    if (value instanceof Error) throw value;
    return complete(execution, field, value, container, key);
  };
}

function nullError({ parentType, definition }: FieldPlan): Error {
  return new Error(`Cannot return null for non-nullable field ${parentType.name}.${definition.name}.`);
}

function completeLeaf(type: GraphQLLeafType, value: unknown): unknown {
  const serialized: unknown = type.serialize(value);
  if (serialized == null) throw new Error(`A value of ${type.name} was serialized to nothing.`);
  return serialized;
}

function listCompletionOf(itemType: GraphQLOutputType): Complete {
  const complete = completionOf(itemType);
  return (execution, field, value, container, key) => {
    if (!isIterable(value))
      throw new Error(`Expected Iterable, but did not find one for field "${field.definition.name}".`);
    const all: readonly unknown[] = Array.isArray(value) ? value : [...value];
    const items = new Array<unknown>(all.length);
    const list = new Container(items as unknown as Values, container, key, field);
    for (let index = 0; index < all.length; index += 1) {
      try {
        setValue(execution, field, all[index], list, index, complete);
      } catch (error) {
        try {
          execution.recordError(list, field, index, error);
        } catch (located) {
          list.discard();
          throw located;
        }
      }
    }
    return items;
  };
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function abstractCompletionOf(type: GraphQLAbstractType): Complete {
  const resolveType = type.resolveType ?? defaultTypeResolver;
  return (execution, field, value, container, key) => {
    const info = new ResolveInfo(execution, field, container, key);
    return then(execution, field, resolveType(value, execution.context, info, type), container, key, (name) =>
      completeObject(execution, field, objectTypeOf(execution, type, name), value, container, key),
    );
  };
}

/** Completes with a type or check that may be a promise. */
function then(
  execution: Execution,
  field: FieldPlan,
  value: unknown,
  container: Container,
  key: Key,
  complete: (value: unknown) => unknown,
): unknown {
  if (!isPromise(value)) return complete(value);
  execution.awaitValue(container, field, key, value, (_execution, _field, resolved) => complete(resolved));
  return PENDING;
}

function objectTypeOf({ plan }: Execution, abstract: GraphQLAbstractType, name: unknown): GraphQLObjectType {
  const type = typeof name === 'string' ? plan.schema.getType(name) : undefined;
  if (!isObjectType(type) || !plan.schema.isSubType(abstract, type))
    throw new Error(`The type of a value of ${abstract.name} cannot be resolved.`);
  return type;
}

function completeObject(
  execution: Execution,
  field: FieldPlan,
  type: GraphQLObjectType,
  value: unknown,
  container: Container,
  key: Key,
): unknown {
  const { isTypeOf } = type;
  if (isTypeOf == null) return executeObject(execution, field, type, value, container, key);
  const isOfType = isTypeOf(value, execution.context, new ResolveInfo(execution, field, container, key));
  return then(execution, field, isOfType, container, key, (isValid) => {
    if (isValid !== true) throw new Error(`A value is not of the expected type ${type.name}.`);
    return executeObject(execution, field, type, value, container, key);
  });
}

function executeObject(
  execution: Execution,
  field: FieldPlan,
  type: GraphQLObjectType,
  value: unknown,
  container: Container,
  key: Key,
): Values {
  const selection = field.selectionOn(type);
  const object = new Container(emptyObject(selection), container, key, field);
  executeFields(execution, selection, value, object);
  return object.values;
}
