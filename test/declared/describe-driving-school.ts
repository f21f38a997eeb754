import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCursor } from '../../src/connection.js';
import { createTestGateway, LONG_TIMEOUT, type TestGateway } from '../support/gateway.js';
import { at, listAt, textAt } from '../support/read.js';
import { PUPILS, SCHOOL_SDL, type DrivingSchool, type Pupil } from './driving-school.js';
import { compiled } from './warranty.js';

function pupil(id: number): Pupil {
  const found = PUPILS.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`The pupil ${id} does not exist.`);
  return found;
}

/** The expected lessons of a pupil. */
const shown = (lessons: Pupil['lessons']) =>
  lessons.map(({ id, startsAt, payments }) => ({
    number: String(id),
    startsAt,
    payments: payments.map(({ amount, paidOn }) => ({ amount: { amount, currency: 'EUR' }, paidOn })),
  }));
const LESSON = 'number startsAt payments { amount { amount currency } paidOn }';

type School = Pick<DrivingSchool, 'settings' | 'url' | 'close'>;

export function openSchoolGateway(
  school: School,
  yaml: string,
  options: Parameters<typeof createTestGateway>[1] = {},
): TestGateway {
  const { source, sdl } = compiled(yaml, SCHOOL_SDL);
  return createTestGateway(school.settings(school.url), {
    ...options,
    sources: [{ ...source, limits: { ...source.limits, timeout: LONG_TIMEOUT } }],
    sdl: { 'driving-school': sdl },
  });
}

/** Tests a source that is declared over a database. */
export function describeDrivingSchool(start: () => Promise<School>, yaml: string): void {
  describe('a source declared over a database', () => {
    let school: School;
    let gateway: TestGateway;

    beforeAll(async () => {
      school = await start();
      gateway = openSchoolGateway(school, yaml);
    });
    afterAll(async () => {
      await gateway.close();
      await school.close();
    });

    it('is found by number, and by an e-mail address in any notation', async () => {
      const { data, errors } = await gateway.query(
        'query ($by: [CustomerKey!]!) { customers(by: $by) { name isLearning emails { value } } }',
        { by: [{ pupilNumber: '4' }, { email: ' PUPIL4@example.nl' }, { email: 'nobody@example.nl' }] },
      );
      expect(errors).toEqual([]);
      const four = { name: 'Anna de Vries 4', isLearning: true, emails: [{ value: 'pupil4@example.nl' }] };
      expect(data).toEqual({ customers: [four, four, null] });
    });

    it('shows the lessons of many pupils with their payments, with one statement for all lessons and one for all payments', async () => {
      const { data, errors } = await gateway.query(
        `query ($by: [CustomerKey!]!) { customers(by: $by) { lessons(first: 100) { nodes { ${LESSON} } } } }`,
        { by: PUPILS.map(({ id }) => ({ pupilNumber: String(id) })) },
      );
      expect(errors).toEqual([]);
      expect(listAt(data, 'customers').map((customer) => at(customer, 'lessons', 'nodes'))).toEqual(
        PUPILS.map(({ lessons }) => shown(lessons.slice(0, 100))),
      );
    });

    it.each([1, 7, 100])('returns all lessons once, in pages of %i', async (first) => {
      const found: unknown[] = [];
      let after: string | null = null;
      for (let pages = 0; pages < 200; pages += 1) {
        const { data, errors } = await gateway.query(
          `query ($first: Int!, $after: String) { customer(by: { pupilNumber: "1" }) {
          lessons(first: $first, after: $after) { nodes { ${LESSON} } pageInfo { hasNextPage endCursor } } } }`,
          { first, after },
        );
        expect(errors).toEqual([]);
        found.push(...listAt(data, 'customer', 'lessons', 'nodes'));
        if (at(data, 'customer', 'lessons', 'pageInfo', 'hasNextPage') !== true) break;
        after = textAt(data, 'customer', 'lessons', 'pageInfo', 'endCursor');
      }
      expect(found).toEqual(shown(pupil(1).lessons));
    });

    it.each([3, 100])('shows all lessons once on the timeline, in pages of %i', async (first) => {
      const found: unknown[] = [];
      let after: string | null = null;
      for (let pages = 0; pages < 200; pages += 1) {
        const { data, errors } = await gateway.query(
          `query ($first: Int!, $after: String) { customer(by: { pupilNumber: "1" }) {
          timeline(first: $first, after: $after) {
            nodes { kind happenedAt recordId title } missing { code } pageInfo { hasNextPage endCursor } } } }`,
          { first, after },
        );
        expect(errors).toEqual([]);
        expect(listAt(data, 'customer', 'timeline', 'missing')).toEqual([]);
        found.push(...listAt(data, 'customer', 'timeline', 'nodes'));
        if (at(data, 'customer', 'timeline', 'pageInfo', 'hasNextPage') !== true) break;
        after = textAt(data, 'customer', 'timeline', 'pageInfo', 'endCursor');
      }
      expect(found).toEqual(
        pupil(1).lessons.map(({ id, startsAt }) => ({
          kind: 'LESSON',
          happenedAt: startsAt,
          recordId: String(id),
          title: `Driving lesson ${id}`,
        })),
      );
    });

    it('shows the lessons since a time on the timeline', async () => {
      const { data, errors } = await gateway.query(
        `query ($since: DateTime) { customer(by: { pupilNumber: "1" }) {
          timeline(first: 100, since: $since) { nodes { recordId } missing { code } } } }`,
        { since: pupil(1).lessons[8]?.startsAt },
      );
      expect(errors).toEqual([]);
      expect(listAt(data, 'customer', 'timeline', 'nodes')).toHaveLength(9);
    });

    it.each([
      ['2026-13-01 09:00:00+00', '1'],
      ['yesterday', '1'],
      ["2026-01-01' OR 1=1 --", '1'],
    ])('refuses a cursor with the position %s', async (...position) => {
      const { errors } = await gateway.query(
        'query ($after: String) { customer(by: { pupilNumber: "1" }) { lessons(after: $after) { nodes { number } } } }',
        { after: encodeCursor('Customer.lessons', position) },
      );
      expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
    });
  });
}
