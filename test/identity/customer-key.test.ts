import { describe, expect, test } from 'vitest';
import { createGateway } from '../../src/gateway.js';
import { ConfigError } from '../../src/errors.js';
import { defineLoader, idNamespace, type CustomerRecord, type SourceDefinition } from '../../src/index.js';
import { localSource } from '../support/local-source.js';

const nobody = defineLoader({
  name: 'nobody',
  load: (keys: readonly string[]) => Promise.resolve(keys.map((): CustomerRecord[] => [])),
});
const people = localSource('people', {
  namespaces: [idNamespace('personId', 'An id.', /^p\d$/)],
  identity: {
    recordKey: 'personId',
    yields: { email: 'one' },
    foundBy: {
      personId: { uniqueness: 'enforced', loader: nobody },
      email: { uniqueness: 'enforced', loader: { ...nobody, name: 'byEmail' } },
    },
  },
});

/** What keeps a gateway from starting over people, and letters that find a customer by the key. */
function problemsWith(key: string, parts: Partial<SourceDefinition> = {}): readonly string[] {
  const resolvers = { Customer: { letter: () => null } };
  const letters = localSource('letters', { resolvers, ...parts });
  const customer = (field: string, by: string) =>
    `type Customer @foundBy(identifier: "${by}") @personalData(category: NONE) { "A field." ${field}: String }`;
  try {
    const gateway = createGateway({
      sources: [people.source, letters.source],
      environment: {
        ...{ ID_SECRET: 'a secret of the tests', AUTH: 'off', LOG_LEVEL: 'silent' },
        ...people.environment,
        ...letters.environment,
      },
      sdl: { people: customer('person', 'personId'), letters: customer('letter', key) },
    });
    void gateway.close();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('a source whose SDL finds customers by an identifier', () => {
  test('does not start when no system keeps its records by it, and says what to declare', () => {
    expect(problemsWith('email')).toEqual([
      "letters finds customers by @foundBy(identifier: \"email\"), and declares no identity, so it would never be asked. Declare identity with askedBy.email, or heldIdentifiers: ['email'] if its resolvers call customer.heldValues('email').",
    ]);
  });

  test.each(['email', 'letterid'])(
    'does not start by %s when its identity keeps its records otherwise',
    (key) => {
      const parts: Partial<SourceDefinition> = {
        namespaces: [idNamespace('letterId', 'An id.', /^l\d$/)],
        identity: {
          recordKey: 'letterId',
          yields: {},
          foundBy: { letterId: { uniqueness: 'enforced', loader: nobody } },
        },
      };
      expect(problemsWith(key, parts)).toEqual([
        `letters finds customers by @foundBy(identifier: "${key}"), by which no system keeps its records, so it would never be asked. Name its recordKey there: "letterId".`,
      ]);
      expect(problemsWith('letterId', parts)).toEqual([]);
    },
  );

  test('starts by the ids of another system, by what it says it reads, and by what is no identifier', () => {
    expect(problemsWith('personId')).toEqual([]);
    expect(problemsWith('email', { heldIdentifiers: ['email'] })).toEqual([]);
    expect(problemsWith('postcode')).toEqual([]);
  });
});
