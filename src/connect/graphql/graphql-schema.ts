import {
  buildClientSchema,
  buildSchema,
  getIntrospectionQuery,
  getNamedType,
  isEnumType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  printSchema,
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type IntrospectionQuery,
} from 'graphql';
import { z } from 'zod';
import { InvalidInputError } from '../../errors.js';

/** The schema of a GraphQL system, from its introspection or from SDL. */

/** Limits the work on an untrusted schema. */
const MAX_SDL_LENGTH = 5_000_000;
/** Old servers know neither `specifiedByURL` nor `isRepeatable`. */
export const INTROSPECTION = getIntrospectionQuery({ descriptions: true });

const introspection = z.object({
  __schema: z.looseObject({
    queryType: z.object({ name: z.string() }),
    types: z.array(z.looseObject({ kind: z.string(), name: z.string() })),
  }),
});

/** The schema of an answer to `INTROSPECTION`. Undefined if it is not one. */
export function schemaOfIntrospection(data: unknown): GraphQLSchema | undefined {
  const checked = introspection.safeParse(data);
  if (!checked.success) return undefined;
  try {
    return buildClientSchema(checked.data as unknown as IntrospectionQuery, { assumeValid: true });
  } catch {
    // A schema that contradicts itself.
    return undefined;
  }
}

export function schemaOfSdl(text: string): GraphQLSchema {
  if (text.length > MAX_SDL_LENGTH)
    throw new InvalidInputError(`The SDL has more than ${MAX_SDL_LENGTH} characters.`);
  let schema: GraphQLSchema;
  try {
    schema = buildSchema(text, { noLocation: true, assumeValid: true, assumeValidSDL: true });
  } catch (error) {
    throw new InvalidInputError(
      'The file is not SDL. Pass the schema that the system prints, with "type Query".',
      {
        cause: error,
      },
    );
  }
  if (schema.getQueryType() == null)
    throw new InvalidInputError('The SDL has no type Query. Pass the complete schema of the system.');
  return schema;
}

export const sdlOf = (schema: GraphQLSchema): string => printSchema(schema);

/** Types with fields. */
export type Fielded = GraphQLObjectType | GraphQLInterfaceType;
export type OutputField = GraphQLField<unknown, unknown>;

export const isFielded = (type: unknown): type is Fielded => isObjectType(type) || isInterfaceType(type);

export const nullableOf = (type: GraphQLOutputType): GraphQLOutputType =>
  isNonNullType(type) ? (type.ofType as GraphQLOutputType) : type;

export const isList = (type: GraphQLOutputType): boolean => isListType(nullableOf(type));

/** A scalar or an enum that is not a list. */
export const isLeaf = ({ type }: OutputField): boolean => isLeafType(getNamedType(type)) && !isList(type);

export const isEnum = isEnumType;

export const fieldsOf = (type: Fielded): OutputField[] => Object.values(type.getFields());

/** Whether a field can be selected without arguments. */
export const needsNoArgument = ({ args }: OutputField): boolean =>
  args.every((argument) => !isNonNullType(argument.type) || argument.defaultValue !== undefined);

/** The position of a list of objects in the answer of a field. */
export interface ListShape {
  /** The path of the list below the field, such as `.`, `nodes`, `edges.node` or `items`. */
  rows: string;
  item: Fielded;
  /** Whether the field is a connection with a cursor. */
  isConnection: boolean;
}

/** Names of the member with the list, in an object with a list and its counts. */
const LIST_NAMES = /^(nodes|items|results?|data|content|records|rows|list|elements|hits|objects|values)$/i;

/** The list of objects that a field returns: a list itself, a connection, or an object with a list in it. */
export function listShapeOf(type: GraphQLOutputType): ListShape | undefined {
  const plain = nullableOf(type);
  if (isListType(plain)) {
    const item = nullableOf(plain.ofType as GraphQLOutputType);
    return isFielded(item) ? { rows: '.', item, isConnection: false } : undefined;
  }
  if (!isFielded(plain)) return undefined;
  const fields = plain.getFields();
  const isConnection = fields['pageInfo'] !== undefined;
  const items = (name: string): Fielded | undefined => {
    const found = fields[name];
    const listed = found === undefined ? undefined : nullableOf(found.type);
    if (!isListType(listed)) return undefined;
    const item = nullableOf(listed.ofType as GraphQLOutputType);
    return isFielded(item) ? item : undefined;
  };
  const nodes = items('nodes');
  if (isConnection && nodes !== undefined) return { rows: 'nodes', item: nodes, isConnection };
  const node = items('edges')?.getFields()['node'];
  const edgeItem = node === undefined ? undefined : nullableOf(node.type);
  if (isConnection && isFielded(edgeItem)) return { rows: 'edges.node', item: edgeItem, isConnection };
  // An object with a list and counts contains no other objects.
  const lists = Object.keys(fields).filter((name) => items(name) !== undefined);
  const [only] = lists;
  const item = only === undefined ? undefined : items(only);
  return only !== undefined && item !== undefined && lists.length === 1 && LIST_NAMES.test(only)
    ? { rows: only, item, isConnection: false }
    : undefined;
}
