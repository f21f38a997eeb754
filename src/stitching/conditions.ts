import {
  getDirectiveValues,
  getNullableType,
  isObjectType,
  isRequiredArgument,
  Kind,
  type FieldDefinitionNode,
  type GraphQLField,
  type GraphQLSchema,
} from 'graphql';
import { ConfigError } from '../errors.js';
import type { CustomerCondition } from '../webhooks/condition.js';
import type { SubscriptionRules } from '../webhooks/interest.js';
import { directiveNamed } from './policies.js';
import { placeOf, type Sdl } from './sdl.js';

/** `@condition`, as schema/directives.graphql declares it. */
interface Declared {
  name: string;
  path?: string | null;
  atLeast?: number | null;
  atMost?: number | null;
}

/**
 * Reads the conditions in the SDL. Throws a ConfigError that lists conditions that cannot be evaluated, and names that are
 * declared twice.
 */
export function readConditions(sdl: Sdl, schema: GraphQLSchema): SubscriptionRules['conditions'] {
  const directive = directiveNamed('condition', sdl);
  const conditions = new Map<string, CustomerCondition>();
  const problems: string[] = [];
  for (const type of [sdl.coreSchema, ...sdl.sources.values()].flatMap(({ definitions }) => definitions)) {
    if (type.kind !== Kind.OBJECT_TYPE_DEFINITION) continue;
    for (const field of type.fields ?? []) {
      const declared = getDirectiveValues(directive, field) as Declared | undefined;
      if (declared === undefined) continue;
      const problem = problemWith(type.name.value, field, declared, schema);
      if (problem !== undefined) problems.push(`${placeOf(field.name)}: ${problem}`);
      else if (conditions.has(declared.name))
        problems.push(`${placeOf(field.name)}: the condition "${declared.name}" is declared twice.`);
      else conditions.set(declared.name, conditionOf(field.name.value, declared));
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return conditions;
}

function problemWith(
  typeName: string,
  { name: { value: fieldName } }: FieldDefinitionNode,
  { name, path, atLeast, atMost }: Declared,
  schema: GraphQLSchema,
): string | undefined {
  const at = `the @condition "${name}" of "${typeName}.${fieldName}"`;
  if (typeName !== 'Customer') return `${at} is not on a field of "Customer".`;
  let type = schema.getType(typeName);
  for (const step of [fieldName, ...stepsOf(path)]) {
    const field: GraphQLField<unknown, unknown> | undefined = isObjectType(type)
      ? type.getFields()[step]
      : undefined;
    if (field === undefined) return `${at} has a path to "${step}", which does not exist.`;
    if (field.args.some(isRequiredArgument)) return `${at} leads to "${step}", which needs arguments.`;
    const inner = getNullableType(field.type);
    type = 'ofType' in inner ? undefined : inner;
  }
  const needed = atLeast == null && atMost == null ? 'Boolean' : 'Int';
  return type?.name === needed
    ? undefined
    : `${at} needs ${needed === 'Int' ? 'an Int for its bounds' : 'a Boolean, or an Int and a bound'}.`;
}

function conditionOf(field: string, { name, path, atLeast, atMost }: Declared): CustomerCondition {
  const steps = [field, ...stepsOf(path)];
  return {
    name,
    selection: steps.reduceRight((inner, step) => (inner === '' ? step : `${step} { ${inner} }`), ''),
    isMet: (customer) => {
      const value = steps.reduce<unknown>(
        (parent, step) =>
          typeof parent === 'object' && parent !== null
            ? (parent as Record<string, unknown>)[step]
            : undefined,
        customer,
      );
      if (typeof value === 'boolean') return value;
      if (typeof value !== 'number') return undefined;
      return value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity);
    },
  };
}

function stepsOf(path: string | null | undefined): string[] {
  return path == null ? [] : path.split('.');
}
