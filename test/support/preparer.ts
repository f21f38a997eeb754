import type { GraphQLSchema } from 'graphql';
import { createPreparer, type Preparer } from '../../src/operation/prepare.js';

/** Prepares operations of a schema without costs and personal data. */
export function preparerFor(schema: GraphQLSchema): Preparer {
  return createPreparer({
    schema,
    limits: { maxDepth: 100, maxAliases: 10_000, maxTokens: 100_000, maxDirectives: 10_000 },
    costs: () => () => ({ requested: 0, mostExpensiveField: () => '', actual: () => 0 }),
    disclosures: () => ({ of: () => undefined, forbidden: () => [] }),
  });
}
