import {
  getNullableType,
  isIntrospectionType,
  isListType,
  isObjectType,
  Kind,
  valueFromASTUntyped,
  type FieldNode,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLSchema,
} from 'graphql';
import { MAX_PAGE_SIZE } from '../../connection.js';
import type { ListSize } from '../../stitching/costs.js';
import type { Points, Sums, Variables } from './points.js';

/** The assumed size of a list without `@listSize`. Only lists of third-party sources lack it. */
export const DEFAULT_LIST_SIZE = 10;

type Reader = (variables: Variables) => number | undefined;

/** The size of the list that a field selects, by its `@listSize`. */
export function listSizeOf(
  declared: ListSize | undefined,
  { args }: Pick<GraphQLField<unknown, unknown>, 'args'>,
  node: FieldNode,
  sums: Sums,
): Points {
  const assumed = declared?.assumedSize ?? DEFAULT_LIST_SIZE;
  const known: number[] = [];
  const readers: Reader[] = [];
  for (const name of declared?.slicingArguments ?? []) {
    const argument = args.find((definition) => definition.name === name);
    if (argument === undefined) continue;
    const valueNode = node.arguments?.find((argumentNode) => argumentNode.name.value === name)?.value;
    if (valueNode?.kind === Kind.VARIABLE) {
      const variable = valueNode.name.value;
      readers.push((variables) =>
        sizeIn(Object.hasOwn(variables, variable) ? variables[variable] : argument.defaultValue, argument),
      );
    } else {
      const value = valueNode === undefined ? argument.defaultValue : valueFromASTUntyped(valueNode);
      const size = sizeIn(value, argument);
      if (size !== undefined) known.push(size);
    }
  }
  if (readers.length === 0) return known.length === 0 ? assumed : Math.max(...known);
  return sums.fromVariables((variables) => {
    const sizes = [...known, ...readers.flatMap((read) => read(variables) ?? [])];
    return sizes.length === 0 ? assumed : Math.max(...sizes);
  });
}

/**
 * The list size that an argument requests. An invalid page size counts as the maximum; the resolver refuses it later.
 */
function sizeIn(value: unknown, { type }: GraphQLArgument): number | undefined {
  if (value == null) return undefined;
  if (isListType(getNullableType(type))) return Array.isArray(value) ? value.length : 1;
  const isPage = Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_PAGE_SIZE;
  return isPage ? Number(value) : MAX_PAGE_SIZE;
}

/** The sizes of the introspection lists of this schema. The sizes of lists within types and fields are averages. */
export function introspectionSizes(schema: GraphQLSchema): ReadonlyMap<string, ListSize> {
  const types = Object.values(schema.getTypeMap());
  const fields = types.flatMap((type) =>
    isObjectType(type) && !isIntrospectionType(type) ? Object.values(type.getFields()) : [],
  );
  const average = (count: number, groups: number) => Math.ceil(count / Math.max(groups, 1));
  const sizes: Record<string, number> = {
    '__Schema.types': types.length,
    '__Schema.directives': schema.getDirectives().length,
    '__Type.fields': average(fields.length, types.length),
    '__Field.args': average(fields.flatMap(({ args }) => args).length, fields.length),
    '__Type.inputFields': 1,
    '__Type.enumValues': 1,
    '__Type.interfaces': 1,
    '__Type.possibleTypes': 1,
    '__Directive.args': 1,
  };
  return new Map(
    Object.entries(sizes).map(([coordinate, assumedSize]) => [
      coordinate,
      { assumedSize, slicingArguments: [], sizedFields: [] },
    ]),
  );
}

/** The number of nested lists in a type: 2 for `[[Int]]`. */
export function listsIn(type: GraphQLField<unknown, unknown>['type']): number {
  let lists = 0;
  for (let inner = getNullableType(type); isListType(inner); inner = getNullableType(inner.ofType)) lists++;
  return lists;
}
