import { z } from 'zod';
import {
  bearer,
  defineLoader,
  defineSource,
  graphql,
  idNamespace,
  pathPart,
  rest,
  setting,
  urlSetting,
  type Context,
  type Customer,
  type CustomerRecord,
  type RestClient,
  type SourceDefinition,
} from '../../src/index.js';
import type { Client } from '../../src/connectors/connector.js';
import { localSource } from '../support/local-source.js';

/** Sources for tests in which a REST system and a GraphQL system return the answers of the test. */

/** The settings of both systems. */
export const systemSettings = (lettersUrl: string, shopUrl: string) => ({
  LETTERS_URL: lettersUrl,
  SHOP_URL: shopUrl,
  TOKEN: 'secret',
});

/** A source that knows a person for every `personId`, all with the same name. */
export function peopleSource(name: string) {
  return localSource('people', {
    namespaces: [idNamespace('personId', 'The id of a person in the system.', /^[a-z]{1,20}$/)],
    identity: {
      recordKey: 'personId',
      foundBy: {
        personId: {
          uniqueness: 'enforced',
          loader: defineLoader<Client, string, readonly CustomerRecord[]>({
            name: 'byId',
            load: (ids) => Promise.resolve(ids.map((id) => [{ id, profile: { name }, identifiers: [] }])),
          }),
        },
      },
      yields: {},
    },
  });
}

export const PEOPLE_SDL =
  'type Customer @foundBy(identifier: "personId") @personalData(category: NONE) { "Whether the record is a person." isPerson: Boolean }';

type Policy = Partial<Pick<SourceDefinition, 'freshness' | 'limits'>>;

const LETTER = z.object({ text: z.string(), files: z.unknown() });
export type Letter = z.infer<typeof LETTER>;

/** A source of `Customer.letter`, by `GET /letters/<personId>?addressee=<personId>`. */
export function lettersSource(
  policy: Policy,
  textOf: (letter: Letter) => string = ({ text }) => text,
): SourceDefinition {
  const letterOf = defineLoader<RestClient, string, Letter | null>({
    name: 'letterOf',
    load: (ids, client) =>
      Promise.all(
        ids.map((id) =>
          client
            .get(LETTER, `/letters/${pathPart(id)}`, { addressee: id })
            .catch((error: unknown) => error as Error),
        ),
      ),
  });
  return defineSource({
    name: 'letters',
    connector: rest({
      baseUrl: urlSetting('LETTERS_URL', 'https://example.nl'),
      auth: bearer(setting('TOKEN')),
      pingPath: '/ping',
    }),
    ...policy,
    loaders: [letterOf],
    resolvers: {
      Customer: {
        letter: async (customer: Customer, _: unknown, { load }: Context) => {
          const id = await customer.identifier('personId');
          const letter = id === null ? null : await load(letterOf, id);
          return letter === null ? null : textOf(letter);
        },
      },
    },
  });
}

/** A source of `Customer.cart` and other fields, by `buyers(ids:)` of a GraphQL system. */
export function shopSource(policy: Policy): SourceDefinition {
  return defineSource({
    name: 'shop',
    connector: graphql({
      url: urlSetting('SHOP_URL', 'https://example.nl'),
      auth: bearer(setting('TOKEN')),
    }),
    ...policy,
    stitched: {
      mapping: {
        entries: {
          _shopCustomers: {
            type: 'Customer',
            find: 'buyers(ids: $ids)',
            variables: (ids) => ({ ids: { type: '[ID!]!', value: ids } }),
            key: { field: 'id', from: (id) => (typeof id === 'string' ? id : '') },
          },
        },
        types: { Customer: { type: 'Buyer' } },
      },
      entities: { Customer: { entry: '_shopCustomers' } },
    },
  });
}
