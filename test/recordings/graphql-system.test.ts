import { GraphQLInt } from 'graphql';
import { expect, test } from 'vitest';
import { graphqlSystem } from '../../src/recordings/graphql-system.js';

test('an imitated system leaves the scalars of other schemas in the process unchanged', () => {
  graphqlSystem({
    ...{ version: 1, source: 'club', kind: 'graphql', recordedAt: '2026-12-01T09:00:00Z' },
    system: { description: 'type Query { points: Int }' },
    ...{ calls: {}, examples: [] },
  });
  expect(() => GraphQLInt.serialize('not a number')).toThrow('Int cannot represent');
});
