import { randomBytes } from 'node:crypto';
import { createServer, connect as connectTo, type Socket } from 'node:net';
import pg from 'pg';
import { startEmbeddedServer } from '../../../sources/stand-ins/embedded-server.js';

/** A music school in PostgreSQL. Its names and addresses must not appear in findings or errors. */

export const STUDENTS = Array.from({ length: 60 }, (_, i) => ({
  id: i + 1,
  givenName: `Zwaantje${i + 1}`,
  family: `Quispel${i + 1}`,
  mail: `Zwaantje.${i + 1}@Muziek.example`,
  number: `MS-${String(10_001 + i)}`,
  phone: `+3165550${String(1_000 + i)}`,
}));
/** No row of the large tables has more students. */
const LARGE_ROWS = 12_000;

const TABLES = `
  CREATE TYPE lesson_status AS ENUM ('planned', 'given', 'no show');
  CREATE TABLE teacher (id integer PRIMARY KEY, first_name text NOT NULL, email text);
  CREATE TABLE student (
    id integer PRIMARY KEY, given_name text NOT NULL, family_name text NOT NULL, mail varchar(254),
    student_no varchar(20) NOT NULL UNIQUE, mobile text, birth_date date, active boolean NOT NULL,
    level text CHECK (level IN ('beginner', 'advanced')), joined timestamp NOT NULL, country char(4),
    password_hash text, "apiToken" text, recovery text, preferences jsonb, photo bytea,
    "Postal Code" text, "e""vil" text, teacher_id integer REFERENCES teacher, points bigint
  );
  CREATE INDEX student_mail ON student (lower(mail));
  COMMENT ON COLUMN student.mobile IS 'Where a message is sent.';
  CREATE TABLE lesson (
    id integer PRIMARY KEY, student_id integer NOT NULL REFERENCES student, starts_at timestamptz NOT NULL,
    status lesson_status NOT NULL, price_cents integer, currency char(3), topics text[], teacher_id integer REFERENCES teacher
  );
  CREATE INDEX ON lesson (student_id, starts_at DESC, id DESC);
  CREATE TABLE payment (
    lesson_id integer NOT NULL REFERENCES lesson, line_no smallint NOT NULL, amount numeric(12, 2) NOT NULL,
    currency char(3) NOT NULL, paid_on date, PRIMARY KEY (lesson_id, line_no)
  );
  CREATE TABLE instrument (code text PRIMARY KEY, label text NOT NULL);
  CREATE TABLE student_instrument (
    student_id integer REFERENCES student, instrument_code text REFERENCES instrument, since date,
    PRIMARY KEY (student_id, instrument_code)
  );
  CREATE SCHEMA planning;
  CREATE TABLE planning."Rehearsal" ("Id" uuid PRIMARY KEY, "StudentNo" varchar(20) NOT NULL REFERENCES student (student_no), "startsOn" date NOT NULL);
  CREATE INDEX ON planning."Rehearsal" ("StudentNo");
  CREATE TABLE report (id integer PRIMARY KEY, student_id integer NOT NULL REFERENCES student, mark integer, remark text);
  CREATE TABLE medical (id integer PRIMARY KEY, student_id integer REFERENCES student, note text);
  CREATE TABLE session_token (id integer PRIMARY KEY, student_id integer REFERENCES student);
  CREATE TABLE click (id integer PRIMARY KEY, student_id integer NOT NULL REFERENCES student, at timestamptz NOT NULL);
  CREATE TABLE visit (id integer PRIMARY KEY, student_id integer NOT NULL REFERENCES student, at timestamptz NOT NULL);
  CREATE INDEX ON visit (student_id);
  CREATE TABLE "ro.om" (id integer PRIMARY KEY, student_id integer REFERENCES student);
  CREATE VIEW current_student AS
    SELECT id AS number, given_name, family_name, mail AS email, active FROM student WHERE active;
  CREATE VIEW student_summary AS SELECT s.id, s.mail, count(l.id) AS lessons FROM student s LEFT JOIN lesson l ON l.student_id = s.id GROUP BY s.id`;

