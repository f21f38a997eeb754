import fc from 'fast-check';
import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  isLeafType,
  isNonNullType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';

/** A random valid operation with its variables. */
export interface GeneratedOperation {
  query: string;
  variables: Record<string, unknown>;
}

export interface GeneratorOptions {
  /** Maximum depth of nested fields. */
  maxDepth: number;
  /** Maximum number of fields in a selection. */
  maxFields: number;
  /** Values of the argument `first`. */
  pages: readonly number[];
  /** The argument of `customers(by:)`. */
  customers: readonly { email: string }[];
  /** The argument of fields that find one customer. */
  customer: { email: string };
}

/** Generates operations with nested lists, long pages, aliases, and named and inline fragments. */
export function generateOperations(
  schema: GraphQLSchema,
  options: GeneratorOptions,
): fc.Arbitrary<GeneratedOperation> {
  const query = schema.getQueryType();
  if (query == null) throw new Error('The schema has no query type.');
  return fc.infiniteStream(fc.nat()).map((numbers) => {
    const writer = new Writer(schema, options, (of) => {
      const chosen = of[Number(numbers.next().value) % of.length];
      if (chosen === undefined) throw new Error('There is no item to choose.');
      return chosen;
    });
    const selected = writer.selection(query, 1);
    const text = [`{ ${selected} }`, ...writer.fragments].join('\n');
    const declared = Object.entries(KEYS).filter(([name]) => text.includes(`$${name}`));
    if (declared.length === 0) return { query: text, variables: {} };
    return {
      query: `query (${declared.map(([name, type]) => `$${name}: ${type}`).join(', ')}) ${text}`,
      variables: Object.fromEntries(
        declared.map(([name]) => [name, name === 'many' ? options.customers : options.customer]),
      ),
    };
  });
}

const KEYS = { many: '[CustomerKey!]!', one: 'CustomerKey!' } as const;

class Writer {
  #aliases = 0;
  readonly fragments: string[] = [];

  constructor(
    readonly schema: GraphQLSchema,
    readonly options: GeneratorOptions,
    readonly pick: <T>(of: readonly T[]) => T,
  ) {}

  selection(type: GraphQLObjectType, depth: number): string {
    const fields = Object.values(type.getFields()).filter((field) => this.#isAskable(field, depth));
    if (fields.length === 0) return '__typename';
    // What leads on to further objects is what makes an operation expensive.
    const leading = fields.filter(({ type: out }) => isCompositeType(getNamedType(out)));
    const count = this.pick(Array.from({ length: this.options.maxFields }, (_, i) => i + 1));
    const text = Array.from({ length: count }, () =>
      this.#field(this.pick(leading.length > 0 && this.pick([1, 2, 3]) < 3 ? leading : fields), depth),
    ).join(' ');
    const way = this.pick(['plain', 'plain', 'inline', 'named']);
    if (way === 'plain') return text;
    if (way === 'inline') return `... on ${type.name} { ${text} }`;
    const name = `F${this.fragments.length}`;
    this.fragments.push(`fragment ${name} on ${type.name} { ${text} }`);
    return `...${name}`;
  }

  #isAskable({ type, args }: GraphQLField<unknown, unknown>, depth: number): boolean {
    if (isCompositeType(getNamedType(type)) && depth >= this.options.maxDepth) return false;
    return args.every((arg) => !isNonNullType(arg.type) || this.#value(arg) !== undefined);
  }

  #field(field: GraphQLField<unknown, unknown>, depth: number): string {
    const writtenArgs = field.args.flatMap((arg) => {
      const value = this.#value(arg);
      if (value === undefined || (!isNonNullType(arg.type) && this.pick([true, false]))) return [];
      return [`${arg.name}: ${value}`];
    });
    const type = getNamedType(field.type);
    // Two of one name could not be merged when they differ.
    const alias = isLeafType(type) && field.args.length === 0 ? '' : `a${this.#aliases++}: `;
    const selected = `${alias}${field.name}${writtenArgs.length === 0 ? '' : `(${writtenArgs.join(', ')})`}`;
    return `${selected}${this.#inside(type, depth)}`;
  }

  #inside(type: GraphQLNamedType, depth: number): string {
    if (isObjectType(type)) return ` { ${this.selection(type, depth + 1)} }`;
    if (!isAbstractType(type)) return '';
    const possible = this.schema
      .getPossibleTypes(type)
      .map((objectType) => `... on ${objectType.name} { ${this.selection(objectType, depth + 1)} }`);
    return ` { ${possible.join(' ')} }`;
  }

  /** The value of an argument; undefined to omit the argument. */
  #value({ name, type }: GraphQLArgument): string | undefined {
    if (name === 'first') return String(this.pick(this.options.pages));
    const named = getNamedType(type).name;
    if (named === 'CompanyKey') return '{ kvkNumber: "68750110" }';
    if (named === 'CustomerKey') return String(type).startsWith('[') ? '$many' : '$one';
    return undefined;
  }
}
