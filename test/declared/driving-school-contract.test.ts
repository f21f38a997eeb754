import pg from 'pg';
import { afterAll, beforeAll, describe } from 'vitest';
import { createFaultControl } from '../../sources/stand-ins/fault-control.js';
import { encodeCursor } from '../../src/connection.js';
import { describeSource } from '../../src/testing/source-contract.js';
import type { SystemState } from '../../src/testing/source-subject.js';
import { createTestGateway } from '../support/gateway.js';
import { PUPILS, SCHOOL_SDL, SCHOOL_YAML, startDrivingSchool, type DrivingSchool } from './driving-school.js';
import { compiled } from './warranty.js';

const { source, sdl } = compiled(SCHOOL_YAML, SCHOOL_SDL);

const by = (key: object, fields = 'isLearning') => ({
  query: `query($by: CustomerKey!) { customer(by: $by) { ${fields} } }`,
  variables: { by: key },
});
const noCustomer = { customer: null };
const four = { customer: { isLearning: true } };
const lessonsOf = (id: number) => PUPILS.find((pupil) => pupil.id === id)?.lessons ?? [];
const nodes = (id: number, from: number, to: number) => ({
  nodes: lessonsOf(id)
    .slice(from, to)
    .map((lesson) => ({ number: String(lesson.id) })),
});
const hundredth = lessonsOf(1)[99];

describe('a source declared over a database', () => {
  let school: DrivingSchool;
  let owner: pg.Client;
  let other: pg.Client;
  beforeAll(async () => {
    school = await startDrivingSchool();
    owner = new pg.Client({ connectionString: school.ownerUrl });
    other = new pg.Client({ connectionString: school.ownerUrl });
    await Promise.all([owner.connect(), other.connect()]);
  });
  afterAll(async () => {
    await Promise.all([owner.end(), other.end()]);
    await school.close();
  });
  /** Creates a fault: a state of the database that its owner begins and ends. */
  const state = (description: string, begin: () => string, end: () => string): SystemState => ({
    description,
    enter: async () => {
      await owner.query(begin());
      return {
        environment: school.settings(school.url),
        end: async () => {
          await owner.query(end());
        },
      };
    },
  });

  describeSource(
    {
      source,
      dependencies: { sdl: { 'driving-school': sdl }, environment: {} },
      found: {
        'its own number': { ...by({ pupilNumber: '4' }), data: four },
        'an e-mail address': { ...by({ email: 'PUPIL4@example.nl' }), data: four },
      },
      unknown: {
        'a number': { ...by({ pupilNumber: '999' }), data: noCustomer },
        'an e-mail address': { ...by({ email: 'nobody@example.nl' }), data: noCustomer },
      },
      batches: {
        'all pupils': {
          query:
            'query($by: [CustomerKey!]!) { customers(by: $by) { lessons(first: 100) { nodes { number payments { paidOn } } } } }',
          variables: { by: PUPILS.map(({ id }) => ({ pupilNumber: String(id) })) },
          // The statements are identification, a search for other pupils with the same addresses, the lessons, and
          // their payments.
          // On a new connection, the plan of each statement is read before it.
          calls: 8,
        },
      },
      pages: {
        query: `query($by: CustomerKey!, $after: String) { customer(by: $by) {
          newest: lessons(first: 100) { nodes { number } } lessons(first: 100, after: $after) { nodes { number } } } }`,
        variables: {
          by: { pupilNumber: '1' },
          after: encodeCursor('Customer.lessons', [
            (hundredth?.startsAt ?? '').replace('T', ' ').replace('.000Z', '+00'),
            String(hundredth?.id),
          ]),
        },
        data: { customer: { newest: nodes(1, 0, 100), lessons: nodes(1, 100, 200) } },
        // The statements are identification, a search for other pupils with the same address, and the two pages, which
        // differ. On a
        // new connection, the plan of each statement is read before it.
        calls: 8,
      },
      operation: by({ pupilNumber: '4' }),
      wrongCredentials: state(
        'its login is disabled',
        () => `ALTER ROLE ${school.reader} NOLOGIN`,
        () => `ALTER ROLE ${school.reader} LOGIN`,
      ),
      byAnyText: {
        'a number': (text) => ({ ...by({ pupilNumber: text }), nothing: noCustomer }),
        'an e-mail address': (text) => ({ ...by({ email: text }), nothing: noCustomer }),
      },
      nonHttp: {
        protocol: 'over SQL',
        garbage: {
          description: 'bytes that are not a message of the protocol break the connection for any query',
          code: 'SOURCE_UNAVAILABLE',
        },
        rateLimit: state(
          'a database has no headers, and limits the connections of one login',
          () => `ALTER ROLE ${school.reader} CONNECTION LIMIT 0`,
          () => `ALTER ROLE ${school.reader} CONNECTION LIMIT -1`,
        ),
        mismatches: [
          {
            ...state(
              'a column has the type text',
              () => `ALTER TABLE pupil ALTER active TYPE text USING 'jan@example.nl'`,
              () => 'ALTER TABLE pupil ALTER active TYPE boolean USING id % 2 = 0',
            ),
            place: 'active',
            value: 'jan@example.nl',
          },
        ],
        partial: {
          ...state(
            'a statement succeeds or fails as a whole, so a part is one statement of several',
            () => 'ALTER TABLE payment RENAME TO old_payment',
            () => 'ALTER TABLE old_payment RENAME TO payment',
          ),
          query:
            'query($by: [CustomerKey!]!) { customers(by: $by) { lessons(first: 1) { nodes { number payments { paidOn } } } } }',
          variables: { by: [{ pupilNumber: '4' }, { pupilNumber: '999' }] },
          data: {
            customers: [
              { lessons: { nodes: [{ number: String(lessonsOf(4)[0]?.id), payments: null }] } },
              null,
            ],
          },
          errors: [{ path: ['customers', 0, 'lessons', 'nodes', 0, 'payments'], code: 'SOURCE_CONTRACT' }],
        },
        endless: {
          ...state(
            'another client has locked the table, and the gateway cancels the query at the server',
            () => 'BEGIN; LOCK TABLE pupil IN ACCESS EXCLUSIVE MODE',
            () => 'ROLLBACK',
          ),
          isAtWork: async () => {
            const { rowCount } = await other.query(
              `SELECT FROM pg_stat_activity WHERE usename = $1 AND state = 'active'`,
              [school.reader],
            );
            return (rowCount ?? 0) > 0;
          },
        },
      },
    },
    { faultControl: () => createFaultControl([school]), createGateway: createTestGateway },
  );
});
