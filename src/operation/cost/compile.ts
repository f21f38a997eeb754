import {
  getNamedType,
  isAbstractType,
  isIntrospectionType,
  isLeafType,
  isObjectType,
  Kind,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { OperationParts } from '../../selections.js';
import type { DeclaredCosts, ListSize } from '../../stitching/costs.js';
import { listsIn, listSizeOf, DEFAULT_LIST_SIZE } from './list-sizes.js';
import { Sums, type Points } from './points.js';

/** The selection on objects of one type. */
export interface Selection {
  /** Points of the object itself. */
  weight: number;
  /** The response names of all selected fields. */
  names: readonly string[];
  /** The fields that may cost points. */
  fields: readonly CostField[];
}

/** A selected field. Field nodes that execution merges are one field. */
export interface CostField {
  /** The name in the answer: the alias, or else the name. */
  responseName: string;
  /** The name in the schema. */
  name: string;
  /** Points of the field itself, for each object on which it is selected. */
  weight: number;
  /** Maximum points of the field and its selections, for each object on which it is selected. */
  points: Points;
  isList: boolean;
  /** Whether it is an introspection field. Its actual cost is always its maximum cost. */
  isIntrospection: boolean;
  /** One selection for each possible type of its objects; none for a leaf. */
  selections: readonly Selection[];
}

export interface CompiledCost {
  sums: Sums;
  points: Points;
  root: Selection;
}

export interface CompileOptions extends OperationParts {
  schema: GraphQLSchema;
  costs: DeclaredCosts;
  introspection: ReadonlyMap<string, ListSize>;
  /** Whether the node is selected, by its `@skip` and `@include`. */
  isIncluded: (node: SelectionNode) => boolean;
}

/**
 * Maximum number of visited selections, repeated visits included. An operation within the limits of `limits.ts` needs
 * a few thousand visits.
 */
const MAX_VISITS = 200_000;

/** Thrown if computing the cost would take too long. Such an operation is built to be expensive. */
export class CostTooLargeError extends Error {}

/**
 * Computes the maximum cost of an operation, as far as no variables are needed. Fields are merged as in execution.
 * The cost of a set of fields is computed once, even if many fragments lead to it.
 */
export function compileCost(options: CompileOptions): CompiledCost {
  return new CostCompiler(options).compile();
}

class CostCompiler {
  readonly #options: CompileOptions;
  readonly #sums = new Sums();
  readonly #numbers = new Map<FieldNode, number>();
  /** The cost of one object that a field returns, by the field and its nodes. */
  readonly #objectCosts = new Map<string, { selections: Selection[]; points: Points }>();
  #visits = 0;

  constructor(options: CompileOptions) {
    this.#options = options;
  }

  compile(): CompiledCost {
    const { schema, operation } = this.#options;
    const rootType = schema.getRootType(operation.operation);
    if (rootType == null) return { sums: this.#sums, points: 0, root: { weight: 0, names: [], fields: [] } };
    const { selection: root, points } = this.#select(rootType, 0, [operation.selectionSet], new Map());
    return { sums: this.#sums, points, root };
  }

  /** The field nodes that apply to an object of the type, by response name, as in execution. */
  #collect(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): Map<string, FieldNode[]> {
    const groups = new Map<string, FieldNode[]>();
    const seen = new Set<string>();
    const visit = ({ selections }: SelectionSetNode): void => {
      for (const selection of selections) {
        if (++this.#visits > MAX_VISITS) throw new CostTooLargeError();
        if (!this.#options.isIncluded(selection)) continue;
        if (selection.kind === Kind.FIELD) {
          const name = (selection.alias ?? selection.name).value;
          const group = groups.get(name);
          if (group === undefined) groups.set(name, [selection]);
          else group.push(selection);
          continue;
        }
        if (selection.kind === Kind.INLINE_FRAGMENT) {
          if (this.#fits(type, selection.typeCondition?.name.value)) visit(selection.selectionSet);
          continue;
        }
        const name = selection.name.value;
        const fragment = this.#options.fragments[name];
        if (fragment === undefined || seen.has(name)) continue;
        seen.add(name);
        if (this.#fits(type, fragment.typeCondition.name.value)) visit(fragment.selectionSet);
      }
    };
    for (const set of sets) visit(set);
    return groups;
  }

  #fits(type: GraphQLObjectType, condition: string | undefined): boolean {
    if (condition === undefined || condition === type.name) return true;
    const abstractType = this.#options.schema.getType(condition);
    return isAbstractType(abstractType) && this.#options.schema.isSubType(abstractType, type);
  }

  #select(
    type: GraphQLObjectType,
    weight: number,
    sets: readonly SelectionSetNode[],
    sized: ReadonlyMap<string, Points>,
  ): { selection: Selection; points: Points } {
    const groups = this.#collect(type, sets);
    const fields: CostField[] = [];
    for (const [responseName, nodes] of groups) {
      const field = this.#costOf(type, responseName, nodes, sized);
      if (field !== undefined) fields.push(field);
    }
    const selection = { weight, names: [...groups.keys()], fields };
    return { selection, points: this.#sums.plus([weight, ...fields.map(({ points }) => points)]) };
  }

  #costOf(
    type: GraphQLObjectType,
    responseName: string,
    nodes: readonly FieldNode[],
    sized: ReadonlyMap<string, Points>,
  ): CostField | undefined {
    const [node] = nodes;
    const field = node && fieldOf(this.#options.schema, type, node.name.value);
    // It is `__typename`. Validation refuses other unknown fields.
    if (field === undefined) return undefined;
    const coordinate = `${type.name}.${field.name}`;
    const weight = this.#options.costs.get(coordinate)?.weight ?? 0;
    const isLeaf = isLeafType(getNamedType(field.type));
    if (isLeaf && weight === 0) return undefined;
    const { selections, points } = isLeaf
      ? { selections: [], points: 0 }
      : this.#objectCost(type, field, nodes);
    const lists = listsIn(field.type);
    const declared =
      this.#options.costs.get(coordinate)?.listSize ?? this.#options.introspection.get(coordinate);
    const size =
      lists === 0
        ? 1
        : (sized.get(field.name) ?? listSizeOf(declared, field, nodes[0] as FieldNode, this.#sums));
    return {
      responseName,
      name: field.name,
      weight,
      points: this.#sums.plus([
        weight,
        this.#sums.times(this.#sums.times(size, lists > 1 ? DEFAULT_LIST_SIZE ** (lists - 1) : 1), points),
      ]),
      isList: lists > 0,
      isIntrospection: field === SchemaMetaFieldDef || field === TypeMetaFieldDef,
      selections,
    };
  }

  /** The cost of one object that a field returns: the cost of the most expensive of its possible types. */
  #objectCost(
    type: GraphQLObjectType,
    field: GraphQLField<unknown, unknown>,
    nodes: readonly FieldNode[],
  ): { selections: Selection[]; points: Points } {
    const key = [`${type.name}.${field.name}`, ...nodes.map((node) => this.#numberOf(node))].join(' ');
    const known = this.#objectCosts.get(key);
    if (known !== undefined) return known;
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const listSize = this.#options.costs.get(`${type.name}.${field.name}`)?.listSize;
    const [first] = nodes;
    const sized = new Map<string, Points>();
    if (listSize !== undefined && listSize.sizedFields.length > 0 && first !== undefined) {
      const size = listSizeOf(listSize, field, first, this.#sums);
      for (const name of listSize.sizedFields) sized.set(name, size);
    }
    const possible = possibleTypes(this.#options.schema, field.type).map((objectType) =>
      this.#select(objectType, this.#weightOf(objectType, listsIn(field.type) > 0), sets, sized),
    );
    const cost = {
      selections: possible.map(({ selection }) => selection),
      points: this.#sums.max(possible.map(({ points }) => points)),
    };
    this.#objectCosts.set(key, cost);
    return cost;
  }

  #numberOf(node: FieldNode): number {
    const number = this.#numbers.get(node) ?? this.#numbers.size;
    this.#numbers.set(node, number);
    return number;
  }

  /** The weight of an object. Introspection objects cost a point only as items of lists. */
  #weightOf(type: GraphQLObjectType, isListItem: boolean): number {
    if (isIntrospectionType(type)) return isListItem ? 1 : 0;
    return this.#options.costs.get(type.name)?.weight ?? 1;
  }
}

function fieldOf(
  schema: GraphQLSchema,
  type: GraphQLObjectType,
  name: string,
): GraphQLField<unknown, unknown> | undefined {
  if (type === schema.getQueryType()) {
    if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
    if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef;
  }
  return type.getFields()[name];
}

function possibleTypes(schema: GraphQLSchema, type: GraphQLOutputType): readonly GraphQLObjectType[] {
  const named = getNamedType(type);
  if (isObjectType(named)) return [named];
  return isAbstractType(named) ? schema.getPossibleTypes(named) : [];
}
