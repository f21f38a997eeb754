import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { declaredSource, type DeclarationProblem } from '../../src/index.js';
import type { SqlClient } from '../../src/connectors/sql/client.js';
import { mysqlDialect, positional } from '../../src/connectors/sql/mysql-dialect.js';
import { postgresDialect } from '../../src/connectors/sql/postgres.js';
import type { CompileContext } from '../../src/declared/connector-kind.js';
import { sqlKind } from '../../src/declared/sql.js';
import { sqlCall } from '../../src/declared/sql-grammar.js';
import { compileQuery } from '../../src/declared/sql-query.js';
import { SCHOOL_SDL, SCHOOL_YAML } from './driving-school.js';

/** Compiles a part of a declaration, and returns the result with its problems. */
function context(): CompileContext & { problems: string[] } {
  const problems: string[] = [];
  return { source: 'school', place: [], report: (_, problem) => problems.push(problem), problems };
}

describe('a declared query', () => {
  it.each([
    ['SELECT id FROM pupil WHERE id = ANY(:keys)', 'SELECT id FROM pupil WHERE id = ANY($1)', 'keys'],
    ['select id from pupil where id in ( :keys )', 'select id from pupil where id = ANY($1)', 'keys'],
    ['SELECT id::text FROM f(:key) LIMIT 5', 'SELECT id::text FROM f($1) LIMIT 5', 'key'],
    [
      `SELECT ':keys; it''s' AS "a:keys;" FROM pupil WHERE id = ANY(:keys)`,
      `SELECT ':keys; it''s' AS "a:keys;" FROM pupil WHERE id = ANY($1)`,
      'keys',
    ],
    [
      'WITH p AS (SELECT 1 AS updated) SELECT * FROM p WHERE id IN (:keys)',
      'WITH p AS (SELECT 1 AS updated) SELECT * FROM p WHERE id = ANY($1)',
      'keys',
    ],
  ])('has its keys as a parameter: %s', (query, statement, takes) => {
    const queryContext = context();
    expect(compileQuery(query, queryContext)).toEqual({ statement, takes });
    expect(queryContext.problems).toEqual([]);
  });

  it.each([
    ['SELECT 1 WHERE id = ANY(:keys); DROP TABLE pupil', 'The query contains ;.'],
    ['DELETE FROM pupil WHERE id = ANY(:keys)', 'The query is not a SELECT statement.'],
    [
      'WITH gone AS (DELETE FROM pupil WHERE id = ANY(:keys) RETURNING 1) SELECT 1',
      'The query contains DELETE, and sources only read.',
    ],
    [
      'SELECT * INTO copy FROM pupil WHERE id = ANY(:keys)',
      'The query contains INTO, and sources only read.',
    ],
    [
      'SELECT * FROM pupil WHERE id = ANY(:keys) FOR UPDATE',
      'The query contains UPDATE, and sources only read.',
    ],
    ['SELECT 1 /* :keys */ WHERE id = ANY(:keys)', 'The query contains /*.'],
    ['SELECT 1 WHERE id = ANY(:keys) -- all', 'The query contains --.'],
    ["SELECT '\\' WHERE id = ANY(:keys)", "The query contains '."],
    ['SELECT `id` FROM pupil WHERE id = ANY(:keys)', 'The query contains `.'],
    ['SELECT $1 WHERE id = ANY(:keys)', 'The query contains $.'],
    ['SELECT 1 WHERE id = ?', 'The query contains ?.'],
    ['SELECT 1 WHERE id = :keys', ':keys is a list.'],
    ['SELECT 1 WHERE id NOT IN (:keys)', 'NOT IN (:keys) finds the rows of all other keys.'],
    ['SELECT 1 WHERE id = ANY(:keyz)', 'The parameter :keyz is not known.'],
    ['SELECT 1', 'The query has no keys.'],
    ['SELECT :key WHERE id = ANY(:keys)', 'The query has both :key and :keys.'],
  ])('is refused: %s', (query, problem) => {
    const queryContext = context();
    compileQuery(query, queryContext);
    expect(queryContext.problems).toContain(problem);
  });
});

