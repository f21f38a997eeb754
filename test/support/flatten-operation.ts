import {
  getNamedType,
  isAbstractType,
  isObjectType,
  Kind,
  parse,
  print,
  visit,
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { GeneratedOperation } from './operations.js';

/** Placeholder in an empty selection; its value is removed from the result. */
const PLACEHOLDER = 'placeholder';

/**
 * Returns an equivalent operation without fragments and directives, with each response name once. It uses no code of the
 * gateway or an executor. Returns undefined if a condition has no value: such an operation is refused.
 */
export function flattenOperation(
  schema: GraphQLSchema,
  { query, variables }: GeneratedOperation,
): GeneratedOperation | undefined {
  const document = parse(query, { noLocation: true });
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const root = schema.getQueryType();
  if (operation === undefined || root == null) throw new Error('no query');
  const conditions = new Map<string, unknown>();
  for (const { variable, defaultValue } of operation.variableDefinitions ?? []) {
    const { value: name } = variable.name;
    if (Object.hasOwn(variables, name)) conditions.set(name, variables[name]);
    else if (defaultValue?.kind === Kind.BOOLEAN) conditions.set(name, defaultValue.value);
  }
  const writer = new Writer(schema, fragments, conditions);
  const selectionSet = writer.write(root, [operation.selectionSet]);
  if (writer.isUndecided) return undefined;
  const used = new Set<string>();
  visit(selectionSet, { Variable: ({ name }) => void used.add(name.value) });
  const written = {
    ...operation,
    selectionSet,
    variableDefinitions:
      operation.variableDefinitions?.filter(({ variable }) => used.has(variable.name.value)) ?? [],
  };
  const inputs = Object.entries(variables).filter(([name]) => used.has(name));
  return { query: print(written), variables: Object.fromEntries(inputs) };
}

/** Removes the placeholders from the result of a flattened operation. */
export function removePlaceholders(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(removePlaceholders);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, item]) =>
      name === PLACEHOLDER ? [] : [[name, removePlaceholders(item)]],
    ),
  );
}

class Writer {
  isUndecided = false;

  constructor(
    readonly schema: GraphQLSchema,
    readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>,
    readonly conditions: ReadonlyMap<string, unknown>,
  ) {}

  write(type: GraphQLNamedType, sets: readonly SelectionSetNode[]): SelectionSetNode {
    if (isObjectType(type)) return { kind: Kind.SELECTION_SET, selections: this.#fields(type, sets) };
    if (!isAbstractType(type)) throw new Error(`no selection on ${type.name}`);
    return {
      kind: Kind.SELECTION_SET,
      selections: this.schema.getPossibleTypes(type).map((objectType) => ({
        kind: Kind.INLINE_FRAGMENT,
        typeCondition: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: objectType.name } },
        selectionSet: this.write(objectType, sets),
      })),
    };
  }

  #fields(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): SelectionNode[] {
    const byName = new Map<string, FieldNode[]>();
    for (const set of sets) this.#collect(type, set, byName);
    if (byName.size === 0)
      return [
        {
          kind: Kind.FIELD,
          alias: { kind: Kind.NAME, value: PLACEHOLDER },
          name: { kind: Kind.NAME, value: '__typename' },
        },
      ];
    return [...byName.values()].flatMap((nodes) => {
      const [first] = nodes;
      if (first === undefined) return [];
      const { kind, alias, name, arguments: args } = first;
      const rest = {
        ...{ kind, name },
        ...(alias === undefined ? {} : { alias }),
        ...(args === undefined ? {} : { arguments: args }),
      };
      const inner = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
      const below = type.getFields()[first.name.value];
      if (inner.length === 0 || below === undefined) return [rest];
      return [{ ...rest, selectionSet: this.write(getNamedType(below.type), inner) }];
    });
  }

  #collect(type: GraphQLObjectType, { selections }: SelectionSetNode, into: Map<string, FieldNode[]>): void {
    for (const selection of selections) {
      if (!this.#isIn(selection.directives ?? [])) continue;
      if (selection.kind === Kind.FIELD) {
        const name = selection.alias?.value ?? selection.name.value;
        into.set(name, [...(into.get(name) ?? []), selection]);
        continue;
      }
      const fragment =
        selection.kind === Kind.INLINE_FRAGMENT ? selection : this.fragments.get(selection.name.value);
      const on = fragment?.typeCondition?.name.value;
      const condition = on === undefined ? type : this.schema.getType(on);
      const fits = isAbstractType(condition) ? this.schema.isSubType(condition, type) : condition === type;
      if (fragment !== undefined && fits) this.#collect(type, fragment.selectionSet, into);
    }
  }

  #isIn(directives: readonly DirectiveNode[]): boolean {
    return directives.every(({ name, arguments: args = [] }) => {
      const [condition] = args;
      const value =
        condition?.value.kind === Kind.BOOLEAN
          ? condition.value.value
          : condition?.value.kind === Kind.VARIABLE
            ? this.conditions.get(condition.value.name.value)
            : undefined;
      if (typeof value !== 'boolean') this.isUndecided = true;
      return name.value === 'include' ? value === true : value !== true;
    });
  }
}
