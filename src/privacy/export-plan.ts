import {
  getNamedType,
  getNullableType,
  isAbstractType,
  isLeafType,
  isListType,
  isObjectType,
  isRequiredArgument,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import { MAX_PAGE_SIZE } from '../connection.js';

/** Page size of nested lists: smaller, because the sizes of all levels multiply. */
const NESTED_SIZE = 20;
/** Maximum depth of a selection, deeper than any type. Cycles of types end earlier. */
const MAX_LEVELS = 12;

/** One field of Customer with all fields below it. */
export interface Section {
  field: string;
  /** The operation for the field, with the variables `by`, and `after` if it has pages. */
  query: string;
  isPaged: boolean;
  /** Lists of limited size without pages, by their path below the customer. */
  slices: readonly { path: readonly string[]; size: number }[];
}

/** A field that is not exported. */
export interface NotExported {
  field: string;
  reason: string;
}

export interface ExportPlan {
  sections: readonly Section[];
  notExported: readonly NotExported[];
}

/** Plans the operations for all data of a customer. The plan is derived from the schema, so it includes every source. */
export function planExport(schema: GraphQLSchema): ExportPlan {
  const customer = schema.getType('Customer');
  if (!isObjectType(customer)) throw new Error('The schema has no type Customer.');
  const sections: Section[] = [];
  const notExported: NotExported[] = [];

  for (const field of fieldsOf(customer)) {
    const slices: Section['slices'][number][] = [];
    const selection = select(field, [], [customer]);
    if (selection === null) continue;
    const isPaged = isConnection(getNamedType(field.type)) && has(field, 'after');
    sections.push({
      field: field.name,
      query: `query Export($by: CustomerKey!${isPaged ? ', $after: String' : ''}) { customer(by: $by) { ${selection} } }`,
      isPaged,
      slices,
    });

    /** The selection of a field; null if it cannot be exported. */
    function select(
      { name, type, args }: GraphQLField<unknown, unknown>,
      above: readonly string[],
      types: readonly GraphQLNamedType[],
    ): string | null {
      const path = [...above, name];
      const leaveOut = (reason: string): null => {
        notExported.push({ field: path.join('.'), reason });
        return null;
      };
      const required = args.find(isRequiredArgument);
      if (required !== undefined) return leaveOut(`it needs a value for the argument "${required.name}"`);
      const writtenArguments: string[] = [];
      const of = getNamedType(type);
      if (args.some((argument) => argument.name === 'first')) {
        const size = above.length === 0 ? MAX_PAGE_SIZE : NESTED_SIZE;
        writtenArguments.push(`first: ${size}`);
        if (isListType(getNullableType(type))) slices.push({ path, size });
        // A connection inside a list is read to its first page only.
        else if (above.length > 0 && isConnection(of)) slices.push({ path: [...path, 'nodes'], size });
      }
      if (above.length === 0 && isConnection(of) && args.some((argument) => argument.name === 'after'))
        writtenArguments.push('after: $after');
      const call = writtenArguments.length === 0 ? name : `${name}(${writtenArguments.join(', ')})`;
      if (isLeafType(of)) return call;
      if (types.includes(of)) return leaveOut(`it leads back to ${of.name}`);
      if (types.length >= MAX_LEVELS) return leaveOut('it is nested too deep');
      const inside = (type: GraphQLObjectType): string =>
        fieldsOf(type)
          // `edges` repeats `nodes`, with cursors that an export does not need.
          .filter((inner) => !(inner.name === 'edges' && isConnection(type)))
          .flatMap((inner) => select(inner, path, [...types, of]) ?? [])
          .join(' ');
      const fields = isAbstractType(of)
        ? schema.getPossibleTypes(of).map((type) => `... on ${type.name} { __typename ${inside(type)} }`)
        : isObjectType(of)
          ? [inside(of)]
          : [];
      return `${call} { ${fields.join(' ')} }`;
    }
  }
  return { sections, notExported };
}

function fieldsOf(type: GraphQLObjectType): GraphQLField<unknown, unknown>[] {
  // Fields with this prefix are internal to stitching.
  return Object.values(type.getFields()).filter(({ name }) => !name.startsWith('_'));
}

function has({ args }: GraphQLField<unknown, unknown>, argument: string): boolean {
  return args.some(({ name }) => name === argument);
}

function isConnection(type: GraphQLNamedType): boolean {
  if (!isObjectType(type)) return false;
  const { nodes, pageInfo } = type.getFields();
  return nodes !== undefined && pageInfo !== undefined;
}
