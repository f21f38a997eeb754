import { parse, Source } from 'graphql';
import { describe, expect, test } from 'vitest';
import { checkSelections, checkText } from '../../src/operation/limits.js';

/** The limits of the tests: brackets are nested at most four deep. */
const LIMITS = { maxDepth: 1, maxAliases: 10, maxTokens: 1_000, maxDirectives: 2 };
const check = (text: string) => () => {
  checkText(new Source(text), LIMITS);
};

describe('a text before it is parsed', () => {
  test.each([
    ['lists', '[]'],
    ['objects or selections', '{}'],
    ['arguments', '()'],
  ])('may have any number of adjacent %s, and four nested ones', (_, pair) => {
    const [open = '', close = ''] = pair;
    const nested = (count: number) => `{ a ${open.repeat(count - 1)}${close.repeat(count - 1)} }`;
    expect(check(`{ a ${pair.repeat(100)} }`)).not.toThrow();
    expect(check(nested(4))).not.toThrow();
    expect(check(nested(5))).toThrow(
      'Brackets may be nested at most 4 deep; these are 5, which is 1 too many.',
    );
  });

  test('may have two directives', () => {
    expect(check('{ a @skip b @include }')).not.toThrow();
    expect(check('{ a @skip b @include c @skip }')).toThrow('at most 2 directives; this one has 3');
  });

  test('may have a thousand tokens', () => {
    expect(check(`{ ${'a '.repeat(998)}}`)).not.toThrow();
    expect(check(`{ ${'a '.repeat(999)}}`)).toThrow('at most 1000 tokens');
  });
});

describe('a document before it is validated', () => {
  const chain = (length: number) =>
    Array.from(
      { length },
      (_, i) => `fragment F${i + 1} on Query { ${i + 1 === length ? 'a' : `...F${i + 2}`} }`,
    ).join(' ');
  const check = (text: string, limits: Partial<typeof LIMITS> = {}) => {
    checkSelections(parse(text), { ...LIMITS, ...limits });
  };

  test.each<[string, string, string, string]>([
    ['levels', '{ a { b } }', '{ a { b { c } } }', 'Fields may be nested at most 2 levels deep; these are 3'],
    [
      'levels over fragments',
      '{ a { ...F } } fragment F on A { b }',
      '{ a { ...F } } fragment F on A { b { c } }',
      'these are 3, which is 1 too many',
    ],
    [
      'aliases',
      '{ x: a y: b }',
      '{ x: a y: b z: c }',
      'at most 2 aliases, including those in fragments; this one has 3',
    ],
    [
      'aliases, for each use of a fragment',
      '{ a { ...F } b { ...F } } fragment F on A { x: c }',
      '{ a { ...F } b { ...F } c { ...F } } fragment F on A { x: c }',
      'this one has 3, which is 1 too many',
    ],
    [
      'aliases, nested in other fields',
      '{ x: a { y: b } }',
      '{ x: a { y: b ... on B { z: c } } }',
      'this one has 3, which is 1 too many',
    ],
  ])('may have two %s', (_, allowed, refused, message) => {
    const two = { maxDepth: 2, maxAliases: 2 };
    expect(() => {
      check(allowed, two);
    }).not.toThrow();
    expect(() => {
      check(refused, two);
    }).toThrow(message);
  });

  test('may have four fragments within each other, in any order and also unused', () => {
    for (const query of ['{ a }', '{ ...F1 }', '{ ...F4 ...F1 }'])
      expect(() => {
        check(`${query} ${chain(4)}`);
      }).not.toThrow();
    for (const document of [
      `{ a } ${chain(5)}`,
      `${chain(5)
        .split('fragment ')
        .reverse()
        .map((text) => (text === '' ? '' : `fragment ${text}`))
        .join(' ')} { ...F1 }`,
    ])
      expect(() => {
        check(document);
      }).toThrow('Fragments may be nested in each other at most 4 deep');
  });

  test.each([
    ['itself', 'fragment F on Query { ...F }'],
    ['itself through another', 'fragment F on Query { ...G } fragment G on Query { a { ...F } }'],
  ])('may have no fragment that contains %s', (_, fragments) => {
    expect(() => {
      check(`{ a } ${fragments}`, { maxDepth: 10 });
    }).toThrow('A fragment may not contain itself.');
  });
});
