import { describe, expect, test } from 'vitest';
import { declaredSource } from '../../src/index.js';
import { BOOKSHOP_SDL, BOOKSHOP_YAML } from './bookshop.js';
import { SCHOOL_SDL, SCHOOL_YAML } from './driving-school.js';
import { INVOICING_SDL, INVOICING_YAML } from './invoicing.js';
import { PARKING_SDL, PARKING_YAML } from './parking.js';
import { PARCELS_SDL, PARCELS_YAML } from './parcels.js';

/** A mistake in the part of a declaration that belongs to its connector. */
interface Mistake {
  what: string;
  replace: [from: string, to: string];
  /** Default: the line of the replaced text. */
  line?: number;
  problem: RegExp;
  remedy: RegExp;
}

const SOAP_MISTAKES: Mistake[] = [
  {
    what: 'no WSDL',
    replace: ['  wsdl: /parcels?wsdl\n', ''],
    line: 2,
    problem: /"connect\.wsdl" is missing/,
    remedy: /a file beside the declaration/,
  },
  {
    what: 'a WSDL that does not exist',
    replace: ['wsdl: /parcels?wsdl', 'wsdl: parcel.wsdl'],
    problem: /no file "parcel\.wsdl" in the folder of the declaration/,
    remedy: /Save the WSDL of the system there/,
  },
  {
    what: 'a WSDL outside the folder',
    replace: ['wsdl: /parcels?wsdl', 'wsdl: ../../etc/parcels.wsdl'],
    problem: /"connect\.wsdl" is invalid/,
    remedy: /a file beside the declaration/,
  },
  {
    what: 'a WSDL at another address',
    replace: ['wsdl: /parcels?wsdl', 'wsdl: https://elsewhere.example.com/parcels?wsdl'],
    problem: /"connect\.wsdl" is invalid/,
    remedy: /a path of the system/,
  },
  {
    what: 'a fault with an unknown meaning',
    replace: ['NO_SUCH_CUSTOMER: nothing', 'NO_SUCH_CUSTOMER: notFound'],
    problem: /"connect\.faults\.NO_SUCH_CUSTOMER" is invalid/,
    remedy: /nothing, unavailable, rate-limited/,
  },
  {
    what: 'a password in the file',
    replace: ['"${PARCELS_PASSWORD}"', 'secret'],
    problem: /"connect\.usernameToken\.password" is invalid/,
    remedy: /the name of a variable/,
  },
  {
    what: 'a key in the health check',
    replace: ['customer: nobody@example.com', 'customer: "{key}"'],
    problem: /A health check has no key/,
    remedy: /Write a fixed value/,
  },
  {
    what: 'a call without an operation',
    replace: ['operation: track, parts: { customer: "{key}"', 'parts: { customer: "{key}"'],
    problem: /"calls\.parcels\.operation" is missing/,
    remedy: /operation in the WSDL/,
  },
  {
    what: 'a call without a key',
    replace: ['customer: "{key}"', 'customer: anna@example.nl'],
    problem: /must send \{key\}/,
    remedy: /Write "\{key\}" as the value of a part/,
  },
  {
    what: 'a key within a text',
    replace: ['customer: "{key}"', 'customer: "<id>{key}</id>"'],
    problem: /must send \{key\}/,
    remedy: /value of a part/,
  },
  {
    what: 'an invalid part of a key',
    replace: ['customer: "{key}"', 'customer: "{key|last 2}"'],
    problem: /A key would become part of a text/,
    remedy: /"\{key\|first 2\}"/,
  },
  {
    what: 'several keys without rows',
    replace: [
      'customer: "{key}", filter: { status: [SENT, RECEIVED] } }, rows: parcel',
      'customer: "{keys}" }, key: code',
    ],
    problem: /A call for several keys needs rows/,
    remedy: /such as rows: item/,
  },
  {
    what: 'a list of one path as the key',
    replace: ['rows: parcel', 'rows: parcel, key: [code]'],
    problem: /"calls\.parcels\.key" is invalid/,
    remedy: /a list of paths/,
  },
  {
    what: 'a member of a call over REST',
    replace: ['rows: parcel', 'rows: parcel, query: { a: b }'],
    problem: /"query" is not known here/,
    remedy: /Did you mean "key"\?/,
  },
];

