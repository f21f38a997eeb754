import type { DeclaredField, DeclaredSchema } from './declared.js';
import { namedType } from './declared.js';

/** An operation that queries one field of Query or Customer, with all fields below it. */
export interface WholeField {
  /** The field, such as `Customer.orders` or `Query.company`. */
  path: string;
  /** The operation by `Query.customer`. `ofVisitor` uses `Query.me`, for callers that may not find customers. */
  operation: string;
  ofVisitor: string;
  /** Every `Type.field` in the operation. */
  fields: ReadonlySet<string>;
}

/** Arguments that select the customer or the object. */
const FIXED_ARGUMENTS: Readonly<Record<string, string>> = {
  'Query.customer': 'by: $by',
  'Query.customers': 'by: [$by]',
  'Query.identify': 'by: $by',
  'Query.company': 'by: { kvkNumber: "90000017" }',
  'Query.weather': 'latitude: "52.1", longitude: "5.2"',
  // The limit exceeds the total, so that entries of other kinds cannot replace those of a hidden kind.
  'Customer.timeline': 'first: 100',
};

/** Two items of a list have the same fields as a longer list. */
const PAGE_SIZE = 2;

const MAX_DEPTH = 8;

/** `keys` are of a company and an order that exist. */
export function wholeFields(
  schema: DeclaredSchema,
  keys: { kvkNumber: string; orderNumber: string },
): WholeField[] {
  const values: Readonly<Record<string, string | undefined>> = {
    ...FIXED_ARGUMENTS,
    'Query.company': `by: { kvkNumber: "${keys.kvkNumber}" }`,
    'Query.findCustomers': `by: { orderNumber: "${keys.orderNumber}" }`,
  };

  const write = (
    type: string,
    name: string,
    field: DeclaredField,
    above: string[],
    seen: Set<string>,
  ): string => {
    seen.add(`${type}.${name}`);
    return `${name}${argumentsOf(type, name, field)}${selectionOf(namedType(field.type), [...above, type], seen)}`;
  };

  const argumentsOf = (type: string, name: string, field: DeclaredField): string => {
    const value = values[`${type}.${name}`];
    if (value !== undefined) return `(${value})`;
    const missing = field.arguments.filter(({ isRequired }) => isRequired);
    if (missing.length > 0) throw new Error(`${type}.${name} is new: add its arguments to whole-view.ts.`);
    return field.arguments.some((argument) => argument.name === 'first') ? `(first: ${PAGE_SIZE})` : '';
  };

  const selectionOf = (type: string, above: string[], seen: Set<string>): string => {
    const members = schema.unions.get(type);
    if (members !== undefined)
      return ` { __typename ${members
        .map((member) => `... on ${member}${selectionOf(member, above, seen)}`)
        .join(' ')} }`;
    const fields = schema.types.get(type);
    if (fields === undefined) return '';
    const inside = [...fields].flatMap(([name, field]) => {
      const next = namedType(field.type);
      // Only the id of a nested customer is queried, because each field of Customer has its own operation.
      if (next === 'Customer') {
        seen.add(`${type}.${name}`);
        return [`${name}${argumentsOf(type, name, field)} { id }`];
      }
      // An object within another object of its type has the same fields, so it is omitted.
      const isRepeated = above.includes(next) || next === type || above.length > MAX_DEPTH;
      return (schema.types.has(next) || schema.unions.has(next)) && isRepeated
        ? []
        : [write(type, name, field, above, seen)];
    });
    return ` { ${inside.length === 0 ? '__typename' : inside.join(' ')} }`;
  };

  // The members of an audience depend on the caller and the purpose: audience-matrix.test.ts.
  const omitted = ['me', 'customer', 'audience', 'audiencePlan'];
  const roots = [...(schema.types.get('Query') ?? [])].filter(([name]) => !omitted.includes(name));
  const ofQuery = roots.map(([name, field]): WholeField => {
    const fields = new Set<string>();
    const body =
      namedType(field.type) === 'Customer'
        ? `${name}${argumentsOf('Query', name, field)} { id }`
        : write('Query', name, field, [], fields);
    fields.add(`Query.${name}`);
    const variables = body.includes('$by') ? '($by: CustomerKey!)' : '';
    const operation = `query Query_${name}${variables} { ${body} }`;
    return { path: `Query.${name}`, operation, ofVisitor: operation, fields };
  });
  const ofCustomer = [...(schema.types.get('Customer') ?? [])].map(([name, field]): WholeField => {
    const fields = new Set<string>();
    const body = write('Customer', name, field, ['Query'], fields);
    return {
      path: `Customer.${name}`,
      operation: `query Customer_${name}($by: CustomerKey!) { customer(by: $by) { ${body} } }`,
      ofVisitor: `query Me_${name} { me { ${body} } }`,
      fields,
    };
  });
  return [...ofQuery, ...ofCustomer];
}
