import { readFileSync } from 'node:fs';
import {
  buildSchema,
  defaultFieldResolver,
  getNamedType,
  GraphQLError,
  isLeafType,
  isObjectType,
  type GraphQLFieldResolver,
  type GraphQLSchema,
} from 'graphql';
import { roleOf, type Role } from './cost.js';
import { parseGid } from './gid.js';
import type { SearchReport } from './search-matching.js';

/** The state of one operation while it runs. */
export interface Context {
  spent: number;
  searches: (SearchReport & { path: (string | number)[] })[];
}

export type Resolver = GraphQLFieldResolver<unknown, Context>;

/** Makes a field fail, of one record or (without `id`) of all. */
export interface FailingField {
  type: string;
  field: string;
  /** The global id of the record, or its number. */
  id?: string;
  message: string;
  /** Default INTERNAL_SERVER_ERROR. */
  code?: string;
}

export interface ExecutableSchema {
  schema: GraphQLSchema;
  /** Replaces all former failures by these. */
  failFields: (failing: readonly FailingField[]) => void;
}

const source = readFileSync(new URL('./schema.graphql', import.meta.url), 'utf8');

/**
 * The fields of the root types have resolvers. For other fields, the property of the record is returned, or
 * called if it is a function.
 */
export function createSchema(
  rootResolvers: Record<string, Resolver>,
  mutations: Record<string, Resolver>,
): ExecutableSchema {
  const schema = buildSchema(source);
  for (const [root, resolvers] of [
    [schema.getQueryType(), rootResolvers],
    [schema.getMutationType(), mutations],
  ] as const) {
    for (const [name, resolver] of Object.entries(resolvers)) {
      const field = root?.getFields()[name];
      if (!field) throw new Error(`the schema has no root field ${name}`);
      field.resolve = resolver;
    }
  }
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      if (isLeafType(getNamedType(field.type))) continue;
      field.resolve = metered(roleOf(type.name, field), field.resolve ?? defaultFieldResolver);
    }
  }

  const restorers: (() => void)[] = [];
  return {
    schema,
    failFields(failing) {
      for (const restore of restorers.splice(0).reverse()) restore();
      for (const failure of failing) restorers.push(failField(schema, failure));
    },
  };
}

/** The actual cost is counted during the execution. Missing records cost nothing. */
function metered(role: Role, resolver: Resolver): Resolver {
  if (role === 'edges' || role === 'page-info') return resolver;
  if (role === 'connection') {
    return (parent, args, context, info) => {
      // The cost counts even if the field then fails because of its arguments.
      context.spent += 2;
      return resolver(parent, args, context, info);
    };
  }
  return (parent, args, context, info) => {
    const value = resolver(parent, args, context, info);
    if (Array.isArray(value)) context.spent += value.filter((entry) => entry !== null).length;
    else if (value !== null && value !== undefined) context.spent += 1;
    return value;
  };
}

function failField(schema: GraphQLSchema, { type, field, id, message, code }: FailingField): () => void {
  const objectType = schema.getType(type);
  const failing = isObjectType(objectType) ? objectType.getFields()[field] : undefined;
  if (!failing) throw new Error(`the stand-in's schema has no field ${type}.${field}`);

  const resolver: Resolver = failing.resolve ?? defaultFieldResolver;
  const guarded: Resolver = (parent, args, context, info) => {
    if (id === undefined || isRecordWithId(parent, id)) {
      throw new GraphQLError(message, { extensions: { code: code ?? 'INTERNAL_SERVER_ERROR' } });
    }
    return resolver(parent, args, context, info);
  };
  failing.resolve = guarded;
  return () => {
    failing.resolve = resolver;
  };
}

function isRecordWithId(parent: unknown, id: string): boolean {
  if (typeof parent !== 'object' || parent === null || !('id' in parent)) return false;
  return parent.id === id || (typeof parent.id === 'string' && parseGid(parent.id)?.id === id);
}
