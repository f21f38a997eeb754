import {
  getNamedType,
  isEnumType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  isUnionType,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import type { SourceDefinition } from '../source.js';

/** Writes the queries of a source with all of its fields, for a customer or a company. */

/**
 * The maximum nesting of objects below the customer. The nodes of a connection are on the level of the
 * connection.
 */
const MAX_LEVELS = 4;
/** The page size of a connection. */
const PAGE_SIZE = 100;
/** Fields whose values differ between two runs. */
const VOLATILE = new Set(['fetchedAt']);
/** Ids that the gateway encrypts. */
const SEALED = new Set(['TimelineEntry', 'Ticket', 'Deal']);
/** Fields of the core schema with values of the customer's record. */
const PROFILE = [
  'name',
  'primaryEmail',
  'primaryPhone',
  'address',
  'language',
  'bornOn',
  'emails',
  'phones',
  'identifiers',
];

/** The gateway's schema with one source, and the source of each field of Customer. */
export interface SourceSchema {
  schema: GraphQLSchema;
  sourceOfField: ReadonlyMap<string, string>;
}

export interface SourceQueries {
  /** One customer: `$by` is a CustomerKey. Undefined if the source adds nothing to customers. */
  customer: string | undefined;
  /** Several customers: `$by` is a list of CustomerKey. */
  customers: string | undefined;
  /** One company: `$by` is a CompanyKey. Undefined if the source finds no companies. */
  company: string | undefined;
}

/** Writes the queries of a source, with all of its fields, four levels deep. */
export function queriesOf(
  { schema, sourceOfField }: SourceSchema,
  source: Pick<
    SourceDefinition,
    'name' | 'identity' | 'companies' | 'consents' | 'timeline' | 'tickets' | 'deals' | 'organisations'
  >,
): SourceQueries {
  const { name, identity, companies, consents, timeline, tickets, deals, organisations } = source;
  const ownFields = [...sourceOfField].flatMap(([field, owner]) => (owner === name ? [field] : []));
  const combined = Object.entries({ consents, timeline, tickets, deals, organisations }).flatMap(
    ([field, declared]) => (declared === undefined ? [] : [field]),
  );
  const fields = [...(identity === undefined ? [] : PROFILE), ...ownFields, ...combined];
  const customer = selectionOf(schema, 'Customer', (field) => fields.includes(field));
  const company = companies === undefined ? '' : selectionOf(schema, 'Company', () => true);
  return {
    customer: customer === '' ? undefined : `query($by: CustomerKey!) { customer(by: $by) { ${customer} } }`,
    customers:
      customer === '' ? undefined : `query($by: [CustomerKey!]!) { customers(by: $by) { ${customer} } }`,
    company: company === '' ? undefined : `query($by: CompanyKey!) { company(by: $by) { ${company} } }`,
  };
}

function selectionOf(schema: GraphQLSchema, type: string, isSelected: (field: string) => boolean): string {
  const found = schema.getType(type);
  return isObjectType(found) ? selection(schema, found, MAX_LEVELS, isSelected) : '';
}

function selection(
  schema: GraphQLSchema,
  type: GraphQLObjectType,
  levels: number,
  isSelected: (field: string) => boolean = () => true,
): string {
  return Object.values(type.getFields())
    .filter(
      ({ name }) => isSelected(name) && !VOLATILE.has(name) && !(name === 'id' && SEALED.has(type.name)),
    )
    .flatMap((field) => fieldText(schema, field, levels))
    .join(' ');
}

/** Returns an empty list for a field that needs an argument, or whose objects are nested too deep. */
function fieldText(
  schema: GraphQLSchema,
  { name, args, type }: GraphQLField<unknown, unknown>,
  levels: number,
): string[] {
  if (args.some((argument) => isRequiredArgument(argument))) return [];
  const head = args.some((argument) => argument.name === 'first') ? `${name}(first: ${PAGE_SIZE})` : name;
  const named = getNamedType(type);
  if (isLeafType(named) || isEnumType(named)) return [head];
  const inner = objectText(schema, named, levels);
  return inner === '' ? [] : [`${head} { ${inner} }`];
}

function objectText(schema: GraphQLSchema, type: GraphQLNamedType, levels: number): string {
  if (isObjectType(type)) {
    const { nodes } = type.getFields();
    if (nodes !== undefined && type.name.endsWith('Connection'))
      return fieldText(schema, nodes, levels).join(' ');
    return levels === 0 ? '' : selection(schema, type, levels - 1);
  }
  if (levels === 0 || !(isUnionType(type) || isInterfaceType(type))) return '';
  const parts = schema.getPossibleTypes(type).flatMap((possible) => {
    const inner = selection(schema, possible, levels - 1);
    return inner === '' ? [] : [`... on ${possible.name} { ${inner} }`];
  });
  return ['__typename', ...parts].join(' ');
}