const ODATA_MISTAKES: Mistake[] = [
  {
    what: 'a set with a query',
    replace: ['set: Bills', 'set: Bills?$top=1'],
    problem: /"calls\.bills\.set" is invalid/,
    remedy: /the name of an entity set/,
  },
  {
    what: 'a filter as the field of the key',
    replace: ['by: Email', 'by: "Email eq \'{key}\' or Email"'],
    problem: /"calls\.accountsByEmail\.by" is invalid/,
    remedy: /the name of a field/,
  },
  {
    what: 'a set without the field of the key',
    replace: ['    by: AccountNo\n', ''],
    line: 20,
    problem: /"calls\.bills\.by" is missing/,
    remedy: /the name of a field/,
  },
  {
    what: 'an unknown type of the key',
    replace: ['by: AccountNo', 'by: AccountNo\n    keys: integer'],
    line: 23,
    problem: /"calls\.bills\.keys" is invalid/,
    remedy: /text, number or guid/,
  },
  {
    what: 'pages without a bound',
    replace: ['page: { size: 100, maxPages: 3 }', 'page: { size: 100 }'],
    problem: /"calls\.bills\.page\.maxPages" is missing/,
    remedy: /a whole number from 1 to 100/,
  },
  {
    what: 'a condition with an empty list',
    replace: ['Status: [Open, Paid]', 'Status: []'],
    problem: /"calls\.bills\.where\.Status" is invalid/,
    remedy: /a value, or a list of values/,
  },
  {
    what: 'a condition as a text',
    replace: ['where: { Status: [Open, Paid], Draft: false }', 'where: Status eq Open'],
    problem: /"calls\.bills\.where" is invalid/,
    remedy: /such as \{ status: \[Open, Paid\] \}/,
  },
  {
    what: 'a version that does not exist',
    replace: ['lists: in', 'version: 3'],
    problem: /"connect\.version" is invalid/,
    remedy: /2 or 4/,
  },
  {
    what: 'a length of keys that are not texts',
    replace: ['maxKeyLength: 80', 'maxKeyLength: 80, keys: guid'],
    problem: /Keys of the type guid have no length/,
    remedy: /Remove it/,
  },
];

const SQL_MISTAKES: Mistake[] = [
  {
    what: 'a type of keys that does not exist',
    replace: ['by: id, keys: integer', 'by: id, keys: int'],
    problem: /"calls\.pupilsByNumber\.keys" is invalid/,
    remedy: /text, smallint, integer, bigint or uuid/,
  },
  {
    what: 'a column with a quotation mark',
    replace: ['by: mail,', `by: 'ma"il',`],
    problem: /"calls\.pupilsByEmail\.by" is invalid/,
    remedy: /the name of a column, without quotes/,
  },
  {
    what: 'a table with two dots',
    replace: ['from: lesson,', 'from: planning.lesson.old,'],
    problem: /"calls\.lessons\.from" is invalid/,
    remedy: /the name of a table or view/,
  },
  {
    what: 'an invalid value of readsWholeTable',
    replace: ['matching: lower', 'matching: lower, readsWholeTable: false'],
    problem: /"calls\.pupilsByEmail\.readsWholeTable" is invalid/,
    remedy: /true, or left out/,
  },
];

const FILES_MISTAKES: Mistake[] = [
  {
    what: 'an unknown table',
    replace: ['from: permit, by: number', 'from: permits, by: number'],
    problem: /There is no table "permits"/,
    remedy: /Did you mean "permit"/,
  },
  {
    what: 'a query of an unknown table',
    replace: ['FROM visit()', 'FROM visits()'],
    problem: /There is no table "visits"/,
    remedy: /Did you mean "visit"/,
  },
  {
    what: 'files outside of the folder',
    replace: ['files: permits.csv', 'files: ../permits.csv'],
    problem: /"connect\.tables\.permit\.files" is invalid/,
    remedy: /a pattern of \.parquet, \.csv/,
  },
  {
    what: 'files of another format',
    replace: ['files: permits.csv', 'files: permits.xlsx'],
    problem: /"connect\.tables\.permit\.files" is invalid/,
    remedy: /a pattern of \.parquet, \.csv/,
  },
  {
    what: 'a table with an invalid name',
    replace: ['    permit: { files', '    Permit: { files'],
    problem: /"connect\.tables\.Permit" is invalid/,
    remedy: /lower-case letters/,
  },
  {
    what: 'a quotation mark in the part of the path that names the day',
    replace: ['newest: { column: day,', `newest: { column: "day'",`],
    problem: /"connect\.tables\.visit\.newest\.column" is invalid/,
    remedy: /the part of the path that names the day/,
  },
  {
    what: 'the folder itself in the file',
    replace: ['files: "${PARKING_FOLDER}"', 'files: /data/parking'],
    problem: /"connect\.files" is invalid/,
    remedy: /the name of a variable/,
  },
  {
    what: 'numbers in lower case',
    replace: ['by: mail, matching: lower', 'by: mail, matching: lower, keys: integer'],
    problem: /Keys of the type integer have no lower case/,
    remedy: /Remove matching: lower/,
  },
  {
    what: 'a query without keys',
    replace: [' WHERE permit = ANY(:keys)', ''],
    problem: /The query has no keys/,
    remedy: /ANY\(:keys\)/,
  },
];

