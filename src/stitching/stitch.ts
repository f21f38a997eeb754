import { addResolversToSchema } from '@graphql-tools/schema';
import { stitchSchemas } from '@graphql-tools/stitch';
import { filterSchema, pruneSchema, type IResolvers } from '@graphql-tools/utils';
import {
  defaultFieldResolver,
  getNamedType,
  GraphQLError,
  GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  Kind,
  specifiedDirectives,
  type DocumentNode,
  type GraphQLFieldResolver,
  type GraphQLNamedType,
} from 'graphql';
import type { Context } from '../customer/customer.js';
import { didYouMean } from '../did-you-mean.js';
import { ConfigError } from '../errors.js';
import { DEFER } from './defer.js';
import { copyOf, setDescriptions } from './descriptions.js';
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

/** The directives of the GraphQL specification. Directives of the gateway are not published to clients. */
const SPECIFIED_DIRECTIVES = new Set(specifiedDirectives.map(({ name }) => name));

/** The executable schema. Local sources resolve in place; GraphQL systems are stitched and called lazily. */
export function stitch({ sdl, resolvers, stitched, policies }: StitchOptions): GraphQLSchema {
  const composed = composeOnce(sdl, stitched);
  const ofSources = [...resolvers].map(([source, ofSource]) => withKeys(ofSource, sdl.keys.get(source)));
  refuseUndeclared(resolvers, composed);
  const schema = addResolversToSchema({
    schema: composed.schema,
    resolvers: mergeResolvers(ofSources),
    // A field that only extends an object of an absent source is not in the schema.
    resolverValidationOptions: { requireResolversToMatchSchema: 'ignore' },
  });
  placeResolvers(schema, sdl, stitched, ofSources);
  describePersonalData(schema, policies);
  return schema;
}

/** What follows from the SDL alone. */
interface Composed {
  /** Without resolvers. */
  schema: GraphQLSchema;
  /** The names of all types, with the fields or values of each, as the files declare them. */
  declared: ReadonlyMap<string, readonly string[]>;
}

/** By SDL, and by the names of the stitched sources: a process may make several gateways, for example at each reload. */
const composedSchemas = new WeakMap<Sdl, Map<string, Composed>>();

function composeOnce(sdl: Sdl, stitched: readonly StitchedSource[]): Composed {
  const names = stitched.map(({ name }) => name).join(' ');
  const ofSdl = composedSchemas.get(sdl) ?? new Map<string, Composed>();
  composedSchemas.set(sdl, ofSdl);
  let composed = ofSdl.get(names);
  if (composed === undefined) ofSdl.set(names, (composed = compose(sdl, stitched)));
  return composed;
}

function compose(sdl: Sdl, stitched: readonly StitchedSource[]): Composed {
  const isStitched = new Set(stitched.map(({ name }) => name));
  const local = [...sdl.sources].filter(([name]) => !isStitched.has(name)).map(([, document]) => document);
  let schema: GraphQLSchema;
  try {
    schema = stitchSchemas({
      subschemas: stitched.map((source) => ({ name: source.name, schema: source.schema })),
      typeDefs: [sdl.coreSchema, ...local].map(copyOf),
      resolvers: { Source: sourceNamesByValue(sdl) },
      assumeValidSDL: false,
    });
  } catch (error) {
    throw new ConfigError([
      `The sources' SDL does not compose: ${error instanceof GraphQLError ? error.message : String(error)}`,
    ]);
  }
  const declared = new Map(
    Object.values(schema.getTypeMap()).map((type) => [type.name, membersOf(type)] as const),
  );
  // Private entry points describe how a source is queried by key. Clients cannot use them. Types that only they reach
  // extend objects of a source that is not plugged in, so they are removed too.
  schema = pruneSchema(
    filterSchema({
      schema,
      rootFieldFilter: (_, field) => !field.startsWith('_'),
      directiveFilter: (name) => SPECIFIED_DIRECTIVES.has(name),
    }),
  );
  const config = schema.toConfig();
  schema = new GraphQLSchema({ ...config, directives: [...config.directives, DEFER] });
  setOneOf(schema, sdl.coreSchema);
  setDescriptions(schema, sdl.descriptions);
  return { schema, declared };
}

/** The names of a type's fields or values. */
function membersOf(type: GraphQLNamedType): string[] {
  if (isObjectType(type) || isInterfaceType(type)) return Object.keys(type.getFields());
  return isEnumType(type) ? type.getValues().map(({ name }) => name) : [];
}

/** Throws a ConfigError that lists the resolvers of types, fields and values that no SDL declares. */
function refuseUndeclared(resolvers: StitchOptions['resolvers'], { declared }: Composed): void {
  const problems = [...resolvers].flatMap(([source, ofSource]) =>
    Object.entries(ofSource).flatMap(([type, ofType]: [string, object]) => {
      const members = declared.get(type);
      const where = source === '' ? 'The customer view' : source;
      if (members === undefined)
        return `${where} has resolvers for the type "${type}", which no SDL declares.${didYouMean(type, declared.keys())}`;
      // A scalar's resolver is the scalar itself.
      return members.length === 0
        ? []
        : Object.keys(ofType)
            .filter((member) => !member.startsWith('__') && !members.includes(member))
            .map(
              (member) =>
                `${where} has a resolver for "${type}.${member}", which no SDL declares.${didYouMean(member, members)}`,
            );
    }),
  );
  if (problems.length > 0) throw new ConfigError(problems);
}

/** The resolvers of all sources, by type. */
function mergeResolvers(ofSources: readonly IResolvers[]): IResolvers {
  const byType: Record<string, object> = {};
  for (const [type, resolvers] of ofSources.flatMap((ofSource) => Object.entries<object>(ofSource)))
    byType[type] = type in byType ? { ...byType[type], ...resolvers } : resolvers;
  return byType;
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
