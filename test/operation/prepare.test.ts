import { buildSchema } from 'graphql';
import { expect, test } from 'vitest';
import { preparerFor } from '../support/preparer.js';

test('a mutation by GET is refused, even if it was prepared for a POST before', () => {
  const preparer = preparerFor(buildSchema('type Query { a: Int } type Mutation { write: Int }'));
  const text = 'mutation { write }';
  expect(preparer.prepare(text, null, true).operation.operation).toBe('mutation');
  expect(() => preparer.prepare(text, null, false)).toThrow('Can only perform a mutation operation');
});
