import type { CodegenConfig } from '@graphql-codegen/cli';
import { sources } from './sources/index.js';

const SPINE = ['schema/scalars.graphql', 'schema/directives.graphql', 'schema/customer.graphql'];
const EVENTS = 'schema/events.graphql';
// The real input is made from what is plugged in (src/stitching/sdl.ts); resolvers read it as any identifier.
const CUSTOMER_KEY = 'input CustomerKey @oneOf { email: String }';

/** Types whose resolvers get the source's own record, from its mapping.ts. */
const RECORDS: Record<string, Record<string, string>> = {
  'order-system': { Order: './mapping.js#OrderRecord', OrderLine: './mapping.js#OrderLineRecord' },
  buienradar: { Weather: './places.js#Place' },
  x: { XProfile: './mapping.js#XProfileRecord' },
  facebook: {
    FacebookProfile: './mapping.js#FacebookProfileRecord',
    FacebookConversation: './mapping.js#ConversationRecord',
  },
  clickstream: {
    ClickEvent: './mapping.js#ClickEventRecord',
    ClickedProduct: './mapping.js#ClickedProductRecord',
  },
  'contact-centre': { Ticket: './mapping.js#TicketRecord' },
  invoices: { Invoice: './mapping.js#InvoiceRecord' },
  kvk: { Branch: './mapping.js#BranchRecord' },
};

const shared = {
  scalars: {
    Date: 'string',
    DateTime: 'string',
    Decimal: 'string',
    BigInt: 'string',
    ID: { input: 'string', output: 'string' },
  },
  enumsAsTypes: true,
  useTypeImports: true,
  strictScalars: true,
  avoidOptionals: { field: false, inputValue: false, object: true, defaultValue: true },
  maybeValue: 'T | null | undefined',
};

const types = (
  importFrom: { customer: string; company: string },
  own: Record<string, string>,
  schema: string[],
) => ({
  schema: [...SPINE, CUSTOMER_KEY, ...schema],
  plugins: ['typescript', 'typescript-resolvers'],
  config: {
    ...shared,
    // A list may hold promises of its items, each of which may turn out to be null.
    resolverTypeWrapperSignature: 'Promise<T> | Promise<T | null> | T',
    contextType: `${importFrom.customer}#Context`,
    mappers: {
      Customer: `${importFrom.customer}#Customer as CustomerHandle`,
      Company: `${importFrom.company}#Company as CompanyHandle`,
      ...own,
    },
  },
});

const config: CodegenConfig = {
  importExtension: '.js',
  generates: {
    'src/customer/schema.generated.ts': types(
      { customer: './customer.js', company: './company.js' },
      { CustomerEvent: './customer.js#CustomerEvent as CustomerEventHandle' },
      [EVENTS],
    ),
    ...Object.fromEntries(
      sources
        .filter(({ resolvers }) => resolvers !== undefined)
        .map(({ name }) => [
          `sources/${name}/schema.generated.ts`,
          types({ customer: '../../src/index.js', company: '../../src/index.js' }, RECORDS[name] ?? {}, [
            `schema/sources/${name}.graphql`,
          ]),
        ]),
    ),
  },
};

export default config;
