import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sendJson, startServer } from '../../src/testing/small-server.js';
import { createLibrary, READERS, type Library } from '../connect/files/library.js';
import { CLUB_MEMBERS, CLUB_TOKEN, clubSystem } from '../connect/graphql/club.js';
import { startOdataService, type ServiceData, type ServiceRules } from '../connect/odata/odata-service.js';
import { OLD_SHOP, WORKSHOP } from '../connect/odata/workshop.js';
import { CLIENTS as GARAGE_CLIENTS, startGarage, type GarageRules } from '../connect/soap/garage.js';
import { startMusicSchool, STUDENTS } from '../connect/sql/music-school.js';

/** Systems of each kind that `connect` supports. They change only when a test changes them. */

export interface ChangingSystem {
  what: string;
  /** The text on standard input. */
  input?: string;
  /** More words of the command `connect`. */
  words?: readonly string[];
  settings: Readonly<Record<string, string>>;
  /** Addresses of persons. */
  emails: readonly string[];
  changes: readonly PlannedChange[];
  close(): Promise<void> | void;
}

interface PlannedChange {
  what: string;
  apply: () => Promise<void> | void;
  /** The line of the report. */
  expected: string;
}

type Rows = Record<string, unknown>[];

const changeAll = (rows: Rows, name: string, value: unknown) => (): void => {
  for (const row of rows) row[name] = value;
};

/** Members of a library card. Some have no value, and `connect` leaves out others. */
const MEMBERS: Rows = Array.from({ length: 30 }, (_, i) => ({
  ...{ id: `L${1_001 + i}`, email: `Card${i}@example.nl`, name: `Eva de Wit ${i}` },
  ...{
    tier: i % 2 === 0 ? 'GOLD' : 'SILVER',
    points: i * 10,
    joined: `2026-01-${String(i + 1).padStart(2, '0')}`,
  },
  ...{ password_hash: `$2b$12$abcdefghijklmnopqrstuv${i}`, bsn: '111222333' },
  ...{ address: i < 25 ? null : { city: 'Delft' }, loans: i < 25 ? [] : [{ book: `B${i}` }] },
}));

const text = { type: 'string' };
const ofJson = (schema: object) => ({
  200: { description: 'OK', content: { 'application/json': { schema } } },
});
const member = { $ref: '#/components/schemas/Member' };

const DESCRIPTION = {
  openapi: '3.0.3',
  info: { title: 'Members', version: '1' },
  components: {
    schemas: {
      Member: {
        type: 'object',
        required: ['id'],
        properties: {
          ...{ id: text, email: { ...text, format: 'email' }, name: text, tier: text },
          ...{ points: { type: 'integer' }, joined: { ...text, format: 'date' } },
          ...{ password_hash: text, bsn: text },
          address: { type: 'object', nullable: true, properties: { city: text } },
          loans: { type: 'array', items: { type: 'object', properties: { book: text } } },
        },
      },
    },
  },
  paths: {
    '/members': {
      get: {
        operationId: 'listMembers',
        parameters: [{ in: 'query', name: 'email', schema: text }],
        responses: ofJson({ type: 'object', properties: { members: { type: 'array', items: member } } }),
      },
    },
    '/members/{id}': {
      get: {
        operationId: 'getMember',
        parameters: [{ in: 'path', name: 'id', required: true, schema: text }],
        responses: ofJson(member),
      },
    },
  },
};

async function startMembers() {
  const rows = structuredClone(MEMBERS);
  const server = await startServer(({ url, headers }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://localhost');
    const [, id] = /^\/members\/(.+)$/.exec(pathname) ?? [];
    const email = searchParams.get('email');
    if (pathname === '/openapi.json') sendJson(response, DESCRIPTION);
    else if (headers.authorization !== 'Bearer secret-token') sendJson(response, {}, { status: 401 });
    else if (id !== undefined) {
      const found = rows.find((row) => row['id'] === decodeURIComponent(id));
      sendJson(response, found ?? {}, { status: found === undefined ? 404 : 200 });
    } else {
      const members = rows.filter(
        (row) => email === null || String(row['email']).toLowerCase() === email.toLowerCase(),
      );
      sendJson(response, { members: email === null ? members.slice(0, 20) : members });
    }
  });
  return {
    address: server.url,
    settings: { TRIED_URL: server.url, TRIED_TOKEN: 'secret-token' },
    emails: MEMBERS.map(({ email }) => String(email)),
    changes: [
      { what: 'a new null', apply: changeAll(rows, 'tier', null), expected: 'harmless byEmail tier is null' },
      {
        what: 'another type',
        apply: changeAll(rows, 'points', 'ten'),
        expected: 'breaking byEmail points is text; it was number',
      },
    ],
    close: () => server.close(),
  };
}

