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

/** The problems that prevent a gateway with these two sources from starting. */
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
  test('prevents the start if no system has it as recordKey, and the error says what to declare', () => {
    expect(problemsWith('email')).toEqual([
      "letters finds customers by @foundBy(identifier: \"email\"), and declares no identity, so it would receive no calls. Declare identity with foundBy.email, or heldIdentifiers: ['email'] if its resolvers call customer.heldValues('email').",
    ]);
  });

  test.each(['email', 'letterid'])(
    'prevents the start with %s if its own identity has another recordKey',
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
        `letters finds customers by @foundBy(identifier: "${key}"), which is not a system's recordKey, so it would receive no calls. Use its own recordKey there: "letterId".`,
      ]);
      expect(problemsWith('letterId', parts)).toEqual([]);
    },
  );

  test('does not prevent the start with a recordKey of another system, a declared identifier, or no identifier', () => {
    expect(problemsWith('personId')).toEqual([]);
    expect(problemsWith('email', { heldIdentifiers: ['email'] })).toEqual([]);
    expect(problemsWith('postcode')).toEqual([]);
  });
});
