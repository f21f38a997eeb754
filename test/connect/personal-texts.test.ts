import { describe, expect, it } from 'vitest';
import type { Draft, DraftField, FieldPrivacy } from '../../src/connect/draft.js';
import { withoutPersonalDescriptions } from '../../src/connect/personal-texts.js';
import { shapeOfValues } from '../../src/connect/rest/shape.js';
import { isKeyOfPerson } from '../../src/connect/words.js';

describe('the names of members', () => {
  const namesOf = (...values: object[]) =>
    shapeOfValues(values)
      .members()
      .map(({ name }) => name);

  it.each([
    [
      [{ a: 1 }, { b: 2 }, { a: 1, b: 2 }],
      ['a', 'b'],
    ],
    [
      [
        { a: 1, b: 1 },
        { a: 1, c: 1 },
        { a: 1, b: 1 },
      ],
      ['a', 'b', 'c'],
    ],
    [[{ a: 1 }, { 'anna@example.nl': 1 }], []],
    [[{ a: 1, '+31612345678': 1 }], []],
    [[{ Anna: 1 }, { Koen: 1 }, { Saar: 1 }], []],
    [[{ Anna: 1 }, {}, {}], ['Anna']],
  ])('of %j are %j', (values, names) => {
    expect(namesOf(...values)).toEqual(names);
  });

  it.each([
    ['email', false],
    ['address2', false],
    ['cf_10020', false],
    ['2026', false],
    ['481516234', true],
    ['1990-02-03', true],
    ['anna@example.nl', true],
    ['6f9619ff-8b86-4d01-b42d-00cf4fc90001', true],
  ])('%s may be data: %s', (name, isData) => {
    expect(isKeyOfPerson(name)).toBe(isData);
  });
});

describe('the description of a field', () => {
  const privacy: FieldPrivacy = {
    ...{ category: 'IDENTITY', purposes: [], scopes: [], isRecognised: true, evidence: 'its name' },
  };
  const field = (name: string, samples: readonly string[], description: string): DraftField => ({
    ...{ name, from: name, type: 'String', isList: false, isNullable: true, samples, description },
  });
  const described = (description: string) => {
    const draft: Draft = {
      ...{ source: 'club', kind: 'rest', connect: {}, variables: {}, calls: {}, types: {} },
      customer: {
        ...{ name: 'Member', description },
        fields: [field('family', ['Wezemael'], description), field('tier', ['Gold'], description)],
      },
    };
    const changed = withoutPersonalDescriptions(draft, {
      'Member.family': privacy,
      'Member.tier': { ...privacy, category: 'RELATION' },
    });
    return [changed.customer.description, ...changed.customer.fields.map((of) => of.description)];
  };

  it.each(['The last name, or Gold.', 'In ISO 8601, since 2020.', 'At most 40 characters.'])(
    'stays: %s',
    (text) => {
      expect(described(text)).toEqual([text, text, text]);
    },
  );

  it.each([
    'The name, for example Wezemael.',
    'Such as anna@example.nl.',
    'Such as 06-12 34 56 78.',
    'Such as 1990-02-03.',
    'NL91ABNA0417164300 is an example.',
  ])('is left out: %s', (text) => {
    expect(described(text)).toEqual(['A record of Member.', undefined, undefined]);
  });
});