const GRAPHQL_MISTAKES: Mistake[] = [
  {
    what: 'a field that is not GraphQL',
    replace: ['"members(ids: $keys)"', '"members(ids $keys)"'],
    problem: /"members\(ids \$keys\)" is not a field in GraphQL: Syntax Error/,
    remedy: /Write a field with its arguments/,
  },
  {
    what: 'a key in braces',
    replace: ['ids: $keys', 'ids: {keys}'],
    problem: /A key in GraphQL is a variable/,
    remedy: /Write \$key, or \$keys/,
  },
  {
    what: 'a key within a text',
    replace: ['email: $key', 'email: \\"mailto:$key\\"'],
    problem: /A key would become part of a text/,
    remedy: /without quotes/,
  },
  {
    what: 'a variable without a value',
    replace: ['email: $key', 'email: $kee'],
    problem: /The variable "\$kee" has no value/,
    remedy: /Did you mean "key"/,
  },
  {
    what: 'a field without a key',
    replace: ['ids: $keys', 'first: 50'],
    problem: /The call must send \$key/,
    remedy: /\$keys if it takes a list/,
  },
  {
    what: 'both one key and all keys',
    replace: ['ids: $keys', 'ids: $keys, id: $key'],
    problem: /sends both \$key and \$keys/,
    remedy: /Write one of them/,
  },
  {
    what: 'a field with a selection',
    replace: ['members(ids: $keys)', 'members(ids: $keys) { id }'],
    problem: /is more than one field/,
    remedy: /is in select/,
  },
  {
    what: 'a second field after the first',
    replace: ['members(ids: $keys)', 'members(ids: $keys) { id } } mutation { leave'],
    problem: /is not a field in GraphQL/,
    remedy: /Write a field with its arguments/,
  },
  {
    what: 'an unterminated text',
    replace: ['members(ids: $keys)', 'members(ids: $keys, of: \\"x)'],
    problem: /is not a field in GraphQL/,
    remedy: /Write a field with its arguments/,
  },
  {
    what: 'an invalid type of the key',
    replace: ['keys: String', 'keys: "[String!]!"'],
    problem: /"calls\.memberByEmail\.keys" is invalid/,
    remedy: /such as ID, String or Int/,
  },
  {
    what: 'a type of the key that is followed by other GraphQL',
    replace: ['keys: String', 'keys: "String!) { id } #"'],
    problem: /"calls\.memberByEmail\.keys" is invalid/,
    remedy: /such as ID, String or Int/,
  },
  {
    what: 'pages without a position',
    replace: [', after: $after', ''],
    line: 24,
    problem: /The pages have no position/,
    remedy: /Write \$after as an argument/,
  },
  {
    what: 'a position without pages',
    replace: ['    page: { maxItems: 100 }\n', ''],
    line: 22,
    problem: /sends \$after, and has no pages/,
    remedy: /Add page: \{ maxItems: 200 \}/,
  },
  {
    what: 'pages without a bound',
    replace: ['{ maxItems: 100 }', '{ maxPages: 3 }'],
    problem: /"calls\.purchases\.page\.maxItems" is missing/,
    remedy: /each list needs a bound/,
  },
  {
    what: 'pages without a cursor',
    replace: ['rows: edges.node', 'rows: items'],
    line: 24,
    problem: /The pages have no cursor/,
    remedy: /add cursor: the path of the next cursor/,
  },
  {
    what: 'pages without rows',
    replace: ['    rows: edges.node\n', ''],
    line: 23,
    problem: /A list in pages needs rows/,
    remedy: /rows: edges\.node, of a connection/,
  },
  {
    what: 'a path with a name that GraphQL does not have',
    replace: ['readsBooks: active', 'readsBooks: is-active'],
    line: 19,
    problem: /"is-active" is read, and is not a name of GraphQL/,
    remedy: /\{ from: name \}/,
  },
  {
    what: 'a selection that is not GraphQL',
    replace: ['rows: edges.node', 'rows: edges.node\n    select: number boughtOn'],
    line: 24,
    problem: /"select" is not a selection in GraphQL/,
    remedy: /Write fields in braces/,
  },
  {
    what: 'a selection that lacks a field of the mapping',
    replace: [
      'rows: edges.node',
      'rows: edges.node\n    select: "{ number boughtOn total { amount curency } items { title author { name } } }"',
    ],
    line: 24,
    problem: /The mapping reads "total\.currency", and "select" has no "currency"/,
    remedy: /Did you mean "curency"/,
  },
  {
    what: 'a key in a selection',
    replace: [
      'rows: edges.node',
      'rows: edges.node\n    select: "{ number boughtOn total { amount currency } items(of: $key) { title author { name } } }"',
    ],
    line: 24,
    problem: /"select" has the variable "\$key"/,
    remedy: /constant arguments/,
  },
  {
    what: 'a code of an error with an unknown meaning',
    replace: ['NO_SUCH_MEMBER: nothing', 'NO_SUCH_MEMBER: notFound'],
    problem: /"connect\.errors\.NO_SUCH_MEMBER" is invalid/,
    remedy: /nothing, unavailable, rate-limited/,
  },
  {
    what: 'cost points without the error code for used-up points',
    replace: [', THROTTLED: rate-limited', ''],
    line: 6,
    problem: /No code of an error means that the points are used up/,
    remedy: /THROTTLED: rate-limited/,
  },
  {
    what: 'an address in the file',
    replace: ['"${BOOKSHOP_URL}"', 'https://bookshop.example.com/graphql'],
    problem: /"connect\.graphql" is invalid/,
    remedy: /the name of a variable/,
  },
];

