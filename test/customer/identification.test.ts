import { describe, expect, it } from 'vitest';
import { ambiguous, identifiersOf } from '../../src/customer/identification.js';
import { commonNamespaces } from '../../src/identity/identifiers.js';
import type { Match } from '../../src/identity/identity-graph.js';

const namespaces = new Map(commonNamespaces('NL').map((namespace) => [namespace.name, namespace]));

/** A record of a source as a match has it. */
function record(source: string, id: string, identifiers: object[], name: string | null = null) {
  return {
    source: { name: source, identity: { recordKey: 'crmId', yields: { email: 'one' }, foundBy: {} } },
    recordId: { namespace: 'crmId', value: id },
    record: { id, identifiers, profile: { name } },
  };
}

const matchOf = (...records: object[]) => ({ candidates: records.length, records }) as unknown as Match;

describe('people who share an identifier', () => {
  it.each([
    ['Anna de Vries', 'A*** d*** V***'],
    [' Anna   de\tVries ', 'A*** d*** V***'],
    ['Élodie', 'É***'],
    ['𝒜nna', '𝒜***'],
    ['  ', null],
    [null, null],
  ])('are hinted at with the name %j as %j', (name, shown) => {
    const { hints, candidateCount } = ambiguous(matchOf(record('crm', '7', [], name)), 'crm', namespaces);
    expect(candidateCount).toBe(1);
    expect(hints).toEqual([{ source: 'crm', recordId: '***', name: shown }]);
  });
});

describe('the identifiers of a customer', () => {
  const email = (value: string, verified?: boolean) => ({ namespace: 'email', value, verified });
  const all = (...records: object[]) =>
    identifiersOf(matchOf(...records), { namespaces } as never, (name) => name === 'email');

  it('come once each, with the systems that hold them, and verified if one system verified them', () => {
    expect(
      all(
        record('crm', '1', [email('a@example.nl', true), email('b@example.nl')]),
        record('shop', '2', [email('A@example.nl'), email('b@example.nl')]),
        record('crm', '3', [email('a@example.nl', false)]),
      ),
    ).toEqual([
      { namespace: 'email', value: 'a@example.nl', sources: ['crm', 'shop'], isVerified: true },
      { namespace: 'email', value: 'b@example.nl', sources: ['crm', 'shop'], isVerified: false },
    ]);
  });
});
