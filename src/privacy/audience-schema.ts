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
import type { FieldPolicy, Policies } from '../stitching/policies.js';
import { accessTo, textOfAudience, type Access, type Audience } from './access.js';
import { masked } from './masking.js';
import type { ConsentGuard } from './consent-guard.js';

type Field = GraphQLFieldConfig<unknown, Context>;

/** Audiences whose schemas are kept: roles, purposes and narrowed keys make dozens, not thousands. */
const MAX_AUDIENCES = 50;

export interface AudienceSchemasOptions {
  schema: GraphQLSchema;
  policies: Policies;
  needConsent: ReadonlySet<Purpose>;
  consentGuard: ConsentGuard;
}

/** What each audience may ask and see. */
export interface AudienceSchemas {
  /**
   * The schema with what the audience may not see refused, masked, or withheld until the customer allows it. What it may
   * see is as it was, so that it costs nothing more.
   */
  executed(audience: Audience): GraphQLSchema;
  /** What introspection shows: all that the audience may see for one of the purposes that its callers may declare. */
  shown(audience: Audience, purposes: readonly Purpose[]): GraphQLSchema;
}

export function createAudienceSchemas({
  schema,
  policies,
  needConsent,
  consentGuard,
}: AudienceSchemasOptions): AudienceSchemas {
  const executed = new LRUCache<string, GraphQLSchema>({ max: MAX_AUDIENCES });
  const shown = new LRUCache<string, GraphQLSchema>({ max: MAX_AUDIENCES });

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
      let made = executed.get(key);
      if (made === undefined) executed.set(key, (made = makeExecuted(audience)));
      return made;
    },
    shown: (audience, purposes) => {
      const key = `${textOfAudience(audience)} ${purposes.join(' ')}`;
      let made = shown.get(key);
      if (made === undefined) shown.set(key, (made = makeShown(audience, purposes)));
      return made;
    },
  };
}

type Resolve = GraphQLFieldResolver<unknown, Context>;

/** The resolver with what stands between the audience and the value; the same one when nothing does. */
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
          return value instanceof Promise ? value.then((one) => masked(one, mask)) : masked(value, mask);
        };
  if (consent === undefined) return shown;
  return (parent, args, context, info) =>
    // Access asks for consent on the fields of Customer alone, whose objects are all made by the customer view.
    permissions.readWithConsent(parent as Customer, context, consent, (): unknown =>
      shown(parent, args, context, info),
    );
}
