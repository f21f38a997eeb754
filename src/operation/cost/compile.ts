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

/** What is asked of the objects of one type. */
export interface Selection {
  /** Points of the object itself. */
  weight: number;
  /** How the answer calls all that is asked of it. */
  names: readonly string[];
  /** Those that may cost something. */
  fields: readonly CostField[];
}

/** A field as it is asked for; what execution merges is one. */
export interface CostField {
  /** How the answer calls it. */
  responseName: string;
  /** How the schema calls it. */
  name: string;
  /** Points of asking, once for each object that it is asked of. */
  weight: number;
  /** All that it may cost of one object. */
  points: Points;
  isList: boolean;
  /** It is answered by the gateway itself, of the schema: it costs as much as it may. */
  isIntrospection: boolean;
  /** By possible type of what comes out; none when that is a plain value. */
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
  /** Whether `@skip` and `@include` leave it in. */
  isIncluded: (node: SelectionNode) => boolean;
}

/**
 * Looks at selections, each counted as often as what is around it is looked at. An operation within the limits of
 * limits.ts needs a few thousand; one that needs more than this is made to be expensive.
 */
const MAX_LOOKS = 200_000;

export class TooLargeToCost extends Error {}

/**
 * Computes what an operation may cost, as far as it is known without variables. Fields are merged as execution merges
 * them. What was computed for a set of fields is not computed again, however many fragments lead to it.
 */
export function compileCost(options: CompileOptions): CompiledCost {
  return new CostCompiler(options).compile();
}

class CostCompiler {
  readonly #options: CompileOptions;
  readonly #sums = new Sums();
  readonly #numbers = new Map<FieldNode, number>();
  /** What one object costs that comes out of a field, by the field and its selections. */
  readonly #inside = new Map<string, { selections: Selection[]; points: Points }>();
  #looks = 0;

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

  /** The fields that execution would ask of an object of the type, those of one name together. */
  #collect(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): Map<string, FieldNode[]> {
    const groups = new Map<string, FieldNode[]>();
    const seen = new Set<string>();
    const visit = ({ selections }: SelectionSetNode): void => {
      for (const selection of selections) {
        if (++this.#looks > MAX_LOOKS) throw new TooLargeToCost();
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
    const wanted = this.#options.schema.getType(condition);
    return isAbstractType(wanted) && this.#options.schema.isSubType(wanted, type);
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
    // `__typename`, or what validation has refused.
    if (field === undefined) return undefined;
    const coordinate = `${type.name}.${field.name}`;
    const weight = this.#options.costs.get(coordinate)?.weight ?? 0;
    const isLeaf = isLeafType(getNamedType(field.type));
    if (isLeaf && weight === 0) return undefined;
    const { selections, points } = isLeaf ? { selections: [], points: 0 } : this.#within(type, field, nodes);
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

  /** What one object costs that comes out of a field: that of the most expensive type that it may have. */
  #within(
    type: GraphQLObjectType,
    field: GraphQLField<unknown, unknown>,
    nodes: readonly FieldNode[],
  ): { selections: Selection[]; points: Points } {
    const key = [`${type.name}.${field.name}`, ...nodes.map((node) => this.#numberOf(node))].join(' ');
    const known = this.#inside.get(key);
    if (known !== undefined) return known;
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const listSize = this.#options.costs.get(`${type.name}.${field.name}`)?.listSize;
    const [first] = nodes;
    const sized = new Map<string, Points>();
    if (listSize !== undefined && listSize.sizedFields.length > 0 && first !== undefined) {
      const size = listSizeOf(listSize, field, first, this.#sums);
      for (const name of listSize.sizedFields) sized.set(name, size);
    }
    const possible = possibleTypes(this.#options.schema, field.type).map((one) =>
      this.#select(one, this.#weightOf(one, listsIn(field.type) > 0), sets, sized),
    );
    const made = {
      selections: possible.map(({ selection }) => selection),
      points: this.#sums.most(possible.map(({ points }) => points)),
    };
    this.#inside.set(key, made);
    return made;
  }

  #numberOf(node: FieldNode): number {
    const number = this.#numbers.get(node) ?? this.#numbers.size;
    this.#numbers.set(node, number);
    return number;
  }

  /** Of what introspection tells, only what there are many of costs something. */
  #weightOf(type: GraphQLObjectType, isOfMany: boolean): number {
    if (isIntrospectionType(type)) return isOfMany ? 1 : 0;
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
