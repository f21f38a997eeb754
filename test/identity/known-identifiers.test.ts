import { describe, expect, test } from 'vitest';
import { SourceUnavailableError } from '../../src/errors.js';
import type { CustomerRecord, YieldedIdentifier } from '../../src/identity/declaration.js';
import { commonNamespaces, idNamespace } from '../../src/identity/identifiers.js';
import { createIdentities, type IdentityRules } from '../../src/identity/identity-graph.js';
import { knownIdentifiers } from '../../src/identity/known-identifiers.js';
import type { Load } from '../../src/loaders/registry.js';
import { loadersOf } from '../support/loaders-of.js';

const UNAVAILABLE = 'unavailable';
type Answer = readonly CustomerRecord[] | typeof UNAVAILABLE;

const record = (id: string, ...identifiers: YieldedIdentifier[]): CustomerRecord => ({
  id,
  identifiers: [{ namespace: 'email', value: 'eva@example.nl' }, ...identifiers],
});

/** Returns the known identifiers, with a shop and a desk that return these answers by kind of identifier. */
async function known(answers: Record<'shop' | 'desk', Record<string, Answer>>) {
  const rules: IdentityRules = {
    limits: { maxHops: 3, maxValuesPerNamespace: 5, maxIdentifiers: 50, patienceMs: 20 },
    namespaces: new Map(
      [
        ...commonNamespaces('NL'),
        ...['shop', 'desk'].map((name) => idNamespace(`${name}Id`, 'An id.', /^\w+$/)),
      ].map((namespace) => [namespace.name, namespace]),
    ),
    sources: Object.entries(answers).map(([name, byKind]) => ({
      name,
      identity: {
        recordKey: `${name}Id`,
        yields: { email: 'one', phone: 'shown' },
        foundBy: Object.fromEntries(
          Object.entries(byKind).map(([kind, answer]) => [
            kind,
            {
              uniqueness: 'enforced',
              loader: {
                name: kind,
                load: (values: readonly string[]) =>
                  answer === UNAVAILABLE
                    ? Promise.reject(new SourceUnavailableError(name, `${name} cannot be reached.`))
                    : Promise.resolve(values.map(() => answer)),
              },
            },
          ]),
        ),
      },
    })),
  };
  const load: Load = async (loader, key) => {
    const [value] = await loader.load([key], undefined as never);
    if (value === undefined || value instanceof Error) throw new Error('no answer');
    return value;
  };
  const identity = createIdentities(rules, loadersOf(load)).of({
    namespace: 'email',
    value: 'eva@example.nl',
  });
  return knownIdentifiers(rules, identity);
}

describe('a system is reported as failed', () => {
  test('when it answered one query and failed another', async () => {
    const { records, failed } = await known({
      shop: { email: [record('s1')] },
      desk: { email: [record('d1')], shopId: UNAVAILABLE },
    });
    expect(records).toEqual([
      { source: 'shop', id: 's1' },
      { source: 'desk', id: 'd1' },
    ]);
    expect(failed).toEqual(['desk']);
  });

  test('even if another system holds several customers under the identifier', async () => {
    const { candidates, failed } = await known({
      shop: { email: [record('s1'), record('s2')] },
      desk: { email: UNAVAILABLE },
    });
    expect({ candidates, failed }).toEqual({ candidates: 2, failed: ['desk'] });
  });
});

describe('the identifiers of a customer', () => {
  const email = { namespace: 'email', value: 'eva@example.nl' };
  const phone = { namespace: 'phone', value: '+31201234567' };
  const shopId = { namespace: 'shopId', value: 's1' };

  test('are all identifiers of the records; identifiers that people share are not exclusive', async () => {
    const { identifiers, exclusive } = await known({
      shop: { email: [record('s1', { ...phone, value: '020-1234567' })] },
      desk: { email: [] },
    });
    expect(identifiers).toEqual([email, shopId, phone]);
    expect(exclusive).toEqual([shopId, email]);
  });

  test('are only the requested identifier, as exclusive, if no system knows the customer', async () => {
    expect(await known({ shop: { email: [] }, desk: { email: [] } })).toEqual({
      identifiers: [email],
      exclusive: [email],
      records: [],
      candidates: 0,
      failed: [],
    });
  });
});
