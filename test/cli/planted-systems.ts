import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedServer } from '../../sources/stand-ins/embedded-server.js';
import { sendJson, startServer, type SeenRequest } from '../../src/testing/small-server.js';
import { CLUB_MEMBERS, CLUB_TOKEN, clubSystem } from '../connect/graphql/club.js';
import { startOdataService } from '../connect/odata/odata-service.js';
import { CLIENTS as WORKSHOP_CLIENTS, WORKSHOP } from '../connect/odata/workshop.js';
import { ADDED_LATER, PLANTED, type PlantedPerson } from '../connect/planted.js';
import { CLIENTS as GARAGE_CLIENTS, startGarage } from '../connect/soap/garage.js';

/** Systems of each kind whose records, errors, addresses and descriptions have planted personal values. */

export interface PlantedSystem {
  what: string;
  /** The text on standard input. */
  input?: string;
  /** More words of the command line. */
  words?: readonly string[];
  settings: Readonly<Record<string, string>>;
  /** The exit codes of `connect` and of `test`. Default: success. */
  result?: readonly [number, number];
  /** Adds a field with a personal value to each record, as a system may do later. */
  grow?: () => void;
  close(): Promise<void> | void;
}

const [FIRST, SECOND] = PLANTED as [PlantedPerson, PlantedPerson];

const recordOf = (person: PlantedPerson, i: number) => ({
  ...{ id: person.id, email: person.email, phone: person.phone, born_on: person.born, iban: person.iban },
  ...{
    first_name: person.givenName,
    last_name: person.family,
    remarks: person.note,
    advisor: person.advisor,
  },
  address: { street: person.street, postcode: person.postcode, city: person.city },
  relatives: [{ name: PLANTED[(i + 2) % 24]?.givenName ?? '', born_on: PLANTED[(i + 2) % 24]?.born }],
  preferences: { [person.email]: { letters: true }, [person.family]: 'often' },
  picture_url: `https://images.example.com/${person.givenName}/${person.id}.png?for=${encodeURIComponent(person.email)}`,
});

/** The records, which `grow` extends. */
function growing() {
  let more: object = {};
  return {
    records: () => PLANTED.map((person, i) => ({ ...recordOf(person, i), ...more })),
    grow: () => {
      more = { nickname: ADDED_LATER };
    },
  };
}

function answerRest(
  { url, headers }: SeenRequest,
  people: readonly ReturnType<typeof recordOf>[],
): { status: number; body: unknown; headers: Record<string, string> } {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const answer = (body: unknown, status = 200, more: Record<string, string> = {}) => ({
    ...{ status, body, headers: { 'x-served-for': FIRST.email, ...more } },
  });
  if (headers.authorization !== 'Bearer secret-token-of-the-tests')
    return answer({ message: `Log in, ${FIRST.givenName} ${FIRST.family}.` }, 401);
  const [, id] = /^\/people\/(.+)$/.exec(pathname) ?? [];
  if (id !== undefined) {
    const found = people.find((person) => person.id === decodeURIComponent(id));
    return found === undefined
      ? answer({ message: `Not found. Did you mean ${SECOND.email} of ${SECOND.givenName}?` }, 404)
      : answer(found);
  }
  const email = searchParams.get('email');
  if (email !== null)
    return answer({ people: people.filter((person) => person.email === email), searched_by: FIRST.family });
  const after = searchParams.get('after');
  const from = after === null ? 0 : people.findIndex((person) => person.email === after) + 1;
  const size = Number(searchParams.get('limit') ?? 10);
  const last = people[from + size - 1];
  const next =
    last === undefined || from + size >= people.length
      ? null
      : `http://${headers.host ?? ''}/people?limit=${size}&after=${encodeURIComponent(last.email)}`;
  return answer({ people: people.slice(from, from + size), next, owner: FIRST.city });
}

const text = (more: object = {}) => ({ type: 'string', ...more });

