import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { startEmbeddedServer } from '../../sources/stand-ins/embedded-server.js';
import type { StandIn } from '../../sources/stand-ins/world.js';

/** The example of a declared source in a database: a driving school. */
export const SCHOOL_YAML = `source: driving-school
connect: { sql: "\${SCHOOL_URL}" }
limits: { timeout: 1 s, concurrency: 10 }
namespaces:
  pupilNumber: { pattern: '^[1-9]\\d{0,8}$', description: "The number of a pupil, such as 17.", perCustomer: one }
identity:
  recordKey: pupilNumber
  id: id
  foundBy:
    pupilNumber: { call: pupilsByNumber, uniqueness: enforced }
    email: { call: pupilsByEmail, uniqueness: usual }
  yields: { email: { one: mail } }
  profile: { name: [given_name, family_name] }
calls:
  pupilsByNumber: { from: pupil, by: id, keys: integer }
  pupilsByEmail: { from: pupil, by: mail, matching: lower }
  lessons: { from: lesson, by: pupil_id, keys: integer }
  payments:
    query: SELECT lesson_id, amount, paid_on FROM payment WHERE lesson_id = ANY(:keys) ORDER BY paid_on, id
    key: lesson_id
    keys: integer
fields:
  Customer.isLearning: active
  Customer.lessons: { call: lessons, order: [-startsAt, number] }
  Lesson.number: id
  Lesson.startsAt: starts_at
  Lesson.payments: { call: payments, key: id }
  Payment.amount: { from: amount, money: { currency: EUR } }
  Payment.paidOn: paid_on
timeline:
  Customer.lessons: { kind: LESSON, at: startsAt, id: number, title: "Driving lesson {number}" }
`;

export const SCHOOL_SDL = `type Customer {
  "Whether the customer takes lessons. Source: the driving school, up to a minute old."
  isLearning: Boolean @personalData(category: TRANSACTION) @requiresScopes(scopes: [["orders:read"]])
  "Driving lessons, the newest first. Source: the driving school, queried live."
  lessons("How many, 1 to 100." first: Int! = 10 "The endCursor of the page before." after: String): LessonConnection
    @personalData(category: TRANSACTION)
    @requiresScopes(scopes: [["orders:read"]])
}

"A driving lesson."
type Lesson @personalData(category: TRANSACTION) {
  "The number of the lesson."
  number: ID!
  "When it begins."
  startsAt: DateTime!
  "What was paid for it, the oldest first."
  payments: [Payment!]
}

"A payment."
type Payment @personalData(category: FINANCIAL) {
  "The amount."
  amount: Money!
  "The day of the payment."
  paidOn: Date
}

extend enum TimelineKind {
  "A driving lesson."
  LESSON @requiresScopes(scopes: [["orders:read"]])
}
`;

const TABLES = `
  CREATE TABLE pupil (
    id integer PRIMARY KEY, given_name text NOT NULL, family_name text NOT NULL, mail varchar(254), active boolean NOT NULL
  );
  CREATE INDEX ON pupil (lower(mail));
  CREATE TABLE lesson (id integer PRIMARY KEY, pupil_id integer NOT NULL, starts_at timestamptz(6) NOT NULL);
  CREATE INDEX ON lesson (pupil_id, starts_at DESC, id DESC);
  CREATE TABLE payment (
    id integer PRIMARY KEY, lesson_id integer NOT NULL, amount numeric(12, 2) NOT NULL, paid_on date NOT NULL
  );
  CREATE INDEX ON payment (lesson_id)`;

export interface Pupil {
  id: number;
  mail: string;
  /** The lessons of a pupil, newest first. */
  lessons: readonly {
    id: number;
    startsAt: string;
    payments: readonly { amount: string; paidOn: string }[];
  }[];
}

/** The pupils. Three lessons begin at the same time. Pupil 1 has more lessons than a page. */
export const PUPILS: readonly Pupil[] = Array.from({ length: 30 }, (_, i) => ({
  id: i + 1,
  mail: `Pupil${i + 1}@Example.nl`,
  lessons: Array.from({ length: i === 0 ? 120 : i % 5 }, (__, j) => ({
    id: (i + 1) * 1_000 + j,
    startsAt: new Date(Date.UTC(2026, 0, 1 + Math.floor(j / 3), 9)).toISOString(),
    payments: Array.from({ length: j % 3 }, (___, k) => ({
      amount: `${j}.${k}0`,
      paidOn: `2026-02-0${k + 1}`,
    })),
  })).toReversed(),
}));

export interface DrivingSchool extends StandIn {
  /** The URL of the database for its owner. */
  ownerUrl: string;
  /** The login of the gateway. */
  reader: string;
}

/** Starts a driving school: a PostgreSQL database that the gateway may read. */
export async function startDrivingSchool(): Promise<DrivingSchool> {
  const { ORDER_SYSTEM_TEST_URL: testUrl } = process.env;
  const embedded = testUrl === undefined ? await startEmbeddedServer() : undefined;
  const server = testUrl ?? embedded?.connectionString ?? '';
  const mark = randomBytes(5).toString('hex');
  const [database, reader] = [`school_${mark}`, `school_reader_${mark}`];
  const ownerUrl = new URL(server);
  ownerUrl.pathname = `/${database}`;
  await run(server, [
    `CREATE DATABASE ${database} TEMPLATE template0 ENCODING 'UTF8'`,
    `CREATE ROLE ${reader} LOGIN PASSWORD '${mark}'`,
    `GRANT ${reader} TO current_user`,
  ]);
  const lessons = PUPILS.flatMap(({ id, lessons: all }) => all.map((lesson) => ({ ...lesson, pupil: id })));
  await run(ownerUrl.href, [
    TABLES,
    `INSERT INTO pupil SELECT id, 'Anna', 'de Vries ' || id, mail, id % 2 = 0
     FROM json_to_recordset('${JSON.stringify(PUPILS)}') AS p (id integer, mail text)`,
    `INSERT INTO lesson SELECT id, pupil, "startsAt"
     FROM json_to_recordset('${JSON.stringify(lessons)}') AS l (id integer, pupil integer, "startsAt" timestamptz)`,
    `INSERT INTO payment SELECT row_number() OVER (), lesson, amount, "paidOn" FROM json_to_recordset('${JSON.stringify(
      lessons.flatMap(({ id, payments }) => payments.map((payment) => ({ ...payment, lesson: id }))),
    )}') AS p (lesson integer, amount numeric, "paidOn" date)`,
    `GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${reader}`,
  ]);
  return {
    name: 'driving-school',
    url: `postgres://${ownerUrl.host}`,
    ownerUrl: ownerUrl.href,
    reader,
    settings: (url) => ({ SCHOOL_URL: `postgres://${reader}:${mark}@${new URL(url).host}/${database}` }),
    close: async () => {
      if (embedded === undefined)
        await run(server, [`DROP DATABASE ${database} WITH (FORCE)`, `DROP ROLE ${reader}`]);
      else await embedded.close();
    },
  };
}

async function run(connectionString: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
