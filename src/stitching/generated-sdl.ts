import type { AnyCondition, ConditionType } from '../customer/condition-declaration.js';
import type { Namespace } from '../identity/declaration.js';

/** `CustomerKey` has a field for the id, and for each namespace by which a plugged-in source finds customers. */
export function customerKeySdl(namespaces: Iterable<Namespace>): string {
  const fields = [...namespaces].map(
    ({ name, description }) => `  """\n  ${description}\n  """\n  ${name}: String`,
  );
  return `"""\nThe identifier to find a customer by: exactly one.\n"""\ninput CustomerKey @oneOf {\n  "The value of \`Customer.id\`."\n  id: ID\n${fields.join('\n')}\n}\n`;
}

/** The value of the enum `Source` for a source: `LOYALTY_CLUB` for `loyalty-club`. */
export function sourceValue(source: string): string {
  return source.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
}

/** The enum `Source` has a value for each plugged-in source. Without sources it has `NONE`, since no enum can be empty. */
export function sourceEnumSdl(sources: readonly string[]): string {
  const values = sources.map((source) => `  "The source \`${source}\`."\n  ${sourceValue(source)}`);
  if (values.length === 0) values.push('  "No source is plugged in."\n  NONE');
  return `"""\nA source system. The description of each value has the name that errors contain.\n"""\nenum Source {\n${values.join('\n')}\n}\n`;
}

const COMPARISONS: Readonly<Record<ConditionType, string>> = {
  COUNT: 'CountComparison',
  MONEY: 'MoneyComparison',
  DATE_TIME: 'MomentComparison',
  TEXT: 'TextComparison',
  TICKETS: 'TicketsComparison',
};

/** `AudienceCondition` has a field for each condition of a plugged-in source, and combines them. */
export function audienceConditionSdl(
  conditions: Iterable<Pick<AnyCondition, 'name' | 'description' | 'type'>>,
): string {
  const fields = [...conditions].map(
    ({ name, description, type }) => `  """\n  ${description}\n  """\n  ${name}: ${COMPARISONS[type]}`,
  );
  return `"""
A condition that each member of an audience meets: exactly one. When the data that decides it is missing, the customer is unknown.
"""
input AudienceCondition @oneOf {
  "Each of these conditions holds."
  all: [AudienceCondition!]
  "At least one of these conditions holds."
  any: [AudienceCondition!]
  "This condition does not hold."
  not: AudienceCondition
${fields.join('\n')}
}
`;
}
