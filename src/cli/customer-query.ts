import {
  getNamedType,
  getNullableType,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';

/** The number of entries of each list on a card. */
const MAX_LIST_ENTRIES = 3;

/** Fields that explain the other fields. The card has them only with `--why`. */
const EXPLANATIONS = new Set(['provenance', 'identifiers']);

const IDENTITY = `
  identify(by: $by) {
    __typename
    ... on IdentifiedCustomer {
      links {
        source rule isVerified seenAt
        from { namespace value }
        to { namespace value }
      }
      conflicts { namespace values link { namespace value } }
      limitsReached
      unavailable
    }
    ... on AmbiguousIdentifier { candidateCount reason hints { source recordId name } }
    ... on UnknownIdentifier { queriedSystems }
  }`;

const SURVIVORSHIP = `
  provenance {
    field strategy unavailable
    chosen { ...Held }
    alternatives { ...Held }
  }`;

interface CardOptions {
  /** Adds the evidence for the identity and the chosen values. */
  why: boolean;
  /** The fields of Customer. Default: all. */
  fields?: ReadonlySet<string>;
}

/**
 * The operation for the card of a customer: every field of Customer with its plain values, and the beginning of each list. It is
 * derived from the schema, so it includes every source.
 */
export function customerQuery(schema: GraphQLSchema, { why, fields: only }: CardOptions): string {
  const customer = schema.getType('Customer');
  if (!isObjectType(customer)) throw new Error('The schema has no type Customer.');
  const fields = Object.values(customer.getFields()).flatMap((field) =>
    EXPLANATIONS.has(field.name) || only?.has(field.name) === false
      ? []
      : (select(field, schema, [customer]) ?? []),
  );
  return `query CustomerCard($by: CustomerKey!) {
  customer(by: $by) { ${fields.join(' ')} ${why ? SURVIVORSHIP : ''} }${why ? IDENTITY : ''}
}
${why ? 'fragment Held on FieldValue { value source recordId isVerified updatedAt }' : ''}`;
}

/** The selection of a field. Undefined if the card does not show it. */
function select(
  field: GraphQLField<unknown, unknown>,
  schema: GraphQLSchema,
  types: readonly GraphQLNamedType[],
): string | undefined {
  const { name, type, args } = field;
  if (name.startsWith('_') || args.some(isRequiredArgument)) return undefined;
  const of = getNamedType(type);
  const isSized = args.some((argument) => argument.name === 'first');
  const call = isSized ? `${name}(first: ${MAX_LIST_ENTRIES})` : name;
  if (isLeafType(of)) return call;
  const isOfCustomer = types.length === 1;
  // Below a field of the customer, a list may take one call for each entry. Amounts are part of their object.
  const isCostly = isSized || (isListType(getNullableType(type)) && of.name !== 'Money');
  if (types.includes(of) || (!isOfCustomer && isCostly)) return undefined;
  if (isObjectType(of)) {
    const { nodes, missing } = of.getFields();
    if (nodes !== undefined && isSized) {
      const inside = select(nodes, schema, types);
      return inside === undefined
        ? undefined
        : `${call} { ${inside} pageInfo { hasNextPage } ${missing === undefined ? '' : 'missing { source code }'} }`;
    }
  }
  const inside = isAbstractType(of)
    ? schema.getPossibleTypes(of).map((possible) => {
        const selected = inObject(possible, schema, [...types, of]);
        return `... on ${possible.name} { __typename ${selected} }`;
      })
    : isObjectType(of)
      ? [inObject(of, schema, [...types, of])]
      : [];
  const text = inside.join(' ').trim();
  return text === '' ? undefined : `${call} { ${text} }`;
}

/** The fields of an object: its values, and objects that have only values, such as an amount. */
function inObject(
  type: GraphQLObjectType,
  schema: GraphQLSchema,
  types: readonly GraphQLNamedType[],
): string {
  const fields = Object.values(type.getFields());
  // Fields that are never null often name the object, such as the number of an order.
  return [
    ...fields.filter((field) => isNonNullType(field.type)),
    ...fields.filter((field) => !isNonNullType(field.type)),
  ]
    .filter((field) => isLeafType(getNamedType(field.type)) || (types.length === 2 && isOfValues(field)))
    .flatMap((field) => select(field, schema, types) ?? [])
    .join(' ');
}

function isOfValues({ type }: GraphQLField<unknown, unknown>): boolean {
  const of = getNamedType(type);
  return (
    isObjectType(of) &&
    Object.values(of.getFields()).every(
      (field) => isLeafType(getNamedType(field.type)) && field.args.length === 0,
    )
  );
}
