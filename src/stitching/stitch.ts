import { stitchSchemas } from '@graphql-tools/stitch';
import { filterSchema, pruneSchema, type IResolvers } from '@graphql-tools/utils';
import {
  defaultFieldResolver,
  getNamedType,
  GraphQLError,
  GraphQLSchema,
  isInputObjectType,
  isIntrospectionType,
  isObjectType,
  Kind,
  specifiedDirectives,
  type DocumentNode,
  type GraphQLFieldResolver,
  type StringValueNode,
} from 'graphql';
import type { Context } from '../customer/customer.js';
import { ConfigError } from '../errors.js';
import { DEFER } from './defer.js';
import { describePersonalData, type Policies } from './policies.js';
import { sourceNamesByValue, type Sdl } from './sdl.js';
import { StitchedObject } from './stitched-object.js';
import { lazyField, withParentField, type StitchedSource } from './subschema.js';

type Resolver = GraphQLFieldResolver<unknown, Context>;

export interface StitchOptions {
  sdl: Sdl;
  /** Resolvers of each local source, by source. The key `''` is the core schema. */
  resolvers: ReadonlyMap<string, object>;
  stitched: readonly StitchedSource[];
  policies: Policies;
}

/** Directives of the gateway. They are not published to clients. */
const SPECIFIED_DIRECTIVES = new Set(specifiedDirectives.map(({ name }) => name));

/** The executable schema. Local sources resolve in place; GraphQL systems are stitched and called lazily. */
export function stitch({ sdl, resolvers, stitched, policies }: StitchOptions): GraphQLSchema {
  const isStitched = new Set(stitched.map(({ name }) => name));
  const local = [...sdl.sources].filter(([name]) => !isStitched.has(name)).map(([, document]) => document);
  const ofSources = [...resolvers].map(([source, ofSource]) => withKeys(ofSource, sdl.keys.get(source)));
  const descriptions = readDescriptions(sdl);
  let schema: GraphQLSchema;
  try {
    schema = stitchSchemas({
      subschemas: stitched.map((source) => ({ name: source.name, schema: source.schema })),
      typeDefs: [sdl.coreSchema, ...local],
      resolvers: [...ofSources, { Source: sourceNamesByValue(sdl) }],
      assumeValidSDL: false,
    });
  } catch (error) {
    throw new ConfigError([
      `The sources' SDL does not compose: ${error instanceof GraphQLError ? error.message : String(error)}`,
    ]);
  }
  // Private entry points describe how a source is queried by key. Clients cannot use them. Types that only they reach
  // extend objects of a source that is not plugged in, so they are removed too.
  schema = pruneSchema(
    filterSchema({
      schema,
      rootFieldFilter: (_, field) => !field.startsWith('_'),
      directiveFilter: (name) => SPECIFIED_DIRECTIVES.has(name),
    }),
  );
  const composed = schema.toConfig();
  schema = new GraphQLSchema({ ...composed, directives: [...composed.directives, DEFER] });
  setOneOf(schema, sdl.coreSchema);
  setDescriptions(schema, descriptions);
  placeResolvers(schema, sdl, stitched, ofSources);
  describePersonalData(schema, policies);
  return schema;
}

/** Adds the key to local fields on objects of a GraphQL system. The key is selected from that system. */
function withKeys(
  resolvers: object,
  keys: ReadonlyMap<string, { field: string } | { identifier: string }> | undefined,
): IResolvers {
  return Object.fromEntries(
    Object.entries(resolvers as Record<string, Record<string, Resolver>>).map(([type, fields]) => {
      const key = keys?.get(type);
      if (key === undefined || 'identifier' in key) return [type, fields];
      const withKey = Object.entries(fields).map(([name, resolve]) => [name, onKey(resolve, key.field)]);
      return [type, Object.fromEntries(withKey)];
    }),
  );
}

/** Calls the resolver with the object and its key. Without a key there is nothing to look up. */
function onKey(resolve: Resolver, field: string): Resolver {
  return (parent, args, context, info) => {
    if (!(parent instanceof StitchedObject)) return resolve(parent, args, context, info);
    const key = parent.read(field, {}, info);
    if (key instanceof Error) throw key;
    return key == null ? null : resolve({ [field]: key }, args, context, info);
  };
}

