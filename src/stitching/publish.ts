import { lexicographicSortSchema, printSchema, type GraphQLSchema } from 'graphql';

/** The schema as we publish it, in schema/gateway.graphql; its diff is the changelog of the API. */
export function publish(schema: GraphQLSchema): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}
