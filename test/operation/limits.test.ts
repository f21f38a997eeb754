import { Source } from 'graphql';
import { describe, expect, test } from 'vitest';
import { checkText } from '../../src/operation/limits.js';

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
