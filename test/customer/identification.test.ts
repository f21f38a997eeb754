import { describe, expect, it } from 'vitest';
import type { Customer } from '../../src/customer/customer.js';
import { ambiguous, identified, identifiersOf } from '../../src/customer/identification.js';
import { commonNamespaces, idNamespace } from '../../src/identity/identifiers.js';
import { noteFetchedAt } from '../../src/loaders/fetched-at.js';
import type { Match } from '../../src/identity/identity-graph.js';

const namespaces = new Map(commonNamespaces('NL').map((namespace) => [namespace.name, namespace]));

/** A record of a source, as part of a match. */
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
  ])('are described by a shortened name: %j as %j', (name, shown) => {
    const { hints, candidateCount } = ambiguous(matchOf(record('crm', '7', [], name)), 'crm', namespaces);
    expect(candidateCount).toBe(1);
    expect(hints).toEqual([{ source: 'crm', recordId: '***', name: shown }]);
  });
});

describe('the identifiers of a customer', () => {
  const email = (value: string, verified?: boolean) => ({ namespace: 'email', value, verified });
  const all = (...records: object[]) =>
    identifiersOf(matchOf(...records), { namespaces } as never, (name) => name === 'email');

  it('are listed once each, with their systems, and as verified if one system verified them', () => {
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

describe('an identified customer', () => {
  const shopId = (value: string) => ({ namespace: 'shopId', value });
  const email = (value: string) => ({ namespace: 'email', value });
  const phone = { namespace: 'phone', value: '+31201234567' };
  const knownRecord = (id: string, held: object[]) => ({
    key: `shop ${id}`,
    source: { name: 'shop', identity: { recordKey: 'shopId', yields: {}, foundBy: {} } },
    recordId: shopId(id),
    record: { id, identifiers: held },
  });
  const first = knownRecord('1', [{ ...email('a@example.nl'), verified: true }, email('b@example.nl')]);
  const second = knownRecord('2', [email('b@example.nl')]);
  noteFetchedAt([first.record, second.record], Date.UTC(2026, 10, 1));
  const all = {
    records: [first, second],
    links: [
      { record: first, identifier: first.recordId, rule: 'UNIQUE' },
      { record: first, identifier: email('a@example.nl'), rule: 'VERIFIED' },
      { record: first, identifier: email('b@example.nl'), rule: 'SAME_CUSTOMER' },
      { record: second, identifier: email('b@example.nl'), rule: 'ALONE' },
    ],
    findings: [
      // Lookups that a link already explains are not shown.
      { source: 'shop', record: first, identifier: email('a@example.nl') },
      { source: 'shop', record: second, identifier: second.recordId },
      { source: 'shop', record: second, identifier: phone },
    ],
    conflicts: [
      { namespace: 'kvkNumber', values: ['07322969', '69599084'], over: email('b@example.nl') },
      { namespace: 'shopId', values: ['3', '4'], over: phone },
    ],
    limitsReached: new Set(['HOPS']),
    failed: new Map([['desk', new Error('unavailable')]]),
  };
  const shown = (...namespaces: string[]) => {
    const { links, conflicts, limitsReached, unavailable, identifiers } = identified(
      {} as Customer,
      all as unknown as Match,
      { namespaces: names } as never,
      (namespace) => namespaces.includes(namespace),
    );
    return {
      links: links.map(({ from, to, rule, isVerified }) => [from.value, to.value, rule, isVerified]),
      seenAt: [...new Set(links.map(({ seenAt }) => seenAt))],
      conflicts,
      limitsReached,
      unavailable,
      identifiers: identifiers.map(({ value }) => value),
    };
  };
  const names = new Map([...namespaces, ['shopId', idNamespace('shopId', 'An id.', /^\d+$/)]]);

  it('is shown with the links between the records, and the lookups that no link explains', () => {
    expect(shown('shopId', 'email', 'phone', 'kvkNumber')).toEqual({
      links: [
        ['a@example.nl', '1', 'VERIFIED', true],
        ['b@example.nl', '1', 'SAME_CUSTOMER', false],
        ['b@example.nl', '2', 'ALONE', false],
        ['+31201234567', '2', 'LOOKUP', false],
      ],
      seenAt: ['2026-11-01T00:00:00.000Z'],
      conflicts: [
        { namespace: 'kvkNumber', values: ['07322969', '69599084'], link: email('b@example.nl') },
        { namespace: 'shopId', values: ['3', '4'], link: phone },
      ],
      limitsReached: ['HOPS'],
      unavailable: ['desk'],
      identifiers: ['1', 'a@example.nl', 'b@example.nl', '2'],
    });
  });

  it.each([
    [['shopId', 'email'], 3, 0, 4],
    [['shopId', 'phone'], 1, 1, 2],
    [['email', 'phone', 'kvkNumber'], 0, 1, 2],
    [['email'], 0, 0, 2],
    [[], 0, 0, 0],
  ])(
    'shows a caller with permission for %j nothing about other namespaces',
    (allowed, links, conflicts, identifiers) => {
      const of = shown(...allowed);
      expect([of.links.length, of.conflicts.length, of.identifiers.length]).toEqual([
        links,
        conflicts,
        identifiers,
      ]);
      const hidden = JSON.stringify(of);
      if (!allowed.includes('email')) expect(hidden).not.toContain('example.nl');
      if (!allowed.includes('phone')) expect(hidden).not.toContain('+31');
    },
  );
});

it('an identifier counts as verified if its system enforces its uniqueness', () => {
  const email = { namespace: 'email', value: 'a@example.nl' };
  const verified = (['enforced', 'usual', 'verified', 'none'] as const).map((uniqueness) => {
    const holder = {
      source: { name: 'shop', identity: { recordKey: 'shopId', foundBy: { email: { uniqueness } } } },
      recordId: { namespace: 'shopId', value: '1' },
      record: { id: '1', identifiers: [email] },
    };
    return identifiersOf(matchOf(holder), { namespaces } as never, () => true).map(
      ({ isVerified }) => isVerified,
    );
  });
  // The id of the record itself is always certain.
  expect(verified).toEqual([
    [true, true],
    [true, false],
    [true, false],
    [true, false],
  ]);
});