const ROWS = `
  INSERT INTO teacher VALUES (1, 'Geheim', 'teacher@muziek.example');
  INSERT INTO student SELECT id, "givenName", family, mail, number, phone, '2000-01-02', true,
      CASE id % 2 WHEN 0 THEN 'beginner' ELSE 'advanced' END, timestamp '2025-03-04 05:06:07' + id * interval '1 day', 'NL',
      'digest', 'token', '$2b$12$abcdefghijklmnopqrstuv' || id, '{}', '', '1234 AB', 'x', 1, id * 10000000000
    FROM json_to_recordset('${JSON.stringify(STUDENTS)}') AS s (id integer, "givenName" text, family text, mail text, number text, phone text);
  INSERT INTO lesson SELECT s * 10 + n, s, timestamptz '2026-01-01 10:00:00+01' + n * interval '1 day', 'planned', 2500 + n, 'EUR', '{scales,theory}', 1
    FROM generate_series(1, 60) s, generate_series(1, 6) n;
  INSERT INTO payment SELECT id, 1, 12.50, 'EUR', '2026-02-03' FROM lesson WHERE id % 2 = 0;
  INSERT INTO instrument VALUES ('VN', 'Violin'), ('PF', 'Piano');
  INSERT INTO student_instrument SELECT s, 'VN', '2025-01-01' FROM generate_series(1, 60) s;
  INSERT INTO planning."Rehearsal" SELECT gen_random_uuid(), student_no, '2026-03-01' FROM student;
  INSERT INTO report SELECT id, id, 7, 'secret remark' FROM student;
  INSERT INTO medical SELECT id, id, 'ill' FROM student;
  INSERT INTO session_token SELECT id, id FROM student;
  INSERT INTO click SELECT n, n % 60 + 1, now() FROM generate_series(1, ${LARGE_ROWS}) n;
  INSERT INTO visit SELECT n, n % 60 + 1, now() FROM generate_series(1, ${LARGE_ROWS}) n;
  INSERT INTO "ro.om" VALUES (1, 1)`;

export interface MusicSchool {
  /** The address for a user who may only read. It goes through a proxy that records statements. */
  readerUrl: URL;
  /** The sent statements, without those of the owner. */
  statements: readonly string[];
  execute(statement: string): Promise<void>;
  close(): Promise<void>;
}

export async function startMusicSchool(): Promise<MusicSchool> {
  const server = await startEmbeddedServer();
  const mark = randomBytes(5).toString('hex');
  const owner = new pg.Client({ connectionString: server.connectionString });
  await owner.connect();
  await owner.query(`${TABLES}; ${ROWS}; ANALYZE;
    CREATE ROLE reader LOGIN PASSWORD 'pass-${mark}';
    GRANT USAGE ON SCHEMA planning TO reader;
    GRANT SELECT ON ALL TABLES IN SCHEMA public, planning TO reader;
    REVOKE ALL ON medical, report FROM reader;
    GRANT SELECT (id, student_id, mark) ON report TO reader`);
  const noting = await startNotingProxy(new URL(server.connectionString));
  const readerUrl = new URL(server.connectionString);
  readerUrl.username = 'reader';
  readerUrl.password = `pass-${mark}`;
  readerUrl.port = String(noting.port);
  return {
    readerUrl,
    statements: noting.statements,
    execute: async (statement) => {
      await owner.query(statement);
    },
    close: async () => {
      await noting.close();
      await owner.end();
      await server.close();
    },
  };
}

/** Forwards connections, and records each statement: messages of the types Parse and Query. */
async function startNotingProxy({ hostname, port }: URL) {
  const statements: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connectTo(Number(port), hostname);
    let waiting = Buffer.alloc(0);
    let isStarted = false;
    client.on('data', (chunk) => {
      waiting = Buffer.concat([waiting, chunk]);
      for (;;) {
        // The first message has no type.
        const start = isStarted ? 1 : 0;
        if (waiting.length < start + 4) break;
        const length = start + waiting.readInt32BE(start);
        if (waiting.length < length) break;
        const message = waiting.subarray(0, length);
        const type = isStarted ? String.fromCharCode(message[0] ?? 0) : '';
        const texts = message.subarray(5).toString('utf8').split('\0');
        if (type === 'Q') statements.push(texts[0] ?? '');
        if (type === 'P') statements.push(texts[1] ?? '');
        isStarted = true;
        waiting = waiting.subarray(length);
      }
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => client.write(chunk));
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    statements,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