const OPENAPI = {
  openapi: '3.0.3',
  info: {
    title: 'People',
    version: '1',
    description: `Managed by ${FIRST.givenName} ${FIRST.family}.`,
    contact: { name: FIRST.givenName, email: FIRST.email },
  },
  components: {
    schemas: {
      Person: {
        type: 'object',
        required: ['id'],
        example: recordOf(FIRST, 0),
        properties: {
          id: text({ description: `The number, such as ${FIRST.id}.`, example: FIRST.id }),
          email: text({ format: 'email', description: `Such as ${SECOND.email}.`, example: SECOND.email }),
          phone: text({ description: `Such as ${SECOND.phone}.`, default: SECOND.phone }),
          born_on: text({ format: 'date', example: FIRST.born }),
          iban: text({ description: `Such as ${FIRST.iban}.` }),
          first_name: text({ description: `For example ${FIRST.givenName}.` }),
          last_name: text({ description: `For example ${FIRST.family}.` }),
          remarks: text({ example: FIRST.note }),
          advisor: text(),
          address: {
            type: 'object',
            properties: { street: text({ example: FIRST.street }), postcode: text(), city: text() },
          },
          relatives: {
            type: 'array',
            items: { type: 'object', properties: { name: text(), born_on: text({ format: 'date' }) } },
          },
          preferences: { type: 'object', additionalProperties: true },
          picture_url: text({ format: 'uri' }),
        },
      },
    },
  },
  paths: {
    '/people': {
      get: {
        operationId: 'listPeople',
        parameters: [
          { in: 'query', name: 'email', schema: text(), example: FIRST.email },
          { in: 'query', name: 'limit', schema: { type: 'integer' } },
          { in: 'query', name: 'after', schema: text(), example: FIRST.email },
        ],
        responses: {
          200: {
            description: 'OK',
            content: {
              'application/json': {
                schema: {
                  type: 'object',
                  properties: {
                    people: { type: 'array', items: { $ref: '#/components/schemas/Person' } },
                    next: text({ nullable: true }),
                  },
                },
              },
            },
          },
        },
      },
    },
    '/people/{id}': {
      get: {
        operationId: 'getPerson',
        parameters: [{ in: 'path', name: 'id', required: true, schema: text(), example: FIRST.id }],
        responses: {
          200: {
            description: 'OK',
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Person' } } },
          },
        },
      },
    },
  },
};

async function startPeople() {
  const { records, grow } = growing();
  const server = await startServer((request, response) => {
    if (request.url === '/openapi.json') {
      sendJson(response, OPENAPI);
      return;
    }
    const { status, body, headers } = answerRest(request, records());
    sendJson(response, body, { status, headers });
  });
  const settings = { TRIED_URL: server.url, TRIED_TOKEN: 'secret-token-of-the-tests' };
  return { server, settings, grow, close: () => server.close() };
}

const SQL = `
  CREATE TABLE customer (
    id text PRIMARY KEY, email text NOT NULL, phone text, first_name text, last_name text, born_on date, iban text,
    street text, postcode text, city text, remarks text, advisor text CHECK (advisor IN (${[...new Set(PLANTED.map(({ advisor }) => `'${advisor}'`))].join(', ')})),
    preferences jsonb, contacted_by text DEFAULT '${FIRST.family}'
  );
  COMMENT ON TABLE customer IS 'Managed by ${FIRST.givenName} ${FIRST.family}.';
  COMMENT ON COLUMN customer.email IS 'Such as ${SECOND.email}.';
  CREATE UNIQUE INDEX ON customer (lower(email));
  CREATE TABLE visit (
    id integer PRIMARY KEY, customer_id text NOT NULL REFERENCES customer, seen_on date, guest_name text, report_file text
  );
  CREATE INDEX ON visit (customer_id);
  CREATE INDEX ON customer (phone) WHERE city <> '${FIRST.city}';`;

const quoted = (value: unknown) => `'${String(value).replaceAll("'", "''")}'`;

