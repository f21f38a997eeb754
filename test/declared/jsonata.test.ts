import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { compileJsonata } from '../../src/declared/jsonata.js';
import { Mismatch } from '../../src/declared/path.js';
import { declaredSource } from '../../src/index.js';
import { startServer } from '../connectors/server.js';
import { createTestGateway } from '../support/gateway.js';
import { runCount } from '../support/thorough.js';
import { SCHOOL_SDL, SCHOOL_YAML } from './driving-school.js';
import { answerAsWarranty, compiled, WARRANTY_SDL, WARRANTY_SETTINGS, WARRANTY_YAML } from './warranty.js';

function compile(text: string, { isList = false, isExact = false } = {}) {
  const problems: { problem: string; remedy: string }[] = [];
  const report = (_: unknown, problem: string, remedy: string) => problems.push({ problem, remedy });
  return { expression: compileJsonata(text, { isList, isExact, place: [], report }), problems };
}

const RECORD = {
  name: ' Anna ',
  age: 30,
  owner: { given: 'Anna', family: 'de Vries', mail: 'anna@example.nl' },
  'first line': 'x',
  lines: [
    { sku: 'a', price: 3, tags: ['new'] },
    { sku: 'b', price: 1, tags: [] },
  ],
  numbers: [3, 1, 2],
  big: Array.from({ length: 1_001 }, (_, i) => ({ i })),
  many: Array.from({ length: 900 }, (_, i) => ({ i, of: { a: 1 } })),
  text: 'x'.repeat(9_000),
};