async function startClub(): Promise<ChangingSystem> {
  const members = structuredClone(CLUB_MEMBERS);
  const answer = clubSystem({ members });
  const server = await startServer((request, response) => void answer(request, response));
  const settings = { TRIED_URL: `${server.url}/graphql`, TRIED_TOKEN: CLUB_TOKEN };
  return {
    ...{ what: settings.TRIED_URL, settings },
    emails: CLUB_MEMBERS.map(({ email }) => email),
    changes: [
      {
        what: 'a new null',
        apply: changeAll(members, 'phone', null),
        expected: 'harmless byEmail phone is null',
      },
      {
        what: 'another format',
        apply: changeAll(members, 'birthDate', '03-02-1960'),
        expected: 'breaking byEmail birthDate is date with the day first; it was date',
      },
    ],
    close: () => server.close(),
  };
}

async function startService(
  { metadata, sets }: ServiceData,
  set: string,
  rules: ServiceRules,
  changes: (rows: Rows) => ChangingSystem['changes'],
): Promise<ChangingSystem> {
  const data = structuredClone(sets) as Record<string, Rows>;
  const rows = data[set] ?? [];
  const server = await startOdataService(
    { metadata, sets: data },
    { token: 'secret-token', ignoresCase: true, ...rules },
  );
  return {
    what: `${server.url}/service/$metadata`,
    settings: { TRIED_URL: `${server.url}/service`, TRIED_TOKEN: 'secret-token' },
    emails: rows.flatMap((row) =>
      [row['Email'] ?? row['EMail']].filter((email) => typeof email === 'string'),
    ),
    changes: changes(rows),
    close: () => server.close(),
  };
}

async function startSoap(): Promise<ChangingSystem> {
  const rules: GarageRules = {
    unknownKey: 'fault',
    ignoresCase: true,
    clients: structuredClone(GARAGE_CLIENTS),
  };
  const server = await startGarage(rules);
  const emails = GARAGE_CLIENTS.map(({ email }) => email);
  return {
    what: `${server.url}/api/garage?wsdl`,
    words: ['--key', `email=${emails[1] ?? ''}`, '--key', 'clientNumber=G501'],
    settings: { TRIED_URL: server.url },
    emails,
    changes: [
      {
        what: 'a new element',
        apply: () => {
          rules.moreElements = '<nickname>Jo</nickname>';
        },
        expected: 'harmless byEmail nickname is new: text',
      },
      {
        what: 'another format',
        apply: changeAll(rules.clients as unknown as Rows, 'born', '06-05-1970'),
        expected: 'breaking byEmail born is date with the day first; it was date',
      },
    ],
    close: () => server.close(),
  };
}

async function startDatabase(): Promise<ChangingSystem> {
  const school = await startMusicSchool();
  return {
    what: school.readerUrl.href,
    words: ['--by', 'student'],
    settings: { TRIED_URL: school.readerUrl.href },
    emails: STUDENTS.map(({ mail }) => mail),
    changes: [
      {
        what: 'a new null',
        apply: () => school.execute('UPDATE student SET mobile = NULL'),
        expected: 'harmless byMail mobile is null',
      },
      {
        what: 'another type',
        apply: () =>
          school.execute(
            "ALTER TABLE student ALTER birth_date TYPE text USING to_char(birth_date, 'DD-MM-YYYY')",
          ),
        expected: 'breaking byMail birth_date is date with the day first; it was date',
      },
    ],
    close: () => school.close(),
  };
}

/** Writes the readers again. */
async function rewriteReaders(
  library: Library,
  header: string,
  lineOf: (i: number) => string,
): Promise<void> {
  await library.write('readers.csv', [header, ...READERS.map((_, i) => lineOf(i)), ''].join('\n'));
}

const READER_COLUMNS = 'number,name,mail,active,born,phone,balance,postcode,password_hash';
const readerLine = (i: number, { born = '01-12-1990', postcode = '1234AB' } = {}): string => {
  const { number, name, mail } = READERS[i] ?? { number: '', name: '', mail: '' };
  return [...[number, name, mail, 'ja', born, '0612345600', `${i}.50`], ...[postcode, 'digest']].join(',');
};

