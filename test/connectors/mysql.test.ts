import { afterEach, describe, expect, it, vi } from 'vitest';
import { databaseUrl, sql, type SqlClient } from '../../src/connectors/sql/client.js';
import { mysqlDialect, positional } from '../../src/connectors/sql/mysql-dialect.js';
import { failure, hostileKeys, open } from './contract.js';

describe('a query in MySQL syntax', () => {
  it('has a placeholder for each value, in the order of use', () => {
    expect(positional('SELECT $2 AS two WHERE a = $1 AND b = $2', ['one', 2])).toEqual({
      sql: 'SELECT ? AS two WHERE a = ? AND b = ?',
      values: [2, 'one', 2],
    });
  });

  it('has a placeholder for each key of a list, and matches nothing for an empty list', () => {
    expect(positional('SELECT 1 WHERE a = ANY($1) AND b = $2', [['x', 'y'], 'b'])).toEqual({
      sql: 'SELECT 1 WHERE a IN (?, ?) AND b = ?',
      values: ['x', 'y', 'b'],
    });
    expect(positional('SELECT 1 WHERE a = ANY($1)', [[]])).toEqual({
      sql: 'SELECT 1 WHERE a IN (NULL)',
      values: [],
    });
  });

  it('never contains a value in its text', () => {
    const keys = Object.values(hostileKeys);
    const [text, parameters] = mysqlDialect.forEach({
      query:
        'SELECT requested.page AS page FROM t WHERE k = ANY(requested.keys) AND at < requested.at LIMIT requested.size',
      columns: { page: 'integer', keys: 'text[]', at: 'timestamptz', size: 'integer' },
      values: keys.map((key, page) => ({
        page,
        keys: [key, 'requested.page', '$1'],
        at: '2026-11-01',
        size: 1,
      })),
      orderBy: 'page',
    });
    const { sql: statement, values } = positional(text, parameters);
    expect(statement.replace(/[\s\w.*<=,()?]/g, '')).toBe('');
    expect(values).toEqual(
      keys.flatMap((key, page): unknown[] => [page, key, 'requested.page', '$1', '2026-11-01', 1]),
    );
  });

  it.each([
    ['2026-11-01 12:00:00.123456+00', '2026-11-01 12:00:00.123456'],
    ['2026-11-01T12:00:00.123Z', '2026-11-01 12:00:00.123'],
  ])('converts a time to UTC without a zone: %s', (moment, expected) => {
    const [, parameters] = mysqlDialect.forEach({
      query: 'SELECT requested.at AS at',
      columns: { at: 'timestamptz' },
      values: [{ at: moment }],
      orderBy: 'at',
    });
    expect(parameters).toEqual([expected]);
  });
});

describe('a database whose driver is not installed', () => {
  afterEach(() => {
    vi.doUnmock('mysql2');
    vi.doUnmock('pg');
  });

  it.each([
    ['mysql2', 'mariadb://u:p@127.0.0.1/shop'],
    ['mysql2', 'mysql://u:p@127.0.0.1/shop'],
    ['pg', 'postgres://u:p@127.0.0.1/shop'],
  ])('reports that the package %s is missing for %s', async (driver, url) => {
    vi.doMock(driver, () => {
      throw new Error('Cannot find package');
    });
    const client = open<SqlClient>(sql(databaseUrl('SHOP_URL')), { SHOP_URL: url });
    const error = await failure(client.ping());
    expect(error.code).toBe('CONFIG');
    expect(error.message).toContain(`tested needs the package "${driver}": npm install ${driver}.`);
    await client.close();
  });
});
