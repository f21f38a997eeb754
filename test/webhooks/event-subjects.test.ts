import { expect, test, vi } from 'vitest';
import type { Uniqueness } from '../../src/identity/declaration.js';
import type { IdentityRules } from '../../src/identity/identity-graph.js';
import type { SourceEvent } from '../../src/webhooks/event.js';
import { EventSubjects } from '../../src/webhooks/event-subjects.js';

const foundBy = (all: Record<string, Uniqueness>) =>
  Object.fromEntries(
    Object.entries(all).map(([namespace, uniqueness]) => [
      namespace,
      { uniqueness, loader: { name: namespace, load: vi.fn() } },
    ]),
  );

/** The rules of the tests. The CRM has priority over the shop, and people share visitor ids and role addresses. */
const rules: IdentityRules = {
  namespaces: new Map(
    ['customerNumber', 'contactId', 'email', 'phone', 'visitorId'].map((name) => [
      name,
      {
        name,
        description: name,
        normalise: (value: string) => (value === 'invalid' ? null : value.toLowerCase()),
        ...(name === 'email' ? { mayLink: (value: string) => !value.startsWith('info@') } : {}),
      },
    ]),
  ),
  limits: { maxHops: 3, maxValuesPerNamespace: 5, maxIdentifiers: 50, patienceMs: 0 },
  sources: [
    {
      name: 'crm',
      identity: {
        recordKey: 'contactId',
        foundBy: foundBy({ contactId: 'enforced', email: 'usual' }),
        yields: {},
      },
    },
    {
      name: 'shop',
      identity: {
        recordKey: 'customerNumber',
        foundBy: foundBy({ customerNumber: 'enforced', visitorId: 'none', phone: 'usual' }),
        yields: {},
      },
    },
  ],
};
const subjects = new EventSubjects(rules);
const event = (identifiers: SourceEvent['identifiers']): SourceEvent => ({
  id: '1',
  source: 'shop',
  type: 'order.paid',
  time: '2026-11-20T11:30:00.000Z',
  identifiers,
  data: {},
});
const texts = (all: readonly { namespace: string; value: string }[]) =>
  all.map(({ namespace, value }) => `${namespace} ${value}`);

test.each<[string, SourceEvent['identifiers'], string[]]>([
  [
    'record ids are first, by the priority of their source, and shared identifiers last',
    { visitorId: ['v1'], email: ['eva@example.nl'], customerNumber: ['1'], contactId: ['c1'] },
    ['contactId c1', 'customerNumber 1', 'email eva@example.nl', 'visitorId v1'],
  ],
  [
    'identifiers of one rank are in alphabetical order',
    { phone: ['2', '1'], email: ['info@example.nl', 'eva@example.nl'] },
    ['email eva@example.nl', 'phone 1', 'phone 2', 'email info@example.nl'],
  ],
  ['equal identifiers occur once', { email: ['EVA@example.nl', 'eva@example.nl'] }, ['email eva@example.nl']],
  [
    'invalid and unknown identifiers are omitted',
    { email: ['invalid'], other: ['1'], phone: ['1'] },
    ['phone 1'],
  ],
])('of the identifiers of an event, %s', (_, identifiers, expected) => {
  expect(texts(subjects.namedBy(event(identifiers)))).toEqual(expected);
});

test('an event is about only its personal identifiers', () => {
  const identifiers = { visitorId: ['v1'], email: ['info@example.nl', 'eva@example.nl'] };
  expect(texts(subjects.about(event(identifiers)))).toEqual(['email eva@example.nl']);
});
