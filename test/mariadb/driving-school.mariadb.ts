import { randomBytes } from 'node:crypto';
import mysql, { type Connection } from 'mysql2/promise';
import { expect, it } from 'vitest';
import { describeDrivingSchool, openSchoolGateway } from '../declared/describe-driving-school.js';
import { describeTableScans } from '../declared/describe-table-scans.js';
import { PUPILS, SCHOOL_YAML } from '../declared/driving-school.js';

/** MariaDB has no index over an expression, and its collation ignores case. */
const YAML = SCHOOL_YAML.replace('by: mail, matching: lower', 'by: mail');

const TABLES = `
  CREATE TABLE pupil (
    id integer PRIMARY KEY, given_name text NOT NULL, family_name text NOT NULL, mail varchar(254), active boolean NOT NULL,
    KEY pupil_mail (mail)
  );
  CREATE TABLE lesson (
    id integer PRIMARY KEY, pupil_id integer NOT NULL, starts_at timestamp(6) NOT NULL,
    KEY lesson_newest_first (pupil_id, starts_at DESC, id DESC)
  );
  CREATE TABLE payment (
    id integer PRIMARY KEY, lesson_id integer NOT NULL, amount numeric(12, 2) NOT NULL, paid_on date NOT NULL,
    KEY payment_of_lesson (lesson_id)
  )`;

let owner: Connection;

async function start() {
  const server = new URL(process.env['MARIADB_URL'] ?? 'mariadb://root@127.0.0.1:3306');
  const mark = randomBytes(5).toString('hex');
  const database = `school_${mark}`;
  const reader = `school_reader_${mark}`;
  owner = await mysql.createConnection({
    uri: server.href.replace(/^mariadb:/, 'mysql:'),
    multipleStatements: true,
  });
  await owner.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
    USE ${database}; SET time_zone = '+00:00'; ${TABLES};
    CREATE USER '${reader}'@'%' IDENTIFIED BY '${mark}'; GRANT SELECT ON ${database}.* TO '${reader}'@'%'`);
  const lessons = PUPILS.flatMap((pupil) => pupil.lessons.map((lesson) => ({ ...lesson, pupil: pupil.id })));
  const payments = lessons.flatMap((lesson) =>
    lesson.payments.map((payment) => ({ ...payment, lesson: lesson.id })),
  );
  await owner.query('INSERT INTO pupil VALUES ?', [
    PUPILS.map(({ id, mail }) => [id, 'Anna', `de Vries ${id}`, mail, id % 2 === 0]),
  ]);
  await owner.query('INSERT INTO lesson VALUES ?', [
    lessons.map(({ id, pupil, startsAt }) => [id, pupil, startsAt.replace('T', ' ').replace('Z', '')]),
  ]);
  await owner.query('INSERT INTO payment VALUES ?', [
    payments.map(({ lesson, amount, paidOn }, i) => [i + 1, lesson, amount, paidOn]),
  ]);
  return {
    url: server.href,
    settings: () => ({
      SCHOOL_URL: `mariadb://${reader}:${mark}@${server.hostname}:${server.port || '3306'}/${database}`,
    }),
    close: async () => {
      await owner.query(`DROP DATABASE ${database}; DROP USER '${reader}'@'%'`);
      await owner.end();
    },
  };
}

describeDrivingSchool(start, YAML);

it('queries a view although the database does not show its plan', async () => {
  const school = await start();
  const hidden = `hidden_${randomBytes(5).toString('hex')}`;
  try {
    await owner.query(`CREATE DATABASE ${hidden}; CREATE TABLE ${hidden}.pupil AS SELECT * FROM pupil;
      RENAME TABLE pupil TO old_pupil; CREATE VIEW pupil AS SELECT * FROM ${hidden}.pupil`);
    const gateway = openSchoolGateway(school, YAML);
    const { data, errors } = await gateway.query('{ customer(by: { pupilNumber: "4" }) { isLearning } }');
    await gateway.close();
    expect(errors).toEqual([]);
    expect(data).toEqual({ customer: { isLearning: true } });
  } finally {
    await owner.query(`DROP DATABASE IF EXISTS ${hidden}`);
    await school.close();
  }
});

describeTableScans({
  start,
  yaml: YAML,
  execute: (statement) => owner.query(statement),
  fill: `
    INSERT INTO pupil SELECT 100000 + seq, 'Bo', 'Filler', CONCAT('bo', seq, '@filler.example'), true FROM seq_1_to_12000;
    INSERT INTO lesson SELECT 100000 + seq, 100000 + seq, '2026-01-01' FROM seq_1_to_12000;
    INSERT INTO payment SELECT 100000 + seq, 100000 + seq, 1, '2026-01-01' FROM seq_1_to_12000;
    ANALYZE TABLE pupil, lesson, payment`,
  indexes: {
    pupil: {
      drop: 'DROP INDEX pupil_mail ON pupil',
      create: 'CREATE INDEX IF NOT EXISTS pupil_mail ON pupil (mail)',
    },
    lesson: {
      drop: 'DROP INDEX lesson_newest_first ON lesson',
      create: 'CREATE INDEX IF NOT EXISTS lesson_newest_first ON lesson (pupil_id, starts_at DESC, id DESC)',
    },
    payment: {
      drop: 'DROP INDEX payment_of_lesson ON payment',
      create: 'CREATE INDEX IF NOT EXISTS payment_of_lesson ON payment (lesson_id)',
    },
  },
});