async function startLibrary(): Promise<ChangingSystem> {
  const library = await createLibrary();
  const { folder } = library;
  const parquet = (columns: string) => async () => {
    await rm(join(folder, 'loans'), { recursive: true });
    await library.writeLoans(columns);
  };
  const fines = (fine: (i: number) => object) => async () => {
    await rm(join(folder, 'fines-2026-02.json'), { force: true });
    const rows = READERS.flatMap(({ number }, i) =>
      i % 4 === 0 ? [{ id: i, reader_number: number, ...fine(i) }] : [],
    );
    await library.write('fines-2026-01.json', JSON.stringify(rows));
  };
  const fine = (i: number) => ({ amount: i + 0.25, currency: 'EUR', paid: i % 8 === 0, tags: ['late'] });
  return {
    what: folder,
    settings: { TRIED_FOLDER: folder },
    emails: READERS.map(({ mail }) => mail),
    changes: [
      {
        what: 'a new column of CSV',
        apply: () => rewriteReaders(library, `${READER_COLUMNS},nickname`, (i) => `${readerLine(i)},Jo`),
        expected: 'harmless readers.nickname is new: VARCHAR',
      },
      {
        what: 'a removed column of CSV',
        apply: () => rewriteReaders(library, READER_COLUMNS.replace(',postcode,', ',code,'), readerLine),
        expected: 'breaking readers.postcode is missing; it was VARCHAR',
      },
      {
        what: 'another format in CSV',
        apply: () => rewriteReaders(library, READER_COLUMNS, (i) => readerLine(i, { born: '1990-12-01' })),
        expected: 'breaking byMail born is date; it was date with the day first',
      },
      {
        what: 'a new null in CSV',
        apply: () => rewriteReaders(library, READER_COLUMNS, (i) => readerLine(i, { postcode: '' })),
        expected: 'harmless byMail postcode is null',
      },
      {
        what: 'a new column of Parquet',
        apply: parquet('*, 1 AS shelf'),
        expected: 'harmless loans.shelf is new: INTEGER',
      },
      {
        what: 'a removed column of Parquet',
        apply: parquet('* EXCLUDE (fee)'),
        expected: 'breaking loans.fee is missing; it was DOUBLE',
      },
      {
        what: 'another type in Parquet',
        apply: parquet('* REPLACE (CAST(book_id AS VARCHAR) AS book_id)'),
        expected: 'breaking loans.book_id is VARCHAR; it was BIGINT',
      },
      {
        what: 'a new null in Parquet',
        apply: parquet('* REPLACE (NULL::DOUBLE AS fee)'),
        expected: 'harmless loans fee is null',
      },
      {
        what: 'a new column of JSON',
        apply: fines((i) => ({ ...fine(i), reason: 'late' })),
        expected: 'harmless fines.reason is new: VARCHAR',
      },
      {
        what: 'a removed column of JSON',
        apply: fines((i) => ({ amount: i + 0.25, currency: 'EUR', paid: true })),
        expected: 'breaking fines.tags is missing; it was VARCHAR[]',
      },
      {
        what: 'another type in JSON',
        apply: fines((i) => ({ ...fine(i), paid: 'yes' })),
        expected: 'breaking fines.paid is VARCHAR; it was BOOLEAN',
      },
      {
        what: 'a new null in JSON',
        apply: fines((i) => ({ ...fine(i), paid: i === 4 ? true : null })),
        expected: 'harmless fines paid is null',
      },
    ],
    close: () => library.remove(),
  };
}

export const CHANGING_SYSTEMS: Readonly<Record<string, () => Promise<ChangingSystem>>> = {
  'a REST system with a description': async () => {
    const { address, ...system } = await startMembers();
    return { what: `${address}/openapi.json`, ...system };
  },
  'a curl command': async () => {
    const { address, settings, ...system } = await startMembers();
    const input = `curl -H 'Authorization: Bearer ${settings.TRIED_TOKEN}' '${address}/members?email=card3%40example.nl'\n`;
    return { what: '-', input, settings, ...system };
  },
  'a GraphQL endpoint': startClub,
  'an OData service': () =>
    startService(WORKSHOP, 'Clients', {}, (rows) => [
      {
        what: 'a new null',
        apply: changeAll(rows, 'GivenName', null),
        expected: 'harmless byEmail GivenName is null',
      },
      {
        what: 'another format',
        apply: changeAll(rows, 'BirthDate', '03-02-1960'),
        expected: 'breaking byEmail BirthDate is date with the day first; it was date',
      },
    ]),
  'a service of OData 2': () =>
    startService(OLD_SHOP, 'Customers', { version: 2 }, (rows) => [
      { what: 'a new null', apply: changeAll(rows, 'Name', null), expected: 'harmless byEMail Name is null' },
      {
        what: 'another type',
        apply: changeAll(rows, 'Name', 7),
        expected: 'breaking byEMail Name is number; it was text',
      },
    ]),
  'a SOAP service': startSoap,
  'a database': startDatabase,
  'a folder of files': startLibrary,
};
