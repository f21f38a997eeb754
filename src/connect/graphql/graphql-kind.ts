import type { ReaderKind } from '../reader.js';

/** The reader of a GraphQL endpoint, or of an SDL file with an endpoint in `<SOURCE>_URL`. */
export const graphqlReaderKind: ReaderKind = {
  kind: 'graphql',
  label: 'a GraphQL endpoint, or an SDL file (.graphql)',
  recognises: ({ url, path, text = '' }) =>
    (url !== undefined && /^https?:$/.test(url.protocol) && /graphql|\/gql\b/i.test(url.pathname)) ||
    (path !== undefined && (/\.(graphqls?|gql)$/i.test(path) || isIntrospection(text))),
  open: async (options) => {
    const { GraphqlReader } = await import('./graphql-reader.js');
    return new GraphqlReader(options);
  },
};

/** Whether a text is the saved answer to an introspection query. */
export function isIntrospection(text: string): boolean {
  return /^\s*\{/.test(text.slice(0, 100)) && text.slice(0, 300).includes('"__schema"');
}
