import { buildSchema, Kind, parse } from 'graphql';
import { expect, test } from 'vitest';
import { coerceVariables } from '../../src/operation/variables.js';

const schema = buildSchema('input Key { email: String } type Query { people(by: [Key!]!): Int }');
const [operation] = parse('query ($by: [Key!]!) { people(by: $by) }').definitions;
if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('This is not an operation.');

test('a list with thousands of invalid values is read only until the tenth error', () => {
  let reads = 0;
  const by = Array.from({ length: 10_000 }, () => ({
    get email() {
      reads += 1;
      return 1;
    },
  }));
  const { coerced, errors } = coerceVariables(operation, schema, { by });
  expect(coerced).toBeUndefined();
  expect(errors.map(({ message }) => message)).toEqual(
    Array.from(
      { length: 10 },
      (_, i) => `The variable "$by.${i}.email" is not valid: expected type "String".`,
    ),
  );
  expect(reads).toBeLessThan(50);
});

test('a valid list is read completely', () => {
  const by = Array.from({ length: 1_000 }, (_, i) => ({ email: `p${i}@example.nl` }));
  expect(coerceVariables(operation, schema, { by })).toEqual({ coerced: { by }, errors: [] });
});
