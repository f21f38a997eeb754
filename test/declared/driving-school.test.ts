import { expect, it } from 'vitest';
import { encodeCursor } from '../../src/connection.js';
import { listAt } from '../support/read.js';
import { describeDrivingSchool, openSchoolGateway } from './describe-driving-school.js';
import { SCHOOL_YAML, startDrivingSchool } from './driving-school.js';

describeDrivingSchool(startDrivingSchool, SCHOOL_YAML);

// This applies to PostgreSQL only, because MySQL and MariaDB accept any text as a position.
it('a cursor that the database refuses does not fail the pages of other customers', async () => {
  const school = await startDrivingSchool();
  const gateway = openSchoolGateway(school, SCHOOL_YAML);
  try {
    const { data, errors } = await gateway.query(
      `query ($after: String) {
        refused: customer(by: { pupilNumber: "1" }) { lessons(after: $after) { nodes { number } } }
        other: customer(by: { pupilNumber: "3" }) { lessons { nodes { number } } } }`,
      { after: encodeCursor('Customer.lessons', ['2026-01-01 09:00:00+00', 'no number']) },
    );
    expect(errors).toMatchObject([{ path: ['refused', 'lessons'] }]);
    expect(listAt(data, 'other', 'lessons', 'nodes')).toHaveLength(2);
  } finally {
    await gateway.close();
    await school.close();
  }
});
