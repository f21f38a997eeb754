import { lexicographicSortSchema, printSchema, type GraphQLSchema } from 'graphql';

/** Prints the published schema, for schema/gateway.graphql. Its diff is the changelog of the API. */
export function publish(schema: GraphQLSchema): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}