async function startDatabase(): Promise<PlantedSystem> {
  const server = await startEmbeddedServer();
  const owner = new pg.Client({ connectionString: server.connectionString });
  await owner.connect();
  const rows = PLANTED.map((person, i) => {
    const { id, email, phone, first_name, last_name, born_on, iban, address, remarks, advisor, preferences } =
      recordOf(person, i);
    return `(${[id, email, phone, first_name, last_name, born_on, iban, address.street, address.postcode, address.city, remarks, advisor, JSON.stringify(preferences)].map(quoted).join(', ')})`;
  });
  const visits = PLANTED.map(
    ({ id, givenName, family }, i) =>
      `(${i}, ${quoted(id)}, '2026-01-02', ${quoted(PLANTED[(i + 3) % 24]?.givenName)}, ${quoted(`/reports/${givenName}_${family}.pdf`)})`,
  );
  await owner.query(`${SQL}
    INSERT INTO customer (id, email, phone, first_name, last_name, born_on, iban, street, postcode, city, remarks, advisor, preferences) VALUES ${rows.join(', ')};
    INSERT INTO visit VALUES ${visits.join(', ')}; ANALYZE;
    CREATE ROLE reader LOGIN PASSWORD 'pass-word-of-the-tests'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader`);
  const url = new URL(server.connectionString);
  url.username = 'reader';
  url.password = 'pass-word-of-the-tests';
  return {
    what: url.href,
    settings: { TRIED_URL: url.href },
    close: async () => {
      await owner.end();
      await server.close();
    },
  };
}

function csv(rows: readonly Readonly<Record<string, unknown>>[]): string {
  const cell = (value: unknown) => `"${String(value).replaceAll('"', '""')}"`;
  const [first = {}] = rows;
  return [Object.keys(first).join(','), ...rows.map((row) => Object.values(row).map(cell).join(','))].join(
    '\n',
  );
}

function createFolder(): PlantedSystem {
  const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-planted-'));
  const people = PLANTED.map((person, i) => {
    const { address, ...record } = recordOf(person, i);
    const flat = Object.entries(record).filter(([, value]) => typeof value === 'string');
    return { ...Object.fromEntries(flat), ...address };
  });
  writeFileSync(join(folder, 'customers.csv'), csv(people));
  mkdirSync(join(folder, 'visits'));
  PLANTED.forEach(({ id, givenName, family }, i) => {
    const rows = [
      { visit: i, customer_id: id, guest: PLANTED[(i + 3) % 24]?.givenName, seen_on: '2026-01-02' },
    ];
    const place = join(folder, 'visits', `name=${givenName} ${family}`);
    mkdirSync(place);
    writeFileSync(join(place, 'visits.json'), JSON.stringify(rows));
  });
  for (const { family, id } of PLANTED.slice(0, 3))
    writeFileSync(
      join(folder, `letter-${family}.json`),
      JSON.stringify([{ customer_id: id, letter: family }]),
    );
  writeFileSync(join(folder, `${SECOND.givenName} broken.parquet`), 'no parquet');
  writeFileSync(join(folder, `${SECOND.family}.csv`), `${SECOND.email},"${SECOND.city}\n1`);
  return {
    what: folder,
    settings: { TRIED_FOLDER: folder },
    close: () => {
      rmSync(folder, { recursive: true });
    },
  };
}

