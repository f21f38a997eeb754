import { expect, it } from 'vitest';
import type { Permissions } from '../../src/customer/customer.js';
import { createReadKey } from '../../src/customer/resolvers.js';
import { ForbiddenError, InvalidInputError } from '../../src/errors.js';
import { createCustomerIds } from '../../src/identity/customer-id.js';
import { commonNamespaces, idNamespace } from '../../src/identity/identifiers.js';

const ids = createCustomerIds('a secret of the tests');
const readKey = createReadKey({
  ids,
  rules: {
    sources: [],
    namespaces: new Map(
      [...commonNamespaces('NL'), idNamespace('shopId', 'An id.', /^\d+$/)].map((namespace) => [
        namespace.name,
        namespace,
      ]),
    ),
    limits: { maxHops: 3, maxValuesPerNamespace: 5, maxIdentifiers: 50, patienceMs: 20 },
  },
});
const permissions = (...findsBy: string[]): Permissions => ({
  findsBy: findsBy.includes('all') ? 'all' : new Set(findsBy),
  maySee: () => true,
  seesErased: false,
  seesMasked: false,
});

const EVA = { namespace: 'email', value: 'eva@example.nl' };
const id = ids.seal(EVA);

it.each<[Parameters<typeof readKey>[0], string[], object]>([
  [{ email: ' Eva@Example.NL' }, ['all'], EVA],
  [{ email: 'eva@example.nl', phone: undefined }, ['email'], EVA],
  [{ id }, ['all'], EVA],
  [{ id }, ['id'], EVA],
  [{ shopId: '7' }, ['shopId', 'id'], { namespace: 'shopId', value: '7' }],
  [{}, ['all'], InvalidInputError],
  [{ email: null }, ['all'], InvalidInputError],
  [{ email: 'eva@example.nl', id }, ['all'], InvalidInputError],
  [{ email: 'eva@example.nl', phone: null }, ['all'], InvalidInputError],
  [{ email: 'eva' }, ['all'], InvalidInputError],
  [{ passport: '7' }, ['all'], InvalidInputError],
  [{ id: `${id.slice(0, -1)}_` }, ['all'], InvalidInputError],
  // A caller without the permission does not learn whether the value is valid.
  [{ email: 'eva@example.nl' }, ['phone'], ForbiddenError],
  [{ email: 'eva' }, [], ForbiddenError],
  [{ id }, ['email'], ForbiddenError],
  [{ id: 'forged' }, ['email'], ForbiddenError],
])('reads or refuses the key %j of a caller that finds customers by %j', (key, findsBy, expected) => {
  const read = () => readKey(key, permissions(...findsBy));
  if (typeof expected === 'function') expect(read).toThrow(expected);
  else expect(read()).toEqual(expected);
});
