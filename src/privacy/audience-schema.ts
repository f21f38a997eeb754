import { MapperKind, mapSchema, pruneSchema } from '@graphql-tools/utils';
import {
  defaultFieldResolver,
  type GraphQLFieldConfig,
  type GraphQLFieldResolver,
  type GraphQLSchema,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Context, Customer } from '../customer/customer.js';
import type { Purpose } from '../customer/schema.generated.js';
import { isPromise } from '../is-promise.js';
import type { FieldPolicy, Policies } from '../stitching/policies.js';
import { accessTo, textOfAudience, type Access, type Audience } from './access.js';
import { masked } from './masking.js';
import type { ConsentGuard } from './consent-guard.js';

type Field = GraphQLFieldConfig<unknown, Context>;

/** Number of cached schemas. Roles, purposes and restricted keys give dozens of audiences, not thousands. */
const MAX_CACHED_AUDIENCES = 50;

export interface AudienceSchemasOptions {
  schema: GraphQLSchema;
  policies: Policies;
  needConsent: ReadonlySet<Purpose>;
  consentGuard: ConsentGuard;
}

/** The schema of each audience. */
export interface AudienceSchemas {
  /**
   * The executable schema. Fields that the audience may not see are refused or masked, or wait for consent. All other
   * fields have their original resolvers, so they cost nothing more.
   */
  executed(audience: Audience): GraphQLSchema;
  /** The schema for introspection: all fields that the audience may see for at least one purpose of its callers. */
  shown(audience: Audience, purposes: readonly Purpose[]): GraphQLSchema;
}

export function createAudienceSchemas({
  schema,
  policies,
  needConsent,
  consentGuard,
}: AudienceSchemasOptions): AudienceSchemas {
  const executed = new LRUCache<string, GraphQLSchema>({ max: MAX_CACHED_AUDIENCES });
  const shown = new LRUCache<string, GraphQLSchema>({ max: MAX_CACHED_AUDIENCES });

  const policyOf = (type: string, field: string): FieldPolicy | undefined => policies.get(`${type}.${field}`);

  const makeExecuted = (audience: Audience): GraphQLSchema =>
    mapSchema(schema, {
      [MapperKind.OBJECT_FIELD]: (field: Field, name: string, type: string) => {
        const policy = policyOf(type, name);
        if (policy === undefined) return undefined;
        const access = accessTo(`${type}.${name}`, policy, audience, needConsent);
        const resolve = guarded(field.resolve, access, consentGuard);
        return resolve === undefined || resolve === field.resolve ? undefined : { ...field, resolve };
      },
    });

  const makeShown = (audience: Audience, purposes: readonly Purpose[]): GraphQLSchema => {
    const isShown = (policy: FieldPolicy, path: string): boolean =>
      [audience.purpose, ...purposes].some(
        (purpose) => accessTo(path, policy, { ...audience, purpose }, needConsent).kind === 'allowed',
      );
    return pruneSchema(
      mapSchema(schema, {
        [MapperKind.OBJECT_FIELD]: (_: Field, name: string, type: string) => {
          const policy = policyOf(type, name);
          return policy === undefined || isShown(policy, `${type}.${name}`) ? undefined : null;
        },
      }),
    );
  };

  return {
    executed: (audience) => {
      const key = textOfAudience(audience);
      let audienceSchema = executed.get(key);
      if (audienceSchema === undefined) executed.set(key, (audienceSchema = makeExecuted(audience)));
      return audienceSchema;
    },
    shown: (audience, purposes) => {
      const key = `${textOfAudience(audience)} ${purposes.join(' ')}`;
      let audienceSchema = shown.get(key);
      if (audienceSchema === undefined) shown.set(key, (audienceSchema = makeShown(audience, purposes)));
      return audienceSchema;
    },
  };
}

type Resolve = GraphQLFieldResolver<unknown, Context>;

/** The resolver with the checks for the audience; the original resolver if there are none. */
function guarded(
  resolve: Resolve | undefined,
  access: Access,
  permissions: ConsentGuard,
): Resolve | undefined {
  if (access.kind === 'forbidden')
    return () => {
      throw access.error();
    };
  const { mask, consent } = access;
  if (mask === undefined && consent === undefined) return resolve;
  const read: Resolve = resolve ?? defaultFieldResolver;
  const shown: Resolve =
    mask === undefined
      ? read
      : (parent, args, context, info) => {
          const value: unknown = read(parent, args, context, info);
          return isPromise(value) ? value.then((resolved) => masked(resolved, mask)) : masked(value, mask);
        };
  if (consent === undefined) return shown;
  return (parent, args, context, info) =>
    // accessTo() requires consent only on fields of Customer, so the parent is a Customer.
    permissions.readWithConsent(parent as Customer, context, consent, (): unknown =>
      shown(parent, args, context, info),
    );
}