describe('the calls of a source over a database', () => {
  /** Creates a client that records statements. */
  function recording(dialect: SqlClient['dialect']) {
    const sent: { text: string; parameters: readonly unknown[] }[] = [];
    const client: SqlClient = {
      dialect,
      ping: () => Promise.resolve(),
      checkPlan: () => Promise.resolve(),
      rows: (_, text, parameters) => {
        sent.push({ text, parameters });
        return Promise.resolve([]);
      },
    };
    return { sent, client };
  }
  const request = (call: object) => {
    const compiled = sqlKind.compileCall(sqlCall.parse(call), context(), { sql: '${SCHOOL_URL}' });
    compiled.reads?.(['id', 'starts_at']);
    return compiled;
  };
  const members = [
    { path: 'starts_at', type: 'DateTime' },
    { path: 'id', type: 'ID' },
  ] as const;
  const hostile = fc.array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        "' OR 1=1 --",
        '"; DROP TABLE pupil',
        ':keys',
        '$1',
        '?',
        '%_\\',
        '\r\n',
        '\0',
        '\ud800',
      ),
    ),
    { minLength: 1, maxLength: 5 },
  );

  it.each([
    ['a table', { from: 'lesson', by: 'pupil' }],
    ['a table, in lower case', { from: 'planning.lesson', by: 'pupil', matching: 'lower' }],
    ['a query', { query: 'SELECT id, starts_at FROM lesson WHERE pupil = ANY(:keys)' }],
  ])('send hostile keys to %s as parameters of one statement', async (_, call) => {
    const compiled = request(call);
    const { sent, client } = recording(postgresDialect);
    await compiled.rows(['an-ordinary-key'], client);
    const [ordinary] = sent.splice(0);
    await fc.assert(
      fc.asyncProperty(hostile, async (keys) => {
        const sendable = keys.filter((key) => compiled.canSend(key));
        fc.pre(sendable.length > 0);
        await compiled.rows(sendable, client);
        const [{ text, parameters } = { text: '', parameters: [] }] = sent.splice(0);
        expect(text).toBe(ordinary?.text);
        const lower = 'matching' in call;
        expect(parameters).toEqual([lower ? sendable.map((key) => key.toLowerCase()) : sendable]);
        // MySQL does not support lists as parameters.
        const inMysql = positional(text, parameters);
        expect(inMysql.values).toEqual(parameters[0]);
        expect(inMysql.sql).toBe(text.replace('= ANY($1)', `IN (${sendable.map(() => '?').join(', ')})`));
      }),
    );
  });

  it.each([
    ['PostgreSQL', postgresDialect],
    ['MySQL', mysqlDialect],
  ])('send hostile keys and positions of pages to %s as parameters', async (_, dialect) => {
    const compiled = request({ from: 'lesson', by: 'pupil' });
    const reader = compiled.pages?.({ members, isDescending: true });
    const { sent, client } = recording(dialect);
    const statementFor = async (keys: readonly string[], position: string) => {
      const parts = keys.map((key, page) => ({ page, key, size: 3 }));
      await reader?.read(parts, ['2026-01-01 09:00:00+00', position], client);
      return sent.splice(0)[0];
    };
    await fc.assert(
      fc.asyncProperty(hostile, async (keys) => {
        const sendable = keys.filter((key) => compiled.canSend(key));
        fc.pre(sendable.length > 0);
        const ordinary = await statementFor(
          sendable.map(() => 'k'),
          'p',
        );
        expect((await statementFor(sendable, sendable[0] ?? ''))?.text).toBe(ordinary?.text);
      }),
    );
  });

  it.each([
    ['text', ['a', '', '007'], ['\0', '\ud800']],
    ['smallint', ['0', '17', '-32768', '32767'], ['32768', '65536', '-32769', '1.0', 'x']],
    [
      'integer',
      ['0', '17', '-2147483648', '2147483647'],
      ['', '007', '1.0', '2147483648', '1e3', ' 1', '1 OR 1=1'],
    ],
    ['bigint', ['9223372036854775807', '17'], ['9223372036854775808', '99999999999999999999', 'x']],
    [
      'uuid',
      ['8f14e45f-ceea-467f-a3bd-0000000fffff'],
      ['8F14E45F-CEEA-467F-A3BD-0000000FFFFF', '8f14e45f', ''],
    ],
  ] as const)('send only keys that are possible in a column of the type %s', (keys, allowed, refused) => {
    const compiled = request({ from: 'lesson', by: 'pupil', keys });
    expect(allowed.filter((key) => !compiled.canSend(key))).toEqual([]);
    expect(refused.filter((key) => compiled.canSend(key))).toEqual([]);
  });

  it('report that the rows lack a column of the declaration', async () => {
    const compiled = request({ query: 'SELECT id FROM lesson WHERE pupil = ANY(:keys)' });
    const client: SqlClient = {
      ...recording(postgresDialect).client,
      rows: () => Promise.resolve([{ id: 1 }] as never),
    };
    await expect(compiled.rows(['1'], client)).rejects.toThrow('starts_at: a column that the query selects');
  });
});

describe('a broken declaration of a source over a database', () => {
  const problemsOf = (yaml: string, sdl = SCHOOL_SDL): readonly DeclarationProblem[] => {
    const result = declaredSource({ file: 'school.yaml', yaml, sdlFile: 'school.graphql', sdl });
    return 'problems' in result ? result.problems : [];
  };
  it.each([
    ['from: lesson, by: pupil_id', 'from: "less;on", by: pupil.id', 17, '"calls.lessons.by" is invalid.'],
    ['by: id, keys: integer', 'by: id, keys: int', 15, '"calls.pupilsByNumber.keys" is invalid.'],
    ['matching: lower }', 'matching: lower, keys: uuid }', 16, 'Keys of the type uuid have no lower case.'],
    ['= ANY(:keys)', "= ':keys'", 19, 'The query has no keys.'],
    [
      '    key: lesson_id\n',
      '',
      18,
      'A call for several keys needs key: rows are matched by their key, not by their position.',
    ],
    [
      'Lesson.startsAt: starts_at',
      'Lesson.startsAt: "."',
      17,
      '"." is read from a row, and names no column.',
    ],
    [
      '{ from: lesson, by: pupil_id',
      '{ from: lesson, order: [id], by: pupil_id',
      17,
      'The order of pages belongs to the field.',
    ],
  ])('is reported: %s as %s', (text, broken, line, problem) => {
    expect(SCHOOL_YAML).toContain(text);
    expect(problemsOf(SCHOOL_YAML.replace(text, broken))).toContainEqual(
      expect.objectContaining({ line, problem }),
    );
  });

  it('is reported if a list is ordered by a field that may be null', () => {
    expect(
      problemsOf(SCHOOL_YAML, SCHOOL_SDL.replace('startsAt: DateTime!', 'startsAt: DateTime')),
    ).toMatchObject([{ problem: 'A list is ordered by "Lesson.startsAt", which may be null.' }]);
  });
});
