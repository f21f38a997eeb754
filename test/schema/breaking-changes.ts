import { CriticalityLevel, diff, type Change } from '@graphql-inspector/core';
import {
  buildSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  type GraphQLSchema,
} from 'graphql';

/** A member that can be deprecated: a field, an argument, an enum value or a field of an input. */
interface Deprecatable {
  deprecationReason?: string | null | undefined;
}

/**
 * Lists the changes between two published schemas that break a client without a deprecation. A member may be removed
 * only if it was `@deprecated` in the earlier schema. Each change is one sentence.
 */
export async function breakingChanges(before: string, after: string): Promise<string[]> {
  const schema = buildSchema(before);
  const changes = await diff(schema, buildSchema(after));
  return changes
    .filter(
      (change) => change.criticality.level === CriticalityLevel.Breaking && !wasDeprecated(change, schema),
    )
    .map(({ message }) => `${message}.`);
}

function wasDeprecated({ type, path = '' }: Change, before: GraphQLSchema): boolean {
  if (!String(type).endsWith('_REMOVED')) return false;
  const [typeName = '', ...names] = path.split('.');
  if (names.length === 0) return isReachedByDeprecatedOnly(typeName, before);
  return isDeprecated(memberOf(before, typeName, names));
}

function isDeprecated(member: Deprecatable | undefined): boolean {
  return member?.deprecationReason != null;
}

/** The member of a type by its path: a field and its argument, an enum value, a field of an input. */
function memberOf(
  schema: GraphQLSchema,
  typeName: string,
  [name = '', argument]: readonly string[],
): Deprecatable | undefined {
  const type = schema.getType(typeName);
  if (isEnumType(type)) return type.getValue(name) ?? undefined;
  if (isInputObjectType(type)) return type.getFields()[name];
  if (!isObjectType(type) && !isInterfaceType(type)) return undefined;
  const field = type.getFields()[name];
  // The arguments of a deprecated field may be removed with it.
  if (argument === undefined || isDeprecated(field)) return field;
  return field?.args.find((arg) => arg.name === argument);
}

/** A removed type breaks no client if everything that leads to it was deprecated. */
function isReachedByDeprecatedOnly(typeName: string, schema: GraphQLSchema): boolean {
  return Object.values(schema.getTypeMap()).every((type) => {
    if (isInputObjectType(type))
      return Object.values(type.getFields()).every(
        (field) => getNamedType(field.type).name !== typeName || isDeprecated(field),
      );
    if (!isObjectType(type) && !isInterfaceType(type)) return true;
    return Object.values(type.getFields()).every(
      (field) =>
        isDeprecated(field) ||
        (getNamedType(field.type).name !== typeName &&
          field.args.every(
            (argument) => getNamedType(argument.type).name !== typeName || isDeprecated(argument),
          )),
    );
  });
}
