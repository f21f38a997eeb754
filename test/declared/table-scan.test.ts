import pg from 'pg';
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
