import type { CustomerRecord, SourceDefinition } from '../../src/index.js';
import { localSource } from '../support/local-source.js';

type Yields = NonNullable<SourceDefinition['identity']>['yields'];

/** What one person's record holds. */
type Held = Partial<Pick<CustomerRecord, 'identifiers' | 'profile'>>;

/** A source of the test's own that knows these people by their address, for sources that know nobody by themselves. */
export function knownPeople(people: Readonly<Record<string, Held>>, yields: Yields = {}) {
  const load = (keys: readonly string[]): Promise<CustomerRecord[][]> =>
    Promise.resolve(
      keys.map((email) => {
        const held = people[email];
        if (held === undefined) return [];
        const identifiers = [{ namespace: 'email', value: email }, ...(held.identifiers ?? [])];
        return [{ id: email, identifiers, profile: held.profile ?? {} }];
      }),
    );
  const { source, environment } = localSource('people', {
    namespaces: [{ name: 'personId', description: 'A person.', normalise: (value) => value }],
    identity: {
      recordKey: 'personId',
      foundBy: {
        personId: { uniqueness: 'enforced', loader: { name: 'byId', load } },
        email: { uniqueness: 'enforced', loader: { name: 'byEmail', load } },
      },
      yields: { email: 'one', ...yields },
    },
  });
  const sdl = {
    people:
      'type Customer @foundBy(identifier: "personId") @personalData(category: NONE) { "Whether it is one." isPerson: Boolean }',
  };
  return { source, environment, sdl };
}
