import {
  getArgumentValues,
  getDirectiveValues,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  Kind,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { GraphqlMapping } from './mapping.js';

/** What a client selects of an object. */
export interface Selected {
  selectionSets: readonly SelectionSetNode[];
  fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  variables: Readonly<Record<string, unknown>>;
}

/** The key field that another source needs to resolve its field of an object; undefined when it needs none. */
export type KeyFieldOf = (type: string, field: string) => string | undefined;

export interface Planner extends Omit<Selected, 'selectionSets'> {
  schema: GraphQLSchema;
  mapping: GraphqlMapping;
  keyFieldOf: KeyFieldOf;
}

/** A field with its arguments, and all that is selected below it at its several places. */
export interface Collected {
  field: GraphQLField<unknown, unknown>;
  args: Readonly<Record<string, unknown>>;
  selectionSets: Set<SelectionSetNode>;
}

/** The key of a field in an object: its name and the values of its arguments. */
export function fieldKey(field: string, args: Readonly<Record<string, unknown>>): string {
  for (const name in args) if (Object.hasOwn(args, name)) return `${field} ${JSON.stringify(args)}`;
  return field;
}

/**
 * Collects the fields of the source from the selection of a client. Directives are evaluated, and fragments are replaced by
 * their fields, because all types here are objects. A field of another source is replaced by the key that finds it.
 */
function collectFields(
  planner: Planner,
  type: GraphQLObjectType,
  { selections }: SelectionSetNode,
  into: { collected: Map<string, Collected>; seen: Set<string>; isRoot: boolean },
): void {
  for (const selection of selections) {
    if (!isIncluded(selection, planner.variables)) continue;
    if (selection.kind === Kind.FIELD) collectField(planner, type, selection, into);
    else if (selection.kind === Kind.INLINE_FRAGMENT)
      collectFields(planner, type, selection.selectionSet, into);
    else {
      const { value: name } = selection.name;
      const fragment = planner.fragments[name];
      if (fragment === undefined || into.seen.has(name)) continue;
      into.seen.add(name);
      collectFields(planner, type, fragment.selectionSet, into);
    }
  }
}

/** The fields of an object, by `fieldKey`. */
export function collectAll(
  planner: Planner,
  type: GraphQLObjectType,
  selectionSets: Iterable<SelectionSetNode>,
  isRoot = false,
): Map<string, Collected> {
  const collected = new Map<string, Collected>();
  const seen = new Set<string>();
  for (const selectionSet of selectionSets)
    collectFields(planner, type, selectionSet, { collected, seen, isRoot });
  return collected;
}

function collectField(
  { variables, keyFieldOf }: Planner,
  type: GraphQLObjectType,
  node: FieldNode,
  { collected, isRoot }: { collected: Map<string, Collected>; isRoot: boolean },
): void {
  const fields = type.getFields();
  const definition = fields[node.name.value];
  // The root object is made by another source, which knows its keys.
  const keyField = definition === undefined && !isRoot ? keyFieldOf(type.name, node.name.value) : undefined;
  const field = definition ?? (keyField === undefined ? undefined : fields[keyField]);
  if (field === undefined) return;
  const args = definition === undefined ? {} : getArgumentValues(field, node, { ...variables });
  const key = fieldKey(field.name, args);
  let known = collected.get(key);
  if (known === undefined) collected.set(key, (known = { field, args, selectionSets: new Set() }));
  if (definition !== undefined && node.selectionSet !== undefined) known.selectionSets.add(node.selectionSet);
}

function isIncluded(selection: SelectionNode, variables: Planner['variables']): boolean {
  const { directives } = selection;
  if (directives === undefined || directives.length === 0) return true;
  const values = { ...variables };
  return (
    getDirectiveValues(GraphQLSkipDirective, selection, values)?.if !== true &&
    getDirectiveValues(GraphQLIncludeDirective, selection, values)?.if !== false
  );
}
