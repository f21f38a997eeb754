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

/** A list of which nobody has said how long it is: only sources that are not ours have one. */
export const DEFAULT_LIST_SIZE = 10;

type Reader = (variables: Variables) => number | undefined;

/** How long the list is that a field asks for, as its `@listSize` says. */
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
    const argument = args.find((one) => one.name === name);
    if (argument === undefined) continue;
    const given = node.arguments?.find((one) => one.name.value === name)?.value;
    if (given?.kind === Kind.VARIABLE) {
      const variable = given.name.value;
      readers.push((variables) =>
        sizeIn(Object.hasOwn(variables, variable) ? variables[variable] : argument.defaultValue, argument),
      );
    } else {
      const size = sizeIn(given === undefined ? argument.defaultValue : valueFromASTUntyped(given), argument);
      if (size !== undefined) known.push(size);
    }
  }
  if (readers.length === 0) return known.length === 0 ? assumed : Math.max(...known);
  return sums.told((variables) => {
    const sizes = [...known, ...readers.flatMap((read) => read(variables) ?? [])];
    return sizes.length === 0 ? assumed : Math.max(...sizes);
  });
}

/** What no page can be as long as is refused where it is asked for; until then it counts as the longest. */
function sizeIn(value: unknown, { type }: GraphQLArgument): number | undefined {
  if (value == null) return undefined;
  if (isListType(getNullableType(type))) return Array.isArray(value) ? value.length : 1;
  const isPage = Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_PAGE_SIZE;
  return isPage ? Number(value) : MAX_PAGE_SIZE;
}

/** How long the lists of introspection are: as long as they are in this schema, on average where there are many. */
export function introspectionSizes(schema: GraphQLSchema): ReadonlyMap<string, ListSize> {
  const types = Object.values(schema.getTypeMap());
  const fields = types.flatMap((type) =>
    isObjectType(type) && !isIntrospectionType(type) ? Object.values(type.getFields()) : [],
  );
  const average = (count: number, of: number) => Math.ceil(count / Math.max(of, 1));
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

/** How many lists a type has around what it holds: 2 of `[[Int]]`. */
export function listsIn(type: GraphQLField<unknown, unknown>['type']): number {
  let lists = 0;
  for (let inner = getNullableType(type); isListType(inner); inner = getNullableType(inner.ofType)) lists++;
  return lists;
}
