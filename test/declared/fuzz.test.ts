import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { declaredSource } from '../../src/index.js';
import { BOOKSHOP_SDL, BOOKSHOP_YAML } from './bookshop.js';
import { WARRANTY_SDL, WARRANTY_YAML } from './warranty.js';
import { runCount } from '../support/thorough.js';

const compile = (yaml: string, sdl = WARRANTY_SDL) =>
  declaredSource({ file: 'a.yaml', yaml, sdlFile: 'a.graphql', sdl });

/** Returns the CPU time of a compilation in milliseconds: the minimum of several, because other work is counted too. */
function cpuMs(yaml: string, sdl = WARRANTY_SDL): number {
  let minimum = Infinity;
  for (let i = 0; i < 5 && minimum >= 100; i += 1) {
    const before = process.cpuUsage();
    compile(yaml, sdl);
    const { user, system } = process.cpuUsage(before);
    minimum = Math.min(minimum, (user + system) / 1_000);
  }
  return minimum;
}

const TOKENS = [
  ...[
    '- ',
    '? ',
    '! ',
    '&a ',
    '*a ',
    '"',
    "'",
    '#',
    '[',
    ']',
    '{',
    '}',
    ',',
    ': ',
    '|',
    '>',
    '%',
    '@',
    '`',
    '<<: ',
  ],
  ...[
    '\n',
    '\t',
    '\r',
    '\0',
    '---\n',
    '...\n',
    '\\',
    '${HOME}',
    '__proto__',
    'é',
    '\ud83d',
    '    ',
    'null',
    '404',
  ],
];

test.each(TOKENS.flatMap((token) => [token, `${token}\n`, `a: ${token}\n`, `- ${token}\n`]))(
  'a file that repeats %j is checked quickly',
  (token) => {
    // This is the largest file within the limits of characters and lines.
    const count = Math.min(Math.floor(16_384 / token.length), token.includes('\n') ? 999 : Infinity);
    expect(cpuMs(token.repeat(count))).toBeLessThan(100);
  },
);

test('a file with random text inserted, removed or repeated is compiled or refused quickly', () => {
  const edit = fc.record({
    at: fc.nat(WARRANTY_YAML.length),
    removed: fc.nat(200),
    text: fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom(...TOKENS),
      fc
        .tuple(fc.constantFrom(...TOKENS), fc.integer({ min: 1, max: 500 }))
        .map(([token, n]) => token.repeat(n)),
    ),
  });
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 5 }), (edits) => {
      const yaml = edits.reduce(
        (text, { at, removed, text: inserted }) =>
          `${text.slice(0, at)}${inserted}${text.slice(at + removed)}`,
        WARRANTY_YAML,
      );
      expect(cpuMs(yaml)).toBeLessThan(100);
    }),
    { numRuns: runCount(150) },
  );
});

test.each([
  ['REST', WARRANTY_YAML, WARRANTY_SDL],
  ['GraphQL', BOOKSHOP_YAML, BOOKSHOP_SDL],
])(
  'a declaration over %s with a random value in any place is compiled or refused quickly',
  (_, yaml, sdl) => {
    const declaration = parse(yaml) as object;
    const places = placesIn(declaration);
    const change = fc.record({
      place: fc.constantFrom(...places),
      value: fc.oneof(
        fc.json({ maxDepth: 3 }).map((text) => JSON.parse(text) as unknown),
        fc.constantFrom(
          '.',
          '{key}',
          '{keys}',
          '${HOME}',
          '^(a+)+$',
          '__proto__',
          'constructor.name',
          'a.'.repeat(20),
          'member(id: $key).a.b',
          `a(b: ${'['.repeat(5_000)}`,
          `a(b: "${'\\\\'.repeat(5_000)}`,
          '{a'.repeat(3_000),
          'a(b: $key).'.repeat(1_000),
        ),
        fc.string(),
      ),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const changed = changes.reduce<unknown>(
          (value, { place, value: replacement }) => withValue(value, place, replacement),
          declaration,
        );
        expect(cpuMs(stringify(changed), sdl)).toBeLessThan(100);
      }),
      { numRuns: runCount(300) },
    );
  },
);

test('an SDL file with random changes is compiled or refused', () => {
  fc.assert(
    fc.property(
      fc.nat(WARRANTY_SDL.length),
      fc.nat(100),
      fc.oneof(
        fc.string({ maxLength: 20 }),
        fc.constantFrom('type Query { a: Int }', 'type A { a: A }', '@', '{', '"""'),
      ),
      (at, removed, text) => {
        compile(WARRANTY_YAML, `${WARRANTY_SDL.slice(0, at)}${text}${WARRANTY_SDL.slice(at + removed)}`);
      },
    ),
    { numRuns: runCount(300) },
  );
});

type Place = readonly (string | number)[];

function placesIn(value: unknown, place: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [place];
  return [place, ...Object.entries(value).flatMap(([name, inner]) => placesIn(inner, [...place, name]))];
}

function withValue(value: unknown, [first, ...rest]: Place, replacement: unknown): unknown {
  if (first === undefined) return replacement;
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(
    ([name, inner]) => [name, name === String(first) ? withValue(inner, rest, replacement) : inner] as const,
  );
  return Array.isArray(value) ? members.map(([, inner]) => inner as unknown) : Object.fromEntries(members);
}
