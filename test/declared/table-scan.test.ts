import pg from 'pg';
import { expect, it } from 'vitest';
import { openSchoolGateway } from './describe-driving-school.js';
import { describeTableScans } from './describe-table-scans.js';
import { SCHOOL_YAML, startDrivingSchool } from './driving-school.js';

let owner: pg.Client;

describeTableScans({
  start: async () => {
    const school = await startDrivingSchool();
    owner = new pg.Client({ connectionString: school.ownerUrl });
    await owner.connect();
    return {
      ...school,
      close: async () => {
        await owner.end();
        await school.close();
      },
    };
  },
  yaml: SCHOOL_YAML,
  execute: (statement) => owner.query(statement),
  fill: `
    INSERT INTO pupil SELECT n, 'Bo', 'Filler', 'bo' || n || '@filler.example', true FROM generate_series(100001, 112000) n;
    INSERT INTO lesson SELECT n, n, '2026-01-01' FROM generate_series(100001, 112000) n;
    INSERT INTO payment SELECT n, n, 1, '2026-01-01' FROM generate_series(100001, 112000) n;
    ANALYZE pupil, lesson, payment`,
  indexes: {
    pupil: {
      drop: 'DROP INDEX pupil_lower_idx',
      create: 'CREATE INDEX IF NOT EXISTS pupil_lower_idx ON pupil (lower(mail))',
    },
    lesson: {
      drop: 'DROP INDEX lesson_pupil_id_starts_at_id_idx',
      create:
        'CREATE INDEX IF NOT EXISTS lesson_pupil_id_starts_at_id_idx ON lesson (pupil_id, starts_at DESC, id DESC)',
    },
    payment: {
      drop: 'DROP INDEX payment_lesson_id_idx',
      create: 'CREATE INDEX IF NOT EXISTS payment_lesson_id_idx ON payment (lesson_id)',
    },
  },
});

it('a table scan is detected in a schema whose name has capitals', async () => {
  const school = await startDrivingSchool();
  const database = new pg.Client({ connectionString: school.ownerUrl });
  await database.connect();
  try {
    await database.query(`CREATE SCHEMA "Planning"; ALTER TABLE pupil SET SCHEMA "Planning";
      GRANT USAGE ON SCHEMA "Planning" TO ${school.reader}; DROP INDEX "Planning".pupil_lower_idx;
      INSERT INTO "Planning".pupil SELECT n, 'Bo', 'Filler', 'bo' || n, true FROM generate_series(100001, 112000) n;
      ANALYZE "Planning".pupil`);
    const gateway = openSchoolGateway(
      school,
      SCHOOL_YAML.replaceAll('from: pupil,', 'from: Planning.pupil,'),
    );
    const { errors } = await gateway.query('{ customer(by: { email: "pupil4@example.nl" }) { isLearning } }');
    await gateway.close();
    expect(errors.map(({ message }) => message)).toEqual([
      'driving-school is not queried: it would read every row of a large table.',
    ]);
  } finally {
    await database.end();
    await school.close();
  }
});
