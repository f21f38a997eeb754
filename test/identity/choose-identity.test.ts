import { expect, it } from 'vitest';
import { chooseIdentity } from '../../src/identity/choose-identity.js';
import { commonNamespaces, type Identifier } from '../../src/identity/identifiers.js';
import type { Identity } from '../../src/identity/identity-graph.js';
import type { IdentityRules } from '../../src/identity/matching.js';

const phone = { uniqueness: 'none', loader: { name: 'byPhone', load: () => Promise.resolve([]) } } as const;
const rules: Pick<IdentityRules, 'sources' | 'namespaces'> = {
  namespaces: new Map(commonNamespaces('NL').map((namespace) => [namespace.name, namespace])),
  sources: [
    { name: 'shop', identity: { recordKey: 'shopId', yields: {}, foundBy: { phone } } },
    { name: 'crm', identity: { recordKey: 'crmId', yields: {}, foundBy: {} } },
  ],
};
const email = (value: string): Identifier => ({ namespace: 'email', value });

/** The identifier by which the customer is found, if a system knows these. */
async function chosenOf(identifiers: readonly Identifier[], known: readonly Identifier[]) {
  const identify = (start: Identifier) => ({ start, isKnown: () => Promise.resolve(known.includes(start)) });
  const identity = await chooseIdentity(
    rules,
    identifiers,
    (start) => identify(start) as unknown as Identity,
  );
  return identity?.start ?? null;
}

it('a customer is found by the first known identifier, and never by an identifier that people share', async () => {
  const shared = [
    email('info@example.nl'),
    { namespace: 'phone', value: '+31201234567' },
    { namespace: 'visitorId', value: 'a' },
  ];
  const [jan, eva] = [email('jan@example.nl'), email('eva@example.nl')];
  expect(await chosenOf([...shared, jan, eva], [...shared, jan, eva])).toBe(jan);
  expect(await chosenOf([...shared, jan, eva], [...shared, eva])).toBe(eva);
  expect(await chosenOf(shared, shared)).toBeNull();
});

it('a failure for one identifier is an error, because the next one may find another customer', async () => {
  const unavailable = new Error('the system is unavailable');
  const [jan, eva] = [email('jan@example.nl'), email('eva@example.nl')];
  const wanted: (readonly string[])[] = [];
  const choose = (identifiers: readonly Identifier[]) =>
    chooseIdentity(rules, identifiers, (start) => {
      const isKnown = (sources: ReadonlySet<string>) => {
        wanted.push([...sources]);
        return start === jan ? Promise.reject(unavailable) : Promise.resolve(true);
      };
      return { start, isKnown } as unknown as Identity;
    });
  await expect(choose([jan, eva])).rejects.toBe(unavailable);
  expect((await choose([eva, jan]))?.start).toBe(eva);
  // "Unknown" needs the answer of every system.
  expect(wanted).toEqual([
    ['shop', 'crm'],
    ['shop', 'crm'],
  ]);
});
