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
  nullFor,
  Unfinished,
  type Execution,
  type Values,
} from './unfinished.js';

/** Makes of what a resolver gives what stands in the answer, maybe `Unfinished`. Throws when that cannot be. */
export type Complete = (
  execution: Execution,
  field: FieldPlan,
  value: unknown,
  path: ResponsePath,
) => unknown;

/** Resolves what is selected of an object. */
export function executeFields(
  execution: Execution,
  { fields, isHazardous }: SelectionPlan,
  source: unknown,
  parentPath: ResponsePath | undefined,
): Values | Unfinished {
  const values: Values = isHazardous ? (Object.create(null) as Values) : {};
  let unfinished: Unfinished | undefined;
  for (const field of fields) {
    const { name: key, isNonNull, isRead, leaf } = field;
    try {
      let value: unknown;
      if (isRead) {
        value = propertyOf(source, field.definition.name);
        // For most fields there is no more to do, and it need not be known where they stand.
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
      if (!isRead || typeof value === 'function') value = resolve(execution, field, source, path);
      const completed = isPromise(value) ? value : field.complete(execution, field, value, path);
      if (isPromise(completed) || completed instanceof Unfinished) {
        unfinished ??= new Unfinished(values, execution);
        unfinished.add(
          { field, key, path, isNonNull },
          completed,
          completed === value ? field.complete : completeUnchanged,
        );
      } else values[key] = completed;
    } catch (error) {
      try {
        values[key] = nullFor(execution, { field, path: pathTo(field, parentPath), isNonNull }, error);
      } catch (located) {
        if (unfinished === undefined) throw located;
        unfinished.failAtLast(located);
        return unfinished;
      }
    }
  }
  return unfinished ?? values;
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

/** Each call gets an object of its own, since it may be written to. */
function argumentsOf({ variables, arguments: known }: Execution, field: FieldPlan): Arguments {
  const { definition, nodes, usesVariables } = field;
  const [node] = nodes;
  if (definition.args.length === 0 || node === undefined) return {};
  let read = usesVariables ? known.get(field) : field.constant;
  if (read === undefined) {
    read = getArgumentValues(definition, node, variables) as Arguments;
    if (usesVariables) known.set(field, read);
    else field.constant = read;
  }
  return { ...read };
}

/** All that graphql-js gives: what a client asks of a system that speaks GraphQL is read from it. */
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
  if (isNonNullType(type)) return neverNull(completionOf(type.ofType));
  if (isListType(type)) return nullOr(listCompletionOf(type.ofType));
  if (isLeafType(type)) return nullOr((_execution, _field, value) => completeLeaf(type, value));
  if (isAbstractType(type)) return nullOr(abstractCompletionOf(type));
  return nullOr((execution, field, value, path) => completeObject(execution, field, type, value, path));
}

function neverNull(complete: Complete): Complete {
  return (execution, field, value, path) => {
    const completed = complete(execution, field, value, path);
    if (completed === null) throw nothingIn(field);
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

function nothingIn({ parentType, definition }: FieldPlan): Error {
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
    let unfinished: Unfinished | undefined;
    for (const item of value) {
      const key = items.length;
      const path = { prev: listPath, key, typename: undefined };
      try {
        const completed = isPromise(item) ? item : complete(execution, field, item, path);
        if (isPromise(completed) || completed instanceof Unfinished) {
          unfinished ??= new Unfinished(items as unknown as Values, execution);
          unfinished.add(
            { field, key, path, isNonNull },
            completed,
            completed === item ? complete : completeUnchanged,
          );
        } else items.push(completed);
      } catch (error) {
        items.push(nullFor(execution, { field, path, isNonNull }, error));
      }
    }
    return unfinished ?? items;
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
    throw new Error(`A value of ${abstract.name} does not tell which of its types it has.`);
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
  const checked = (is: boolean) => {
    if (!is) throw new Error(`A value is not of the type ${type.name} that it should have.`);
    return executeFields(execution, field.selectionOn(type), value, path);
  };
  return isPromise(isOfType) ? isOfType.then(checked) : checked(isOfType);
}