describe('an expression of JSONata', () => {
  it.each([
    ['owner.given & " " & owner.family', 'Anna de Vries', ['owner.given', 'owner.family']],
    ['age >= 18 ? "ADULT" : "CHILD"', 'ADULT', ['age']],
    ['lines[price > 2].sku', 'a', ['lines.price', 'lines.sku']],
    ['lines[price > 5].sku', undefined, ['lines.price', 'lines.sku']],
    ['$join(lines.(sku & $string(price)), ", ")', 'a3, b1', ['lines.sku', 'lines.price']],
    ['$sum(lines.price)', 4, ['lines.price']],
    ['lines^(price)[0].sku & ""', 'b', ['lines.price', 'lines.sku']],
    ['lines[$count(tags) = 0].sku', 'b', ['lines.tags', 'lines.sku']],
    ['numbers[$ > 2]', 3, ['numbers']],
    ['(lines)[sku = "b"].price * 2', 2, ['lines']],
    ['$$.age & "/" & `first line`', '30/x', ['age', 'first line']],
    ['(lines.($$.age & sku))[0]', '30a', ['age', 'lines.sku']],
    ['($a := owner.given; $b := $uppercase($a); $b & $a)', 'ANNAAnna', ['owner.given']],
    ['name ~> $trim() ~> $uppercase()', 'ANNA', ['name']],
    ['$pad($string(age), -5, "0")', '00030', ['age']],
    ['{ "sku": lines[0].sku, "price": age }', { sku: 'a', price: 30 }, ['lines.sku', 'age']],
  ])('%s', (text, expected, paths) => {
    const { expression, problems } = compile(text);
    expect(problems).toEqual([]);
    expect(expression?.read(RECORD)).toEqual(expected);
    expect(expression?.paths).toEqual(paths);
  });

  it.each([
    ['lines.sku', ['a', 'b']],
    ['lines[price > 2].sku', ['a']],
    ['lines[price > 5].sku', []],
    ['missing.sku', []],
    ['$sort(numbers)', [1, 2, 3]],
  ])('%s is a list for a list field', (text, expected) => {
    expect(compile(text, { isList: true }).expression?.read(RECORD)).toEqual(expected);
  });

  it.each([
    [
      'a function definition',
      '($f := function($x) { $f($x + 1) }; $f(age))',
      /function definition/,
      /no bound/,
    ],
    ['a lambda', '(λ($x) { $x })(age)', /function definition/, /in code/],
    ['a range', '[1..100000000]', /A range/, /lists of the record/],
    ['a regular expression', '$contains(name, /(a+)+$/)', /regular expression/, /no bound/],
    ['a partial function', '$substring(?, 1)', /partial function/, /no bound/],
    ['a transformation', 'owner ~> |$|{ "a": 1 }|', /A transformation|call on its right/, /no bound|a call/],
    ['an evaluated text', '$eval(name)', /"\$eval" is not allowed/, /Use one of abs/],
    ['a function of functions', '$map(lines, $string)', /"\$map" is not allowed/, /./],
    ['a function with random results', '$random()', /"\$random" is not allowed/, /./],
    ['the time', '$now()', /"\$now" is not allowed/, /./],
    [
      'a function that does not exist',
      '$lowercas(name) & "a"',
      /"\$lowercas" is not/,
      /Did you mean "lowercase"/,
    ],
    ['all members', '*.sku', /"\*" is not allowed/, /no bound/],
    ['all descendants', '$count(**)', /"\*\*" is not allowed/, /no bound/],
    ['the whole record', '$string($$)', /record as a whole/, /\$\$\.status/],
    ['the record as an argument', '$string()', /has no argument/, /Write a value/],
    ['an unknown variable', '$x & "a"', /"\$x" has no value/, /:=/],
    [
      'a variable of the library',
      '($__evaluate_entry := false; name & "")',
      /cannot be bound/,
      /another name/,
    ],
    ['a variable with the name of a function', '($sum := 1; $sum)', /cannot be bound/, /another name/],
    ['an inherited member', 'constructor & ""', /"constructor" is not a name/, /names of members/],
    ['a width without a bound', '$pad(name, age)', /width of \$pad/, /up to 100/],
    ['a mistake', 'owner.given &', /not valid at character 13/, /Correct/],
    ['too many characters', `name & "${'x'.repeat(1_000)}"`, /more than 1000 characters/, /in code/],
    ['a plain path', 'owner.mail', /without JSONata/, /from: owner\.mail\./],
    ['a path with an index', 'lines[0].sku', /without JSONata/, /from: lines\[0\]\.sku/],
    ['a conversion', '$lowercase(owner.mail)', /without JSONata/, /\{ from: owner\.mail, text: lower \}/],
  ])('is refused with a remedy if it has %s', (_, text, problem, remedy) => {
    const { expression, problems } = compile(text);
    expect(expression).toBeUndefined();
    expect(problems).toContainEqual({
      problem: expect.stringMatching(problem) as string,
      remedy: expect.stringMatching(remedy) as string,
    });
  });

  it.each(['age + 1', '$sum(lines.price)', '$round(age)'])('does not compute an exact number: %s', (text) => {
    const { expression, problems } = compile(text, { isExact: true });
    expect(expression).toBeUndefined();
    expect(problems[0]?.problem).toContain('may round numbers');
    expect(compile('lines[sku = "a"].price', { isExact: true }).problems).toEqual([]);
  });

  it.each([
    ['a long list', '$count(big)', /at most 1000 items/],
    ['a list for each item of a list', 'many[i in $$.numbers]', /less work/],
    ['much work in one list', '$count(many[of.a = 1])', /less work/],
    ['a long text', '($a := text & text; $a & $a)', /at most 10000 characters/],
    ['a value of another type', 'owner.given + 1', /can read \(T2001\)/],
  ])('fails the record with a bound on its work for %s', (_, text, expected) => {
    const { expression, problems } = compile(text);
    expect(problems).toEqual([]);
    expect(() => expression?.read(RECORD)).toThrow(expected);
    expect(() => expression?.read(RECORD)).not.toThrow(/Anna/);
  });
});