/** Reads a field of an object, which may come from a GraphQL system or from another source. */
const readField: Resolver = (parent, args: Record<string, unknown>, context, info): unknown =>
  parent instanceof StitchedObject
    ? parent.read(info.fieldName, args, info)
    : defaultFieldResolver(parent, args, context, info);

function ownResolver(resolvers: readonly IResolvers[], type: string, field: string): Resolver | undefined {
  for (const ofSource of resolvers) {
    const declared = (ofSource[type] as Record<string, Resolver> | undefined)?.[field];
    if (declared !== undefined) return declared;
  }
  return undefined;
}

/** Restores `@oneOf` on input types, which stitching loses. */
function setOneOf(schema: GraphQLSchema, { definitions }: DocumentNode): void {
  for (const definition of definitions) {
    if (definition.kind !== Kind.INPUT_OBJECT_TYPE_DEFINITION) continue;
    const type = schema.getType(definition.name.value);
    if (isInputObjectType(type) && definition.directives?.some(({ name }) => name.value === 'oneOf') === true)
      type.isOneOf = true;
  }
}

/**
 * The descriptions of types and fields. A type or key field that several files describe has the description of the first:
 * the core schema, then the sources in their order. Stitching takes that of the last file, and changes the nodes.
 */
function readDescriptions({ coreSchema, sources }: Sdl): ReadonlyMap<string, string> {
  const descriptions = new Map<string, string>();
  const add = (path: string, { description }: { description?: StringValueNode | undefined }) => {
    if (description !== undefined && !descriptions.has(path)) descriptions.set(path, description.value);
  };
  for (const { definitions } of [coreSchema, ...sources.values()]) {
    for (const definition of definitions) {
      if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION) continue;
      const { value: type } = definition.name;
      add(type, definition);
      for (const field of definition.fields ?? []) add(`${type}.${field.name.value}`, field);
    }
  }
  return descriptions;
}

function setDescriptions(schema: GraphQLSchema, descriptions: ReadonlyMap<string, string>): void {
  for (const [path, description] of descriptions) {
    const [typeName = '', fieldName] = path.split('.');
    const type = schema.getType(typeName);
    if (!isObjectType(type)) continue;
    const described = fieldName === undefined ? type : type.getFields()[fieldName];
    if (described !== undefined) described.description = description;
  }
}

/** The types below a system's objects. Results of its entry points are only read, and never passed to the executor. */
function typesWithin(schema: GraphQLSchema): string[] {
  return Object.values(schema.getTypeMap()).flatMap((type) =>
    isObjectType(type) && type !== schema.getQueryType()
      ? Object.values(type.getFields()).map((field) => getNamedType(field.type).name)
      : [],
  );
}

function placeResolvers(
  schema: GraphQLSchema,
  sdl: Sdl,
  stitched: readonly StitchedSource[],
  resolvers: readonly IResolvers[],
): void {
  const remoteTypes = new Set(stitched.flatMap((source) => typesWithin(source.schema)));
  const entities = new Set(stitched.flatMap(({ declaration }) => Object.keys(declaration.entities)));
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || isIntrospectionType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const owner = stitched.find(({ name }) => name === sdl.owners.get(`${type.name}.${field.name}`));
      const isLocal = owner === undefined;
      // Stitching wraps resolvers to merge other sources' parts. Here the fields of those sources do that.
      const declared = ownResolver(resolvers, type.name, field.name);
      if (declared !== undefined) field.resolve = declared;
      if (!isLocal && entities.has(type.name) && type.name in owner.declaration.entities) {
        field.resolve = lazyField(owner, type.name) as Resolver;
      } else if (
        isLocal &&
        entities.has(getNamedType(field.type).name) &&
        getNamedType(field.type).name !== 'Customer'
      ) {
        field.resolve = withParentField(declared ?? readField);
      } else if (declared === undefined && remoteTypes.has(type.name)) {
        field.resolve = readField;
      } else if (isLocal && declared === undefined) {
        // Stitching's default resolver reads a property and searches for remote parts. Without a resolver the executor
        // reads the property directly, which is faster.
        delete field.resolve;
      }
    }
  }
}