describe.each([
  { connector: 'GraphQL', yaml: BOOKSHOP_YAML, sdl: BOOKSHOP_SDL, mistakes: GRAPHQL_MISTAKES },
  { connector: 'files', yaml: PARKING_YAML, sdl: PARKING_SDL, mistakes: FILES_MISTAKES },
  { connector: 'SQL', yaml: SCHOOL_YAML, sdl: SCHOOL_SDL, mistakes: SQL_MISTAKES },
  { connector: 'SOAP', yaml: PARCELS_YAML, sdl: PARCELS_SDL, mistakes: SOAP_MISTAKES },
  { connector: 'OData', yaml: INVOICING_YAML, sdl: INVOICING_SDL, mistakes: ODATA_MISTAKES },
])('a declaration over $connector', ({ yaml, sdl, mistakes }) => {
  const compile = (text: string) => declaredSource({ file: 'a.yaml', yaml: text, sdlFile: 'a.graphql', sdl });

  test('has no problems in the example', () => {
    expect(compile(yaml)).not.toHaveProperty('problems');
  });

  test.each(mistakes)(
    'is refused with its line and a remedy if it has $what',
    ({ replace, line, problem, remedy }) => {
      const [from, to] = replace;
      expect(yaml).toContain(from);
      const result = compile(yaml.replace(from, to));
      const problems = 'problems' in result ? result.problems : [];
      const found = problems.find(
        (reported) => problem.test(reported.problem) && remedy.test(reported.remedy),
      );
      expect(found, JSON.stringify(problems)).toBeDefined();
      expect(found?.line).toBe(line ?? yaml.slice(0, yaml.indexOf(from)).split('\n').length);
    },
  );
});

test('a type that contains itself needs a finite selection', () => {
  const sdl = `type Customer { shelf: Shelf @personalData(category: TRAIT) @authenticated }
type Shelf @personalData(category: TRAIT) { name: String within: Shelf }`;
  const compile = (select: string) =>
    declaredSource({
      file: 'a.yaml',
      yaml: `source: bookshop
connect: { graphql: "\${BOOKSHOP_URL}" }
heldIdentifiers: [email]
calls:
  shelf: { field: "shelf(of: $key)"${select} }
fields: { Customer.shelf: { call: shelf } }
`,
      sdlFile: 'a.graphql',
      sdl,
    });
  expect(compile('')).toMatchObject({
    problems: [{ line: 5, problem: expect.stringContaining('has no end') as string }],
  });
  expect(compile(', select: "{ name within { name } }"')).not.toHaveProperty('problems');
});
