import { expect, test } from 'vitest';
import { createDigests } from '../../src/privacy/suppression.js';

test('a list of an earlier version remains in effect, because its digests are the same', () => {
  const { of, mark } = createDigests('a secret of the tests');
  expect(of({ namespace: 'email', value: 'anna@example.nl' })).toBe(
    '2I3ATy8KM6bNe75OUxGrKVkRUAxHulxBebg6aHNEj-M',
  );
  expect(mark).toBe('key:rJjrFSJQGym3dqgfWDbZERfqmgkF7RnlPYhziaPyrMQ');
});

test('the digests of an identifier depend on its namespace and on the secret', () => {
  const digestOf = (secret: string, namespace: string) => createDigests(secret).of({ namespace, value: '1' });
  expect(digestOf('a', 'customerNumber')).not.toBe(digestOf('a', 'recordNumber'));
  expect(digestOf('a', 'customerNumber')).not.toBe(digestOf('b', 'customerNumber'));
});