export const PLANTED_SYSTEMS: Readonly<Record<string, () => Promise<PlantedSystem>>> = {
  'a REST system with a description': async () => {
    const { server, ...system } = await startPeople();
    return { what: `${server.url}/openapi.json`, ...system };
  },
  'a curl command that finds a person by an address': async () => {
    const { server, settings, ...system } = await startPeople();
    const address = `${server.url}/people?email=${encodeURIComponent(FIRST.email)}`;
    const input = `curl -H 'Authorization: Bearer ${settings.TRIED_TOKEN}' '${address}'\n`;
    return { what: '-', input, settings, ...system };
  },
  'a GraphQL endpoint': async () => {
    const members = CLUB_MEMBERS.slice(0, 24).map((member, i) => {
      const person = PLANTED[i] ?? FIRST;
      return {
        ...{ ...member, id: person.id, email: person.email, phone: person.phone, birthDate: person.born },
        ...{
          name: { given: person.givenName, family: person.family },
          extra: { a: i, [person.family]: person.note },
        },
        address: {
          id: `A-${person.id}`,
          street: person.street,
          postcode: person.postcode,
          city: person.city,
        },
        badges: [{ code: person.iban, awardedOn: person.born, tags: [person.advisor] }],
        payments: member.payments.map((payment) => ({ ...payment, note: person.note })),
      };
    });
    const answer = clubSystem({ members });
    const server = await startServer((request, response) => void answer(request, response));
    const settings = { TRIED_URL: `${server.url}/graphql`, TRIED_TOKEN: CLUB_TOKEN };
    return { what: settings.TRIED_URL, settings, close: () => server.close() };
  },
  'an OData service': async () => {
    const clients = WORKSHOP_CLIENTS.map((client, i) => {
      const person = PLANTED[i] ?? FIRST;
      return {
        ...{ ...client, Number: person.id, Email: person.email, Phone: person.phone, BirthDate: person.born },
        ...{ GivenName: person.givenName, FamilyName: person.family, Tags: [person.advisor] },
        Address: { Street: person.street, City: person.city },
      };
    });
    const numbers = new Map(WORKSHOP_CLIENTS.map(({ Number: number }, i) => [number, PLANTED[i]?.id]));
    const repairs = (WORKSHOP.sets['Repairs'] ?? []).map((repair) => ({
      ...repair,
      ClientNumber: numbers.get(String(repair['ClientNumber'])),
    }));
    const service = {
      metadata: WORKSHOP.metadata.replace('Where letters are sent.', `Such as ${SECOND.email}.`),
      sets: { ...WORKSHOP.sets, Clients: clients, Repairs: repairs },
    };
    const server = await startOdataService(service, { token: 'token-of-the-workshop', pageSize: 10 });
    const settings = { TRIED_URL: `${server.url}/service`, TRIED_TOKEN: 'token-of-the-workshop' };
    return { what: `${server.url}/service/$metadata`, settings, close: () => server.close() };
  },
  'a SOAP service': async () => {
    const clients = GARAGE_CLIENTS.map((client, i) => {
      const { id, email, givenName, family, born, city } = PLANTED[i] ?? FIRST;
      return { ...client, number: id, email, givenName, familyName: family, born, city };
    });
    const server = await startGarage({ unknownKey: 'nothing', ignoresCase: true, clients });
    const settings = { TRIED_URL: `${server.url}/api/garage` };
    const words = [FIRST, SECOND].flatMap(({ id, email }) => [
      '--key',
      `email=${email}`,
      '--key',
      `clientNumber=${id}`,
    ]);
    return {
      what: `${server.url}/api/garage?wsdl`,
      words,
      settings,
      result: [0, 1],
      close: () => server.close(),
    };
  },
  'a SOAP service that is refused': async () => {
    const clients = GARAGE_CLIENTS.map((client, i) => ({ ...client, email: PLANTED[i]?.email ?? '' }));
    const fault = `No client. Did you mean ${SECOND.email}, ${SECOND.family}?`;
    const server = await startGarage({ unknownKey: 'fault', clients, fault });
    const settings = { TRIED_URL: `${server.url}/api/garage` };
    const words = ['--key', `email=${FIRST.email}`];
    return {
      what: `${server.url}/api/garage?wsdl`,
      words,
      settings,
      result: [2, 2],
      close: () => server.close(),
    };
  },
  'a database': startDatabase,
  'a folder of files': () => Promise.resolve(createFolder()),
};
