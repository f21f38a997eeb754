import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestGateway } from '../support/gateway.js';
import { openSchoolGateway } from './describe-driving-school.js';
import type { DrivingSchool } from './driving-school.js';

/** A driving school in a database, and a function that executes statements of its owner. */
export interface SchoolDatabase {
  start: () => Promise<Pick<DrivingSchool, 'settings' | 'url' | 'close'>>;
  yaml: string;
  execute: (statement: string) => Promise<unknown>;
  /** Adds 12,000 pupils, each with a lesson and a payment, and updates the statistics of the database. */
  fill: string;
  /** The indexes by which the calls find rows. */
  indexes: Record<'pupil' | 'lesson' | 'payment', { drop: string; create: string }>;
}

/** Tests the refusal of full table scans in any database. */
export function describeTableScans({ start, yaml, execute, fill, indexes }: SchoolDatabase): void {
  describe('a large table without an index for a call', () => {
    let school: Awaited<ReturnType<typeof start>>;
    let log: string[] = [];

    beforeAll(async () => {
      school = await start();
      await execute(fill);
    });
    afterAll(() => school.close());

    async function withGateway(
      declaration: string,
      use: (gateway: TestGateway) => Promise<void>,
    ): Promise<void> {
      log = [];
      const gateway = openSchoolGateway(school, declaration, {
        logger: pino({ level: 'info', base: null }, { write: (line: string) => void log.push(line) }),
      });
      try {
        await use(gateway);
      } finally {
        await gateway.close();
      }
    }

    it.each([
      {
        what: 'a table by its key',
        call: 'pupilsByEmail: { from: pupil, by: mail',
        table: 'pupil' as const,
        query: '{ customer(by: { email: "pupil4@example.nl" }) { isLearning } }',
      },
      {
        what: 'a list in pages',
        call: 'lessons: { from: lesson, by: pupil_id, keys: integer',
        table: 'lesson' as const,
        query: '{ customer(by: { pupilNumber: "4" }) { lessons { nodes { number } } } }',
      },
      {
        what: 'a query',
        call: 'key: lesson_id\n    keys: integer',
        table: 'payment' as const,
        query: '{ customer(by: { pupilNumber: "4" }) { lessons { nodes { payments { paidOn } } } } }',
      },
    ])(
      'is refused before it is read completely for $what, unless the declaration allows that',
      async ({ call, table, query }) => {
        const { drop, create } = indexes[table];
        await execute(drop);
        try {
          await withGateway(yaml, async (gateway) => {
            const refused = await gateway.query(query);
            expect(refused.errors[0]).toMatchObject({ extensions: { code: 'SOURCE_CONTRACT' } });
            expect(log.map((line) => JSON.parse(line) as object)).toContainEqual(
              expect.objectContaining({
                kind: 'table-scan',
                received: { name: table },
                remedy: expect.stringContaining('index') as string,
              }),
            );
            // No restart is needed.
            await execute(create);
            expect((await gateway.query(query)).errors).toEqual([]);
            await execute(drop);
          });
          const allowed = call.includes('{')
            ? yaml.replace(call, `${call}, readsWholeTable: true`)
            : yaml.replace(call, `${call}\n    readsWholeTable: true`);
          expect(allowed).not.toBe(yaml);
          await withGateway(allowed, async (gateway) => {
            expect((await gateway.query(query)).errors).toEqual([]);
          });
        } finally {
          await execute(create);
        }
      },
    );

    it('is checked only before the first query of a call', async () => {
      const query = '{ customer(by: { email: "pupil4@example.nl" }) { isLearning } }';
      await withGateway(yaml, async (gateway) => {
        expect((await gateway.query(query)).errors).toEqual([]);
        await execute(indexes.pupil.drop);
        try {
          expect((await gateway.query(query)).errors).toEqual([]);
        } finally {
          await execute(indexes.pupil.create);
        }
      });
    });
  });
}
