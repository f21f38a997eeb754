import type { CustomerRecord, SourceDefinition } from '../../src/index.js';
import { localSource } from '../support/local-source.js';

type Yields = NonNullable<SourceDefinition['identity']>['yields'];

/** The values of one person's record. */
type Held = Partial<Pick<CustomerRecord, 'identifiers' | 'profile'>>;

/**
 * Creates a source that knows these people by their address. It is for tests of sources that do not identify customers.
 */
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
      'type Customer @foundBy(identifier: "personId") @personalData(category: NONE) { "Whether the record is a person." isPerson: Boolean }',
  };
  return { source, environment, sdl };
}
