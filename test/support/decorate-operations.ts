import fc from 'fast-check';
import {
  getNamedType,
  getNullableType,
  isEnumType,
  isLeafType,
  isListType,
  isNonNullType,
  isTypeSubTypeOf,
  Kind,
  OperationTypeNode,
  parse,
  print,
  TypeInfo,
  typeFromAST,
  validate,
  visit,
  visitWithTypeInfo,
  type ASTNode,
  type DirectiveNode,
  type FieldNode,
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLSchema,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { GeneratedOperation } from './operations.js';

/** A variable that an operation may use, and possible values. `undefined` stands for an absent value. */
export interface GeneratedVariable {
  name: string;
  type: string;
  standard?: string;
  values: readonly unknown[];
}

/** Response names that are also special property names in JavaScript. */
export const SPECIAL_NAMES = [
  'then',
  '__proto__',
  'constructor',
  'toString',
  'toJSON',
  'hasOwnProperty',
  'valueOf',
] as const;

/** Variables with valid, invalid and absent values. */
export const VARIABLES: readonly GeneratedVariable[] = [
  { name: 'on', type: 'Boolean!', values: [true, false, true, false, true, false, undefined] },
  { name: 'perhaps', type: 'Boolean', standard: 'true', values: [true, false, undefined, undefined, null] },
  { name: 'number', type: 'Int', standard: '2', values: [1, 3, undefined, undefined, null, 'no number'] },
  { name: 'absent', type: 'Int', values: [undefined] },
  { name: 'text', type: 'String', values: ['word', '', undefined, undefined, null, 5] },
];

/**
 * Adds random GraphQL syntax to operations: aliases, `@skip` and `@include`, fragments, fields that occur twice with
 * different selections, and arguments with literals and variables. Some aliases are special names in JavaScript.
 * The operations are valid; the values of their variables may be invalid.
 */
export function decorateOperations(
  schema: GraphQLSchema,
  operations: fc.Arbitrary<GeneratedOperation>,
  variables: readonly GeneratedVariable[] = VARIABLES,
  literals: Readonly<Record<string, readonly string[]>> = {},
  names: readonly string[] = SPECIAL_NAMES,
): fc.Arbitrary<GeneratedOperation> {
  return fc
    .tuple(operations, fc.infiniteStream(fc.nat()))
    .map(([operation, numbers]) =>
      new Decorator(schema, variables, literals, names, (of) => {
        const [chosen] = of.slice(Number(numbers.next().value) % of.length).map((value) => ({ value }));
        if (chosen === undefined) throw new Error('There is no item to choose.');
        return chosen.value;
      }).decorate(operation),
    )
    .filter(({ query }) => validate(schema, parse(query)).length === 0);
}

class Decorator {
  #aliases = 0;

  constructor(
    readonly schema: GraphQLSchema,
    readonly variables: readonly GeneratedVariable[],
    readonly literals: Readonly<Record<string, readonly string[]>>,
    readonly names: readonly string[],
    readonly pick: <T>(of: readonly [T, ...T[]] | readonly T[]) => T,
  ) {}

  decorate({ query, variables }: GeneratedOperation): GeneratedOperation {
    const types = new TypeInfo(this.schema);
    const written = visit(
      parse(query, { noLocation: true }),
      visitWithTypeInfo(types, {
        Field: (node) => this.#field(node, types.getFieldDef()?.args ?? [], types.getType()),
        InlineFragment: (node) => ({ ...node, directives: this.#directives() }),
        SelectionSet: { leave: (node) => this.#again(this.#twice(node)) },
      }),
    );
    const used = this.variables.filter(({ name }) => print(written).includes(`$${name}`));
    const defined = used.map(({ name, type, standard }) => {
      const text = standard === undefined ? '' : ` = ${standard}`;
      return parse(`query ($${name}: ${type}${text}) { x }`, { noLocation: true }).definitions[0];
    });
    const document = visit(written, {
      OperationDefinition: (node) => ({
        ...node,
        operation: OperationTypeNode.QUERY,
        variableDefinitions: [
          ...(node.variableDefinitions ?? []),
          ...defined.flatMap((definitionNode) =>
            definitionNode?.kind === Kind.OPERATION_DEFINITION
              ? (definitionNode.variableDefinitions ?? [])
              : [],
          ),
        ],
      }),
    });
    const inputs = used.map(({ name, values }) => [name, this.pick(values)] as const);
    return {
      query: print(document),
      variables: { ...variables, ...Object.fromEntries(inputs.filter(([, value]) => value !== undefined)) },
    };
  }

  #field(node: FieldNode, args: readonly GraphQLArgument[], type: unknown): FieldNode {
    const added = args.flatMap((arg) => {
      if (node.arguments?.some(({ name }) => name.value === arg.name) === true) return [];
      const value = this.pick([true, false]) ? this.#value(arg.type) : undefined;
      return value === undefined ? [] : [`${arg.name}: ${value}`];
    });
    const [call] = added.length === 0 ? [] : selectionsIn(`{ x(${added.join(', ')}) }`);
    const isLeaf = isLeafType(getNamedType(type as GraphQLInputType));
    const isSpecial = this.pick([true, ...Array.from({ length: 9 }, () => false)]);
    const alias = isSpecial
      ? { kind: Kind.NAME as const, value: this.pick(this.names) }
      : node.alias === undefined && isLeaf && this.pick([true, false, false])
        ? { kind: Kind.NAME as const, value: this.pick([`l${this.#aliases++}`, `n_${this.#aliases++}`]) }
        : node.alias;
    return {
      ...node,
      ...(alias === undefined ? {} : { alias }),
      arguments: [...(node.arguments ?? []), ...(call?.kind === Kind.FIELD ? (call.arguments ?? []) : [])],
      directives: this.#directives(),
    };
  }

  #directives(): DirectiveNode[] {
    const text = this.pick([
      ...['', '', '', '', '', ''],
      '@include(if: $on)',
      '@skip(if: $on)',
      '@skip(if: false)',
      '@include(if: $perhaps) @skip(if: $on)',
      '@include(if: true)',
    ]);
    const [selection] = selectionsIn(`{ x ${text} }`);
    return [...(selection?.directives ?? [])];
  }

  /** A fragment that is spread twice, the first time with a condition. */
  #twice(node: SelectionSetNode): SelectionSetNode {
    const selections = node.selections.flatMap((selection) =>
      selection.kind === Kind.FRAGMENT_SPREAD && this.pick([true, false])
        ? [
            { ...selection, directives: this.#directives() },
            { ...selection, directives: this.#directives() },
          ]
        : [selection],
    );
    return { ...node, selections };
  }

  /** Fields that occur twice, each time with its own condition and a part of the selection. */
  #again(node: SelectionSetNode): SelectionSetNode {
    const selections = node.selections.flatMap((selection): SelectionNode[] => {
      if (selection.kind !== Kind.FIELD || this.pick([true, true, false])) return [selection];
      const { selectionSet } = selection;
      const mention = (part: readonly SelectionNode[] | undefined): FieldNode => ({
        ...selection,
        directives: this.#directives(),
        ...(selectionSet === undefined || part === undefined
          ? {}
          : { selectionSet: { ...selectionSet, selections: part } }),
      });
      const parts = selectionSet?.selections ?? [];
      if (parts.length < 2) return [mention(undefined), mention(undefined)];
      const at = this.pick(parts.map((_, i) => i).slice(1));
      return [mention(parts.slice(0, at)), mention(parts.slice(at - this.pick([0, 1])))];
    });
    return { ...node, selections: this.pick([true, false]) ? selections : selections.toReversed() };
  }

  #value(type: GraphQLInputType): string | undefined {
    const nullable = getNullableType(type);
    const fitting = this.variables
      .filter((variable) => {
        const namedType = typeFromAST(this.schema, typeNode(variable.type));
        return namedType !== undefined && isTypeSubTypeOf(this.schema, namedType, nullable as never);
      })
      .map(({ name }) => `$${name}`);
    if (isListType(nullable)) {
      const item = this.#value(nullable.ofType);
      return item === undefined ? undefined : this.pick([item, `[${item}]`, `[${item}, ${item}]`]);
    }
    const values = isEnumType(nullable)
      ? nullable.getValues().map(({ name }) => name)
      : (this.literals[nullable.name] ?? []);
    const all = [...fitting, ...values, ...(isNonNullType(type) || values.length === 0 ? [] : ['null'])];
    return all.length === 0 ? undefined : this.pick(all);
  }
}

function typeNode(text: string) {
  const [operation] = parse(`query ($x: ${text}) { x }`).definitions;
  const [definition] =
    operation?.kind === Kind.OPERATION_DEFINITION ? (operation.variableDefinitions ?? []) : [];
  if (definition === undefined) throw new Error(`no type: ${text}`);
  return definition.type as Extract<ASTNode, { kind: 'NamedType' }>;
}

function selectionsIn(text: string) {
  const [operation] = parse(text, { noLocation: true }).definitions;
  return operation?.kind === Kind.OPERATION_DEFINITION ? operation.selectionSet.selections : [];
}
