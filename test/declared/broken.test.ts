import { describe, expect, it, test } from 'vitest';
import { declaredSource, type DeclarationProblem } from '../../src/index.js';
import { compiled, WARRANTY_SDL, WARRANTY_YAML } from './warranty.js';

function problemsOf(yaml: string, sdl: string | undefined = WARRANTY_SDL): readonly DeclarationProblem[] {
  const result = declaredSource({ file: 'warranty.yaml', yaml, sdlFile: 'warranty.graphql', sdl });
  return 'problems' in result ? result.problems : [];
}

/** A mistake in the declaration of the warranty system. `line` is its line in the changed file. */
interface Mistake {
  what: string;
  replace: [from: string, to: string];
  /** Default: the line of the replaced text. */
  line?: number;
  problem: RegExp;
  remedy: RegExp;
}

const lineOf = (text: string, part: string) => text.slice(0, text.indexOf(part)).split('\n').length;

const MISTAKES: Mistake[] = [
  {
    what: 'a syntax error',
    replace: ['recordKey: registrationId', 'recordKey: [registrationId'],
    problem: /YAML is not valid/,
    remedy: /Correct the syntax/,
    line: 9,
  },
  {
    what: 'a member that is declared twice',
    replace: ['  id: number\n', '  id: number\n  id: code\n'],
    line: 10,
    problem: /"id" is declared twice/,
    remedy: /Remove one/,
  },
  {
    what: 'an alias',
    replace: ['id: number', 'id: &number number'],
    problem: /aliases and tags are not supported/,
    remedy: /Write the value out/,
  },
  {
    what: 'an unknown member',
    replace: ['limits:', 'limit:'],
    problem: /"limit" is not known here/,
    remedy: /Did you mean "limits"\?/,
  },
  {
    what: 'a call with the name of an inherited member of JavaScript objects',
    replace: ['call: byEmail', 'call: valueOf'],
    problem: /"identity.foundBy.email.call" is invalid/,
    remedy: /must not be a name of JavaScript, such as valueOf/,
  },
  {
    what: 'a name of no paths',
    replace: ['name: [owner.given, owner.family]', 'name: []'],
    problem: /"identity\.profile\.name" is invalid/,
    remedy: /It must be a path, or a list of paths/,
  },
  {
    what: 'an empty list of credentials',
    replace: ['auth: { bearer: "${WARRANTY_TOKEN}" }', 'auth: []'],
    problem: /"connect\.auth" is invalid/,
    remedy: /It must be bearer, basic, apiKey or oauth2/,
  },
  {
    what: 'an invalid scope',
    replace: ['freshness:', 'scopes: [Warranty]\nfreshness:'],
    line: 4,
    problem: /"scopes\.0" is invalid/,
    remedy: /must be a scope, such as warranty:read/,
  },
  {
    what: 'an outbox without a time',
    replace: [
      'webhook:\n',
      'outbox: { url: "${OUTBOX_URL}", table: outbox, id: id, type: kind, types: {} }\nwebhook:\n',
    ],
    line: 30,
    problem: /"outbox\.time" is missing/,
    remedy: /must be a path/,
  },
  {
    what: 'an outbox with a table that is text of a query',
    replace: [
      'webhook:\n',
      'outbox: { url: "${OUTBOX_URL}", table: "a; b", id: id, time: at, type: kind, types: {} }\nwebhook:\n',
    ],
    line: 30,
    problem: /"outbox\.table" is invalid/,
    remedy: /must be the name of a table/,
  },
  {
    what: 'an unknown kind of company number',
    replace: ['webhook:\n', 'companies: { foundBy: { rsin: byId } }\nwebhook:\n'],
    line: 30,
    problem: /"rsin" is not known here/,
    remedy: /Known are: kvkNumber, vatNumber/,
  },
  {
    what: 'a call for companies that does not exist',
    replace: [
      'webhook:\n',
      'companies: { foundBy: { kvkNumber: byNumber }, holds: { kvkNumber: kvk } }\nwebhook:\n',
    ],
    line: 30,
    problem: /There is no call "byNumber"/,
    remedy: /Declare it under calls/,
  },
  {
    what: 'an unknown limit',
    replace: ['concurrency: 4', 'concurency: 4'],
    problem: /"concurency" is not known here/,
    remedy: /Did you mean "concurrency"\?/,
  },
  {
    what: 'a missing name',
    replace: ['source: warranty\n', ''],
    line: 1,
    problem: /"source" is missing/,
    remedy: /name of the source/,
  },
  {
    what: 'a name with capitals',
    replace: ['source: warranty', 'source: Warranty'],
    problem: /"source" is invalid/,
    remedy: /lower case with dashes/,
  },
  {
    what: 'a duration without a unit',
    replace: ['timeout: 800 ms', 'timeout: 800'],
    problem: /"limits\.timeout" is invalid/,
    remedy: /a duration such as "250 ms"/,
  },
  {
    what: 'a duration with an unknown unit',
    replace: ['staleIfError: 1 hour', 'staleIfError: 1 h'],
    problem: /"freshness\.staleIfError" is invalid/,
    remedy: /a duration such as/,
  },
  {
    what: 'a text for a number',
    replace: ['concurrency: 4', 'concurrency: four'],
    problem: /"limits\.concurrency" is invalid/,
    remedy: /a whole number from 1 to 1000/,
  },
  {
    what: 'no connector',
    replace: ['connect: {', 'conect: {'],
    line: 1,
    problem: /"connect" is missing/,
    remedy: /connect: \{ rest:/,
  },
  {
    what: 'an unknown connector',
    replace: ['rest: "${WARRANTY_URL}"', 'grpc: "${WARRANTY_URL}"'],
    problem: /"connect" names no kind of connector/,
    remedy: /Write one of rest, graphql, sql/,
  },
  {
    what: 'an address in the file',
    replace: ['"${WARRANTY_URL}"', 'https://warranty.example.com'],
    problem: /"connect\.rest" is invalid/,
    remedy: /values and secrets are not written in the file/,
  },
  {
    what: 'a secret in the file',
    replace: ['"${WARRANTY_TOKEN}"', 's3cret-of-the-system'],
    problem: /"connect\.auth\.bearer" is invalid/,
    remedy: /the name of a variable/,
  },
  {
    what: 'an unknown way to authenticate',
    replace: ['auth: { bearer:', 'auth: { barer:'],
    problem: /"connect\.auth" is invalid|"barer" is not known/,
    remedy: /bearer, basic, apiKey or oauth2|bearer/,
  },
  {
    what: 'no path for the health check',
    replace: [', ping: /v1/status', ''],
    problem: /"connect\.ping" is missing/,
    remedy: /\/v1\/status/,
  },
  {
    what: 'a pattern that matches a part',
    replace: ["'^R\\d{8}$'", "'R\\d{8}'"],
    problem: /may match a part of a text only/,
    remedy: /Write "\^R/,
  },
  {
    what: 'an invalid pattern',
    replace: ["'^R\\d{8}$'", "'^R(\\d{8}$'"],
    problem: /is not a regular expression/,
    remedy: /pattern of JavaScript/,
  },
  {
    what: 'a namespace that every gateway has',
    replace: ['namespaces:\n', 'namespaces:\n  email: { pattern: ^.*$, description: An address. }\n'],
    line: 6,
    problem: /namespace "email" exists already/,
    remedy: /another name/,
  },
  {
    what: 'a recordKey that is not declared',
    replace: ['recordKey: registrationId', 'recordKey: registration'],
    problem: /namespace "registration" is not declared/,
    remedy: /namespaces: \{ registration/,
  },
  {
    what: 'a recordKey without a lookup',
    replace: ['    registrationId: { call: byId, uniqueness: enforced }\n', ''],
    line: 10,
    problem: /"foundBy" has no "registrationId"/,
    remedy: /Add registrationId/,
  },
  {
    what: 'an unknown uniqueness',
    replace: ['uniqueness: usual', 'uniqueness: mostly'],
    problem: /uniqueness" is invalid/,
    remedy: /enforced, usual, verified or none/,
  },
  {
    what: 'a call that does not exist',
    replace: ['call: byEmail', 'call: byMail'],
    problem: /no call "byMail"/,
    remedy: /Did you mean "byEmail"\?/,
  },
  {
    what: 'an unused call',
    replace: ['calls:\n', 'calls:\n  other: { get: "/v1/other/{key}" }\n'],
    line: 16,
    problem: /call "other" is not used/,
    remedy: /Name it in foundBy/,
  },
  {
    what: 'a call without a key',
    replace: ['/v1/registrations/{key}" }', '/v1/registrations" }'],
    line: 17,
    problem: /must send \{key\}/,
    remedy: /\{keys\|csv\}/,
  },
  {
    what: 'a key within a text of the query',
    replace: ['owner={keys|csv}', 'owner=mail:{key}'],
    problem: /has a key within a text/,
    remedy: /allow:/,
  },
  {
    what: 'a key within a text of the body',
    replace: ['get: "/v1/registrations?owner={keys|csv}"', 'post: /v1/search, body: { q: "mail = {keys}" }'],
    problem: /part of a text in the body/,
    remedy: /"\{keys\}"/,
  },
  {
    what: 'a list of keys in a path',
    replace: ['"/v1/registrations/{key}"', '"/v1/registrations/{keys|csv}"'],
    problem: /placeholder that is not \{key\}/,
    remedy: /in the query/,
  },
  {
    what: 'a batch without rows',
    replace: [', rows: data', ''],
    problem: /needs rows/,
    remedy: /rows: data/,
  },
  {
    what: 'a page without a bound',
    replace: [', maxItems: 50', ''],
    problem: /"calls\.repairs\.page(\.maxItems)?" is (missing|invalid)/,
    remedy: /bound/,
  },
  {
    what: 'a field that the SDL does not have',
    replace: ['Warranty.cover:', 'Warranty.covers:'],
    problem: /SDL has no field "Warranty\.covers"/,
    remedy: /Did you mean "Warranty\.cover"\?/,
  },
  {
    what: 'a value that the enum does not have',
    replace: ['P: PREMIUM', 'P: PREMUM'],
    problem: /"PREMUM" is not a value of WarrantyCover/,
    remedy: /BASIC, PREMIUM, EXTRA_LONG/,
  },
  {
    what: 'a conversion to another type',
    replace: ['{ from: ends, date: dd-mm-yyyy }', '{ from: ends, dateTime: seconds }'],
    problem: /"dateTime" does not make a value of the type Date/,
    remedy: /use date/,
  },
  {
    what: 'a format without a year',
    replace: ['dd-mm-yyyy', 'dd-mm-yy'],
    problem: /"dd-mm-yy" is not a format of dates/,
    remedy: /dd-mm-yyyy/,
  },
  {
    what: 'an unknown time zone',
    replace: ['Europe/Amsterdam', 'Europe/Amsterdm'],
    problem: /"Europe\/Amsterdm" is not a time zone/,
    remedy: /Europe\/Amsterdam/,
  },
  {
    what: 'an unknown currency',
    replace: ['currency: EUR', 'currency: euro'],
    problem: /"euro" is not a currency/,
    remedy: /ISO 4217/,
  },
  {
    what: 'an invalid path',
    replace: ['from: cover.code', 'from: cover..code'],
    problem: /"cover\.\.code" is not a path/,
    remedy: /owner\.mail/,
  },
  {
    what: 'a path to an inherited member',
    replace: ['from: cover.code', 'from: cover.__proto__'],
    problem: /is not a path/,
    remedy: /names of members/,
  },
  {
    what: 'a list without a key',
    replace: ['call: repairs, key: number,', 'call: repairs,'],
    problem: /has no key for this call/,
    remedy: /key: id/,
  },
  {
    what: 'a page without an order',
    replace: [', order: [-startedAt, code]', ''],
    problem: /list that has no order/,
    remedy: /order: two fields/,
  },
  {
    what: 'an order by a field that does not exist',
    replace: ['-startedAt', '-startAt'],
    problem: /Repair has no field "startAt"/,
    remedy: /Did you mean "startedAt"\?/,
  },
  {
    what: 'an order by money',
    replace: ['-startedAt', '-cost'],
    problem: /"Repair\.cost" is not compared as text/,
    remedy: /DateTime/,
  },
  {
    what: 'a call that finds customers, on another type',
    replace: ['call: repairs, key: number', 'call: byId, key: number'],
    problem: /call "byId" finds customers/,
    remedy: /another call/,
  },
  {
    what: 'a recordKey without identity',
    replace: ['Customer.warranty: { call: byId }', 'Customer.warranty: { call: repairs, key: email }'],
    problem: /"email" is the key of no records/,
    remedy: /heldIdentifiers: \[email\]/,
  },
  {
    what: 'a webhook without a way to verify it',
    replace: ['  hmac: { header: x-signature, secret: "${WARRANTY_HOOK}" }\n', ''],
    line: 30,
    problem: /"webhook" is invalid|"webhook\.hmac" is missing/,
    remedy: /hmac|map of members/,
  },
];

describe('a broken declaration', () => {
  it.each(MISTAKES)(
    'is refused with its line and a remedy if it has $what',
    ({ replace: [from, to], line, problem, remedy }) => {
      expect(WARRANTY_YAML).toContain(from);
      const yaml = WARRANTY_YAML.replace(from, () => to);
      const problems = problemsOf(yaml);
      const found = problems.find(
        (reported) => problem.test(reported.problem) && remedy.test(reported.remedy),
      );
      expect(found, JSON.stringify(problems, null, 1)).toBeDefined();
      expect(found?.line).toBe(line ?? lineOf(WARRANTY_YAML, from));
      expect(found?.file).toBe('warranty.yaml');
      expect(JSON.stringify(problems)).not.toContain('s3cret');
    },
  );

  it('is reported with all its mistakes together', () => {
    const yaml = WARRANTY_YAML.replace('P: PREMIUM', 'P: PREMUM').replace('currency: EUR', 'currency: euro');
    expect(problemsOf(yaml).map(({ line }) => line)).toEqual([25, 29]);
  });

  it('is reported with all errors of its YAML shape together', () => {
    const yaml = WARRANTY_YAML.replace('concurrency: 4', 'concurrency: four').replace(
      'key}" }',
      'key}", gt: 1 }',
    );
    expect(problemsOf(yaml).map(({ line }) => line)).toEqual([3, 17]);
  });

  it('is reported with the line in its SDL if the SDL is invalid', () => {
    const [problem] = problemsOf(WARRANTY_YAML, WARRANTY_SDL.replace('type Warranty', 'typ Warranty'));
    expect(problem).toMatchObject({ file: 'warranty.graphql', line: 14 });
  });

  it('is reported with the name of the SDL file if it is missing', () => {
    const result = declaredSource({
      file: 'a.yaml',
      yaml: WARRANTY_YAML,
      sdlFile: 'b.graphql',
      sdl: undefined,
    });
    expect(result).toMatchObject({
      problems: [{ line: 1, remedy: expect.stringContaining('b.graphql') as string }],
    });
  });

  it.each([
    { bound: '1000 lines', added: '\n'.repeat(1_000), line: 1_001 },
    { bound: '16384 characters', added: `${'#'.repeat(1_000)}\n`.repeat(17), line: 1 },
  ])('is refused if the file has more than $bound', ({ bound, added, line }) => {
    expect(problemsOf(WARRANTY_YAML + added)).toMatchObject([
      {
        line,
        problem: `The file has more than ${bound}.`,
        remedy: expect.stringContaining('one system') as string,
      },
    ]);
  });

  it('is refused if a field has no call and the source has no identity', () => {
    const yaml = 'source: w\nconnect: { rest: "${W_URL}", ping: / }\n';
    const [problem] = problemsOf(yaml, 'type Customer { points: Int @personalData(category: TRAIT) }');
    expect(problem?.problem).toContain('"Customer.points" has no call');
  });
});

test.each(['type', 'extend type'])(
  'a source whose SDL declares the fields of a type twice, with "%s", is refused',
  (keyword) => {
    const sdl = `${WARRANTY_SDL}\n${keyword} Customer { warrantyNote: String @personalData(category: NONE) }\n`;
    const [problem, ...others] = problemsOf(WARRANTY_YAML, sdl);
    expect(problem).toMatchObject({
      file: 'warranty.graphql',
      line: sdl.split('\n').findIndex((line) => line.includes('warrantyNote')) + 1,
      problem: 'The fields of "Customer" are declared in several places.',
    });
    expect(others).toEqual([]);
  },
);

test('a field without a class of personal data is not shown, and is reported', () => {
  const sdl = WARRANTY_SDL.replace(
    '"The code of the repair."',
    'secretNote: String\n  "The code of the repair."',
  )
    .replace('type Repair @personalData(category: TRANSACTION)', 'type Repair')
    .replace('  code: ID!', '  code: ID! @personalData(category: NONE)')
    .replace('  startedAt: DateTime', '  startedAt: DateTime @personalData(category: NONE)');
  const result = declaredSource({ file: 'w.yaml', yaml: WARRANTY_YAML, sdlFile: 'w.graphql', sdl });
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  expect(result.sdl).not.toContain('secretNote');
  expect(result.warnings.map(({ problem }) => problem)).toEqual([
    '"Repair.secretNote" is not classified, so it is not shown.',
    '"Repair.cost" is not classified, so it is not shown.',
  ]);
});

test('a list of a type without classified fields is not shown, and is reported', () => {
  const sdl = WARRANTY_SDL.replace('type Repair @personalData(category: TRANSACTION)', 'type Repair');
  const result = declaredSource({ file: 'w.yaml', yaml: WARRANTY_YAML, sdlFile: 'w.graphql', sdl });
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  expect(result.sdl).not.toContain('Repair');
  expect(result.warnings.map(({ line, problem }) => [line, problem])).toEqual([
    [lineOf(sdl, 'code: ID!'), '"Repair.code" is not classified, so it is not shown.'],
    [lineOf(sdl, 'startedAt: DateTime'), '"Repair.startedAt" is not classified, so it is not shown.'],
    [lineOf(sdl, 'cost: Money'), '"Repair.cost" is not classified, so it is not shown.'],
    [lineOf(sdl, 'repairs('), '"Warranty.repairs" is not shown, because no field of "Repair" is classified.'],
  ]);
});

test('a source may find customers without a classified field', () => {
  const sdl = 'type Customer {\n  "A note."\n  note: String\n}\n';
  const yaml = WARRANTY_YAML.slice(0, WARRANTY_YAML.indexOf('  repairs:\n'));
  const result = declaredSource({ file: 'w.yaml', yaml, sdlFile: 'w.graphql', sdl });
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  expect(result.sdl.trim()).toBe('type Customer @foundBy(identifier: "registrationId")');
  expect(result.warnings.map(({ line, problem }) => [line, problem])).toEqual([
    [3, '"Customer.note" is not classified, so it is not shown.'],
  ]);
});

test('a source without classified fields is refused, and each field is reported', () => {
  const sdl = 'type Article @foundBy(field: "code") {\n  code: ID!\n  stock: Int\n}\n';
  expect(problemsOf(WARRANTY_YAML, sdl).map(({ line, problem }) => [line, problem])).toEqual([
    [2, '"Article.code" is not classified, so it is not shown.'],
    [3, '"Article.stock" is not classified, so it is not shown.'],
  ]);
});

test('a field that is omitted from the SDL does not change the line numbers of other fields', () => {
  const field = '  "A note."\n  note(\n    first: Int\n  ): String\n';
  const sdl = WARRANTY_SDL.replace('  "The code of the repair."', (next) => `${field}${next}`)
    .replace('type Repair @personalData(category: TRANSACTION)', 'type Repair')
    .replace('  code: ID!', '  code: ID! @personalData(category: NONE)')
    .replace('  startedAt: DateTime', '  startedAt: DateTime @personalData(category: NONE)');
  const shown = compiled(WARRANTY_YAML, sdl).sdl;
  expect(shown).not.toContain('note(');
  expect(lineOf(shown, 'startedAt: DateTime')).toBe(lineOf(sdl, 'startedAt: DateTime'));
});