const TOKENS = [
  ...[
    'name',
    'owner',
    'lines',
    'sku',
    'numbers',
    '$',
    '$$',
    '$x',
    '%',
    '*',
    '**',
    '1',
    '-2',
    '"a"',
    '`a b`',
    'null',
  ],
  ...[
    '.',
    '[',
    ']',
    '(',
    ')',
    '{',
    '}',
    '^(',
    '^(>',
    '#$x',
    '@$x',
    ':=',
    ';',
    ',',
    ':',
    '?',
    '~>',
    '&',
    '+',
    '=',
    '..',
  ],
  ...[
    '$sum(',
    '$trim()',
    '$pad(',
    '$map(',
    '$eval(',
    'function($x){',
    '|',
    '/a/',
    'in ',
    'and ',
    '\\',
    'é',
    '\0',
    ' ',
  ],
];

test('expressions never throw during compilation, and fail a record only as a mismatch', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...TOKENS), { maxLength: 12 }), fc.boolean(), (tokens, isList) => {
      const { expression, problems } = compile(tokens.join(''), { isList });
      expect(problems.length > 0).toBe(expression === undefined);
      try {
        expression?.read(RECORD);
      } catch (error) {
        expect(error).toBeInstanceOf(Mismatch);
      }
    }),
    { numRuns: runCount(2_000) },
  );
});

const YAML = WARRANTY_YAML.replace(
  'Customer.warrantyContact: owner.mail',
  () => 'Customer.warrantyContact: { jsonata: \'owner.given & " <" & owner.mail & ">"\', text: lower }',
).replace('{ from: amountCents, money:', '{ jsonata: "amountCents > 1006 ? amountCents : 0", money:');

test('a field has the value of its expression, and another value is SOURCE_CONTRACT', async () => {
  const system = await startServer(answerAsWarranty);
  const contactBy = async (yaml: string) => {
    const { source, sdl } = compiled(yaml);
    const gateway = createTestGateway(
      { WARRANTY_URL: system.url, ...WARRANTY_SETTINGS },
      { sources: [source], sdl: { warranty: sdl } },
    );
    const answer = await gateway.query(
      '{ customer(by: { registrationId: "R00000002" }) { warrantyContact warranty { repairs { nodes { cost { amount } } } } } }',
    );
    await gateway.close();
    return answer;
  };
  expect(await contactBy(YAML)).toMatchObject({
    errors: [],
    data: {
      customer: {
        warrantyContact: 'anna <owner2@example.nl>',
        warranty: {
          repairs: {
            nodes: ['10.09', '10.08', '10.07', '0.00', '0.00'].map((amount) => ({ cost: { amount } })),
          },
        },
      },
    },
  });
  const wrong = await contactBy(YAML.replace('owner.given & ', '1 + '));
  expect(wrong.errors[0]?.extensions).toMatchObject({ code: 'SOURCE_CONTRACT' });
  expect(JSON.stringify(wrong)).not.toContain('Anna');
  await system.close();
});

test.each([
  [
    'a path in addition to an expression',
    "{ jsonata: 'owner.given &",
    "{ from: owner.mail, jsonata: 'owner.given &",
    /has from and jsonata/,
  ],
  ['a mistake', 'owner.given &', 'owner.given & &', /JSONata is not valid/],
])('a declaration is refused with its line for %s', (_, from, to, problem) => {
  expect(YAML).toContain(from);
  const result = declaredSource({
    ...{ file: 'a.yaml', yaml: YAML.replace(from, to), sdlFile: 'a.graphql', sdl: WARRANTY_SDL },
  });
  expect('problems' in result ? result.problems : []).toContainEqual(
    expect.objectContaining({
      line: YAML.slice(0, YAML.indexOf(from)).split('\n').length,
      problem: expect.stringMatching(problem) as string,
    }),
  );
});

test('the pages of a database are not ordered by an expression', () => {
  const yaml = SCHOOL_YAML.replace('Lesson.startsAt: starts_at', "Lesson.startsAt: { jsonata: 'a & b' }");
  const result = declaredSource({ file: 'a.yaml', yaml, sdlFile: 'a.graphql', sdl: SCHOOL_SDL });
  expect('problems' in result ? result.problems : []).toContainEqual(
    expect.objectContaining({
      problem: 'A list is ordered by "Lesson.startsAt", which the system does not know.',
      remedy: 'Order it by a column.',
    }),
  );
});
