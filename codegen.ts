import { existsSync, readFileSync } from 'node:fs';
import type { CodegenConfig } from '@graphql-codegen/cli';
import { Kind, parse } from 'graphql';
import { sources } from './sources/index.js';

const CORE = ['scalars', 'directives', 'customer', 'audiences', 'events'].map(
  (name) => `schema/${name}.graphql`,
);
// The real input is made from what is plugged in (src/stitching/sdl.ts); resolvers read it as any identifier.
// Resolvers return and get the name of a source, which becomes a value of the enum.
const SOURCE = 'scalar Source';
const CUSTOMER_KEY = 'input CustomerKey @oneOf { email: String }';
const AUDIENCE_CONDITION = 'input AudienceCondition @oneOf { not: AudienceCondition }';

/**
 * Types whose resolvers get the source's own record: `<Type>Record` of its mapping.ts. All others get the type of the SDL.
 */
function recordsOf(source: string): Record<string, string> {
  const folder = `sources/${source}`;
  const sdl = parse(readFileSync(`schema/${folder}.graphql`, 'utf8'));
  const mapping = existsSync(`${folder}/mapping.ts`) ? readFileSync(`${folder}/mapping.ts`, 'utf8') : '';
  return Object.fromEntries(
    sdl.definitions.flatMap((definition) => {
      if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION) return [];
      const type = definition.name.value;
      return new RegExp(`^export (interface|type) ${type}Record\\b`, 'm').test(mapping)
        ? [[type, `./mapping.js#${type}Record`]]
        : [];
    }),
  );
}

const shared = {
  scalars: {
    Date: 'string',
    DateTime: 'string',
    Decimal: 'string',
    BigInt: 'string',
    Duration: 'string',
    Source: 'string',
    ID: { input: 'string', output: 'string' },
  },
  enumsAsTypes: true,
  useTypeImports: true,
  strictScalars: true,
  avoidOptionals: { field: false, inputValue: false, object: true, defaultValue: true },
  maybeValue: 'T | null | undefined',
};

/** Types of the core schema whose resolvers get a record of the engine. `engine` is the module of a name. */
const engineRecords = (engine: (name: string) => string): Record<string, string> => ({
  Customer: `${engine('customer')}#Customer as CustomerHandle`,
  Company: `${engine('company')}#Company as CompanyHandle`,
  Ticket: `${engine('ticket')}#TicketRecord as TicketHandle`,
  TicketComment: `${engine('ticket')}#TicketCommentRecord as TicketCommentHandle`,
  Deal: `${engine('deal')}#DealRecord as DealHandle`,
  Organisation: `${engine('organisation')}#OrganisationRecord as OrganisationHandle`,
});

const types = (engine: (name: string) => string, item: Record<string, string>, schema: string[]) => ({
  schema: [...CORE, CUSTOMER_KEY, AUDIENCE_CONDITION, SOURCE, ...schema],
  plugins: ['typescript', 'typescript-resolvers'],
  config: {
    ...shared,
    // loadField() returns no Promise, but a PromiseLike.
    customResolverFn:
      '(parent: TParent, args: TArgs, context: TContext, info: GraphQLResolveInfo) => PromiseLike<TResult> | TResult',
    // A list may contain promises of its items, and an item may be null.
    resolverTypeWrapperSignature: 'PromiseLike<T> | PromiseLike<T | null> | T',
    contextType: `${engine('customer')}#Context`,
    mappers: { ...engineRecords(engine), ...item },
  },
});

const config: CodegenConfig = {
  importExtension: '.js',
  generates: {
    'src/customer/schema.generated.ts': types(
      (name) => `./${name}.js`,
      {
        CustomerEvent: './customer.js#CustomerEvent as CustomerEventHandle',
        TimelineEntry: './timeline.js#TimelineNode',
      },
      [],
    ),
    ...Object.fromEntries(
      sources
        .filter(({ resolvers }) => resolvers !== undefined)
        .map(({ name }) => [
          `sources/${name}/schema.generated.ts`,
          types(() => '../../src/index.js', recordsOf(name), [`schema/sources/${name}.graphql`]),
        ]),
    ),
  },
};

export default config;
