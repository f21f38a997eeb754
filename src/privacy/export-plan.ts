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

/** Of lists in lists fewer at a time: what a system is asked for at once is all of them multiplied. */
const NESTED_SIZE = 20;
/** Deeper than any type goes; where types go in circles the repetition ends it. */
const MAX_LEVELS = 12;

/** One field of Customer with all that lies under it. */
export interface Section {
  field: string;
  /** Asks for it with the variables `by`, and `after` where it is read page by page. */
  query: string;
  isPaged: boolean;
  /** Lists that are given up to so many, without a next page, by their path below the customer. */
  slices: readonly { path: readonly string[]; size: number }[];
}

/** A field that is not asked for. */
export interface NotExported {
  field: string;
  reason: string;
}

export interface ExportPlan {
  sections: readonly Section[];
  notExported: readonly NotExported[];
}

/** What to ask for to get all that the schema publishes of a customer. Made of the schema, so no source can be left out. */
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

    /** Null when it cannot be asked for. */
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
      if (required !== undefined) return leaveOut(`its argument "${required.name}" has to be chosen`);
      const given: string[] = [];
      const of = getNamedType(type);
      if (args.some((argument) => argument.name === 'first')) {
        const size = above.length === 0 ? MAX_PAGE_SIZE : NESTED_SIZE;
        given.push(`first: ${size}`);
        if (isListType(getNullableType(type))) slices.push({ path, size });
      }
      if (above.length === 0 && isConnection(of) && args.some((argument) => argument.name === 'after'))
        given.push('after: $after');
      const call = given.length === 0 ? name : `${name}(${given.join(', ')})`;
      if (isLeafType(of)) return call;
      if (types.includes(of)) return leaveOut(`it leads back to ${of.name}`);
      if (types.length >= MAX_LEVELS) return leaveOut('it lies too deep');
      const inside = (one: GraphQLObjectType): string =>
        fieldsOf(one)
          // The same again, with cursors that nobody needs any more.
          .filter((inner) => !(inner.name === 'edges' && isConnection(one)))
          .flatMap((inner) => select(inner, path, [...types, of]) ?? [])
          .join(' ');
      const fields = isAbstractType(of)
        ? schema.getPossibleTypes(of).map((one) => `... on ${one.name} { __typename ${inside(one)} }`)
        : isObjectType(of)
          ? [inside(of)]
          : [];
      return `${call} { ${fields.join(' ')} }`;
    }
  }
  return { sections, notExported };
}

function fieldsOf(type: GraphQLObjectType): GraphQLField<unknown, unknown>[] {
  // What begins so is for stitching alone.
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
