import { describe, expect, test } from 'vitest';
import { declaredSource } from '../../src/index.js';
import { SCHOOL_SDL, SCHOOL_YAML } from './driving-school.js';
import { INVOICING_SDL, INVOICING_YAML } from './invoicing.js';
import { PARKING_SDL, PARKING_YAML } from './parking.js';
import { PARCELS_SDL, PARCELS_YAML } from './parcels.js';

/** A mistake in the parts of a declaration that belong to its connector. */
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
    what: 'a part of a key that is none',
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
    what: 'a length of keys that are no texts',
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
    remedy: /text, integer, bigint or uuid/,
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
    what: 'a table that is not read as a whole',
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

describe.each([
  { connector: 'files', yaml: PARKING_YAML, sdl: PARKING_SDL, mistakes: FILES_MISTAKES },
  { connector: 'SQL', yaml: SCHOOL_YAML, sdl: SCHOOL_SDL, mistakes: SQL_MISTAKES },
  { connector: 'SOAP', yaml: PARCELS_YAML, sdl: PARCELS_SDL, mistakes: SOAP_MISTAKES },
  { connector: 'OData', yaml: INVOICING_YAML, sdl: INVOICING_SDL, mistakes: ODATA_MISTAKES },
])('a declaration over $connector', ({ yaml, sdl, mistakes }) => {
  const compile = (text: string) => declaredSource({ file: 'a.yaml', yaml: text, sdlFile: 'a.graphql', sdl });

  test('has no problem if it is that of the example', () => {
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
