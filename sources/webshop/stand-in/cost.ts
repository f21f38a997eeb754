import {
  getNamedType,
  getNullableType,
  isAbstractType,
  isLeafType,
  isListType,
  isObjectType,
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLAbstractType,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

/**
 * The cost of an operation before it runs, by the vendor's rules: a scalar or enum costs 0, an object 1, a connection 2 and
 * the cost of each entry that it may return. For an interface, the most expensive type counts.
 */
export type Price = (variables: Variables) => number;

type Variables = Readonly<Record<string, unknown>>;

export function priceOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): Price {
  const fragments = new Map(
    document.definitions.flatMap((node) =>
      node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node] as const] : [],
    ),
  );
  const root = schema.getRootType(operation.operation);
  return root ? createPricing(schema, fragments).ofSelections(root, [operation.selectionSet], none) : none;
}

/** A field with the conditions (`@include`, `@skip`) under which it is part of the operation. */
interface Choice {
  node: FieldNode;
  isIncluded: Condition[];
}

type Condition = (variables: Variables) => boolean;

const none: Price = () => 0;

function createPricing(schema: GraphQLSchema, fragments: ReadonlyMap<string, FragmentDefinitionNode>) {
  function ofSelections(
    type: GraphQLObjectType | GraphQLAbstractType,
    sets: readonly SelectionSetNode[],
    entries: Price,
  ): Price {
    if (isAbstractType(type)) {
      const prices = schema.getPossibleTypes(type).map((possible) => ofObject(possible, sets, entries));
      return (variables) => Math.max(0, ...prices.map((price) => price(variables)));
    }
    return ofObject(type, sets, entries);
  }

  /** `entries` returns the maximum number of entries of the connection around these selections. */
  function ofObject(type: GraphQLObjectType, sets: readonly SelectionSetNode[], entries: Price): Price {
    const prices = [...fieldsByKey(type, sets).values()].flatMap(
      (choices) => ofField(type, choices, entries) ?? [],
    );
    return (variables) => prices.reduce((sum, price) => sum + price(variables), 0);
  }

  function ofField(parent: GraphQLObjectType, choices: readonly Choice[], entries: Price): Price | undefined {
    const [first] = choices;
    const field = first && parent.getFields()[first.node.name.value];
    if (!first || !field) return undefined;
    const type = getNamedType(field.type);
    if (isLeafType(type)) return undefined;

    const sets = choices.flatMap(({ node }) => node.selectionSet ?? []);
    const price = ofComposite(parent, field, first.node, type, sets, entries);
    if (choices.some(({ isIncluded }) => isIncluded.length === 0)) return price;
    return (variables) =>
      choices.some(({ isIncluded }) => isIncluded.every((holds) => holds(variables))) ? price(variables) : 0;
  }

  function ofComposite(
    parent: GraphQLObjectType,
    field: GraphQLField<unknown, unknown>,
    node: FieldNode,
    type: GraphQLObjectType | GraphQLAbstractType,
    sets: readonly SelectionSetNode[],
    entries: Price,
  ): Price {
    const role = roleOf(parent.name, field);
    if (role === 'page-info') return none;
    if (role === 'connection') {
      const inside = ofSelections(type, sets, pageSizeOf(node));
      return (variables) => 2 + inside(variables);
    }
    const each = ofSelections(type, sets, none);
    if (role === 'edges') return (variables) => entries(variables) * each(variables);
    const count =
      role === 'nodes' ? entries : isListType(getNullableType(field.type)) ? listSizeOf(node) : onePoint;
    return (variables) => count(variables) * (1 + each(variables));
  }

  function fieldsByKey(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): Map<string, Choice[]> {
    const byKey = new Map<string, Choice[]>();
    const collect = (selections: readonly SelectionNode[], outer: Condition[]): void => {
      for (const selection of selections) {
        const isIncluded = [...outer, ...conditionsOf(selection)];
        if (selection.kind === Kind.FIELD) {
          const key = selection.alias?.value ?? selection.name.value;
          const choices = byKey.get(key) ?? [];
          byKey.set(key, [...choices, { node: selection, isIncluded }]);
          continue;
        }
        const fragment =
          selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
        if (fragment && appliesTo(fragment.typeCondition?.name.value, type)) {
          collect(fragment.selectionSet.selections, isIncluded);
        }
      }
    };
    for (const set of sets) collect(set.selections, []);
    return byKey;
  }

  function appliesTo(condition: string | undefined, type: GraphQLObjectType): boolean {
    if (condition === undefined || condition === type.name) return true;
    const conditionType = schema.getType(condition);
    return isAbstractType(conditionType) && schema.isSubType(conditionType, type);
  }

  return { ofSelections };
}

export type Role = 'connection' | 'edges' | 'nodes' | 'page-info' | 'plain';

/** The role of a field in a connection. */
export function roleOf(parentName: string, field: { name: string; type: GraphQLOutputType }): Role {
  const type = getNamedType(field.type);
  if (isConnection(type.name) && isObjectType(type)) return 'connection';
  if (!isConnection(parentName)) return 'plain';
  if (field.name === 'pageInfo') return 'page-info';
  if (field.name === 'edges' || field.name === 'nodes') return field.name;
  return 'plain';
}

function isConnection(typeName: string): boolean {
  return typeName.endsWith('Connection');
}

const onePoint: Price = () => 1;

function pageSizeOf(node: FieldNode): Price {
  const first = argumentOf(node, 'first');
  const last = argumentOf(node, 'last');
  return (variables) => countOf(first(variables)) ?? countOf(last(variables)) ?? 0;
}

function listSizeOf(node: FieldNode): Price {
  const ids = argumentOf(node, 'ids');
  const first = argumentOf(node, 'first');
  return (variables) => countOf(ids(variables)) ?? countOf(first(variables)) ?? 1;
}

function countOf(value: unknown): number | undefined {
  if (Array.isArray(value)) return value.length;
  return typeof value === 'number' ? Math.max(0, value) : undefined;
}

/** The value of a numeric argument, or the length of a list. */
function argumentOf(node: FieldNode, name: string): (variables: Variables) => unknown {
  const value = node.arguments?.find((argument) => argument.name.value === name)?.value;
  switch (value?.kind) {
    case Kind.INT: {
      const number = Number(value.value);
      return () => number;
    }
    case Kind.LIST:
      return () => value.values;
    case Kind.VARIABLE:
      return (variables) => variables[value.name.value];
    default:
      return () => undefined;
  }
}

function conditionsOf({ directives = [] }: SelectionNode): Condition[] {
  return directives.flatMap(({ name, arguments: args = [] }) => {
    const wanted = name.value === 'include' ? true : name.value === 'skip' ? false : undefined;
    const value = args[0]?.value;
    if (wanted === undefined || !value) return [];
    if (value.kind === Kind.BOOLEAN) return [() => value.value === wanted];
    return value.kind === Kind.VARIABLE
      ? [(variables: Variables) => variables[value.name.value] === wanted]
      : [];
  });
}
