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
  type ResponsePath,
} from 'graphql';
import type { Arguments, FieldPlan, SelectionPlan } from './plan.js';
import {
  completeUnchanged,
  isPromise,
  recordError,
  PendingValues,
  type Execution,
  type Values,
} from './pending-values.js';

/** Completes the value of a resolver for the answer, maybe to `PendingValues`. Throws if that is not possible. */
export type Complete = (
  execution: Execution,
  field: FieldPlan,
  value: unknown,
  path: ResponsePath,
) => unknown;

/** Resolves the selected fields of an object. */
export function executeFields(
  execution: Execution,
  { fields, hasProtoField }: SelectionPlan,
  source: unknown,
  parentPath: ResponsePath | undefined,
): Values | PendingValues {
  const values: Values = hasProtoField ? (Object.create(null) as Values) : {};
  let pending: PendingValues | undefined;
  for (const field of fields) {
    const { name: key, isNonNull, isProperty, leaf } = field;
    try {
      let value: unknown;
      if (isProperty) {
        value = propertyOf(source, field.definition.name);
        // Most fields end here, without a path.
        if (value == null && !isNonNull) {
          values[key] = null;
          continue;
        }
        if (leaf !== undefined && value != null && typeof value !== 'object' && typeof value !== 'function') {
          values[key] = completeLeaf(leaf, value);
          continue;
        }
      }
      const path = pathTo(field, parentPath);
      if (!isProperty || typeof value === 'function') value = resolve(execution, field, source, path);
      const completed = isPromise(value) ? value : field.complete(execution, field, value, path);
      if (isPromise(completed) || completed instanceof PendingValues) {
        pending ??= new PendingValues(values, execution);
        pending.add(
          { field, key, path, isNonNull },
          completed,
          completed === value ? field.complete : completeUnchanged,
        );
      } else values[key] = completed;
    } catch (error) {
      try {
        values[key] = recordError(execution, { field, path: pathTo(field, parentPath), isNonNull }, error);
      } catch (located) {
        if (pending === undefined) throw located;
        pending.failWhenSettled(located);
        return pending;
      }
    }
  }
  return pending ?? values;
}

function pathTo({ name, parentType }: FieldPlan, prev: ResponsePath | undefined): ResponsePath {
  return { prev, key: name, typename: parentType.name };
}

function propertyOf(source: unknown, name: string): unknown {
  return (typeof source === 'object' && source !== null) || typeof source === 'function'
    ? (source as Values)[name]
    : undefined;
}

function resolve(execution: Execution, field: FieldPlan, source: unknown, path: ResponsePath): unknown {
  const { definition, parentType } = field;
  if (definition === TypeNameMetaFieldDef) return parentType.name;
  const { resolve: resolver = defaultFieldResolver } = definition;
  return resolver(source, argumentsOf(execution, field), execution.context, infoOf(execution, field, path));
}

/** Returns a new object for each call, because a resolver may change it. */
function argumentsOf({ variables, arguments: known }: Execution, field: FieldPlan): Arguments {
  const { definition, nodes, usesVariables } = field;
  const [node] = nodes;
  if (definition.args.length === 0 || node === undefined) return {};
  let values = usesVariables ? known.get(field) : field.constantArguments;
  if (values === undefined) {
    values = getArgumentValues(definition, node, variables) as Arguments;
    if (usesVariables) known.set(field, values);
    else field.constantArguments = values;
  }
  return { ...values };
}

/** Returns the same info as graphql-js, because delegation to GraphQL systems reads the selection from it. */
function infoOf(
  { plan, rootValue, variables }: Execution,
  { definition, nodes, parentType }: FieldPlan,
  path: ResponsePath,
): GraphQLResolveInfo {
  const { schema, fragments, operation } = plan;
  return {
    fieldName: definition.name,
    fieldNodes: nodes,
    returnType: definition.type,
    parentType,
    path,
    schema,
    fragments,
    rootValue,
    operation,
    variableValues: variables,
  };
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
  return nullOr((execution, field, value, path) => completeObject(execution, field, type, value, path));
}

function requireNonNull(complete: Complete): Complete {
  return (execution, field, value, path) => {
    const completed = complete(execution, field, value, path);
    if (completed === null) throw nullError(field);
    return completed;
  };
}

function nullOr(complete: Complete): Complete {
  return (execution, field, value, path) => {
    if (value == null) return null;
    if (value instanceof Error) throw value;
    return complete(execution, field, value, path);
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
  const isNonNull = isNonNullType(itemType);
  return (execution, field, value, listPath) => {
    if (!isIterable(value))
      throw new Error(`Expected Iterable, but did not find one for field "${field.definition.name}".`);
    const items: unknown[] = [];
    let pending: PendingValues | undefined;
    for (const item of value) {
      const key = items.length;
      const path = { prev: listPath, key, typename: undefined };
      try {
        const completed = isPromise(item) ? item : complete(execution, field, item, path);
        if (isPromise(completed) || completed instanceof PendingValues) {
          pending ??= new PendingValues(items as unknown as Values, execution);
          pending.add(
            { field, key, path, isNonNull },
            completed,
            completed === item ? complete : completeUnchanged,
          );
        } else items.push(completed);
      } catch (error) {
        items.push(recordError(execution, { field, path, isNonNull }, error));
      }
    }
    return pending ?? items;
  };
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

function abstractCompletionOf(type: GraphQLAbstractType): Complete {
  const resolveType = type.resolveType ?? defaultTypeResolver;
  return (execution, field, value, path) => {
    const toObject = (name: unknown): unknown =>
      completeObject(execution, field, objectTypeOf(execution, type, name), value, path);
    const name = resolveType(value, execution.context, infoOf(execution, field, path), type);
    return isPromise(name) ? name.then(toObject) : toObject(name);
  };
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
  path: ResponsePath,
): unknown {
  const { isTypeOf } = type;
  if (isTypeOf == null) return executeFields(execution, field.selectionOn(type), value, path);
  const isOfType = isTypeOf(value, execution.context, infoOf(execution, field, path));
  const completeChecked = (isValid: boolean) => {
    if (!isValid) throw new Error(`A value is not of the expected type ${type.name}.`);
    return executeFields(execution, field.selectionOn(type), value, path);
  };
  return isPromise(isOfType) ? isOfType.then(completeChecked) : completeChecked(isOfType);
}
