import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { databaseUrl, sql, type SqlClient } from '../../src/connectors/sql/client.js';
import { cancellation } from '../../src/resilience/cancellation.js';
import { timeout } from '../../src/resilience/timeout.js';
import { directSettings } from '../support/stand-ins.js';
import { describeContract, failure, hostileKeys, open, sourceFailure, type Opened } from './contract.js';

const connector = sql(databaseUrl('ORDER_SYSTEM_URL'));
const url = (): string => directSettings().ORDER_SYSTEM_URL ?? '';
const oneRow = z.object({ one: z.number() });
const customer = z.object({ cust_no: z.string() });

describe('a connection to PostgreSQL', () => {
  describeContract<SqlClient>({
    connector,
    source: 'order-system',
    wrongCredentials: {
      get ORDER_SYSTEM_URL() {
        const wrong = new URL(url());
        // The user is unknown. A wrong password is not enough, because a server may accept local users without one.
        wrong.username = 'a-wrong-role';
        return wrong.href;
      },
    },
    call: (client) => client.rows(oneRow, 'SELECT 1 AS one', []),
    callForMismatch: (client) => client.rows(z.object({ email: z.number() }), EVERYWHERE, []),
    mismatch: { place: '0.email', value: 'everywhere@example.nl' },
    find: (client, key) =>
      client.rows(customer, 'SELECT cust_no FROM customers WHERE email = $1 OR email = ANY($2)', [
        key,
        [key],
      ]),
    knownKey: 'everywhere@example.nl',
    nothing: [],
    codes: {
      down: 'SOURCE_UNAVAILABLE',
      status: 'SOURCE_UNAVAILABLE',
      garbage: 'SOURCE_UNAVAILABLE',
      reset: 'SOURCE_UNAVAILABLE',
      'rate-limit': 'SOURCE_RATE_LIMITED',
      hang: 'SOURCE_TIMEOUT',
      drip: 'SOURCE_TIMEOUT',
    },
    retryAfter: undefined,
    maxConnections: 10,
  });

  let client: Opened<SqlClient>;
  let watcher: pg.Client;

  beforeAll(async () => {
    client = open(connector, { ORDER_SYSTEM_URL: url() }, { timeoutMs: 2_000 });
    watcher = new pg.Client({ connectionString: url(), application_name: 'watcher' });
    await watcher.connect();
  });
  afterAll(async () => {
    await client.close();
    await watcher.end();
  });

  /** The number of queries with this mark that the server runs, without this one. */
  const running = async (mark: string): Promise<number> => {
    const found = await watcher.query<{ count: string }>(
      "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()",
      [`%${mark}%`],
    );
    return Number(found.rows[0]?.count);
  };

  it('returns dates, times, decimals and big integers exactly', async () => {
    const text = z.record(z.string(), z.unknown());
    const [row] = await client.rows(
      text,
      `SELECT date '2026-03-29' AS day, timestamptz '2026-11-01 13:00:00.123456+01' AS moment,
         timestamp '2026-03-29 02:30:00' AS local_time, 12.50::numeric(12,2) AS price,
         0.1::numeric + 0.2::numeric AS sum, 9007199254740993::int8 AS big, 7::int4 AS small, true AS yes,
         null::date AS none`,
      [],
    );
    expect(row).toEqual({
      day: '2026-03-29',
      moment: '2026-11-01 12:00:00.123456+00',
      local_time: '2026-03-29 02:30:00',
      price: '12.50',
      sum: '0.3',
      big: '9007199254740993',
      small: 7,
      yes: true,
      none: null,
    });
  });

  it('returns lists of such values exactly', async () => {
    const [row] = await client.rows(
      z.record(z.string(), z.unknown()),
      `SELECT ARRAY[9007199254740993::int8] AS big, ARRAY[1.10::numeric, null] AS prices,
         ARRAY[date '2026-03-29'] AS days, ARRAY[timestamptz '2026-11-01 12:00:00+00'] AS moments`,
      [],
    );
    expect(row).toEqual({
      big: ['9007199254740993'],
      prices: ['1.10', null],
      days: ['2026-03-29'],
      moments: ['2026-11-01 12:00:00+00'],
    });
  });

  it('yields to other requests while it validates many rows, and names the place of a row that does not match', async () => {
    const numbers = `SELECT CASE WHEN n = $1 THEN 'a text' ELSE n::text END AS one FROM generate_series(1, 3000) n`;
    const row = z.object({ one: z.string().regex(/^\d+$/).transform(Number) });
    let iterations = 0;
    let isChecking = true;
    const count = (): void => {
      iterations += 1;
      if (isChecking) setImmediate(count);
    };
    const counted = row.refine(() => {
      if (iterations === 0) setImmediate(count);
      return true;
    });
    expect(await client.rows(counted, numbers, [0])).toEqual(
      Array.from({ length: 3_000 }, (_, i) => ({ one: i + 1 })),
    );
    isChecking = false;
    expect(iterations).toBeGreaterThan(5);
    expect(await failure(client.rows(row, numbers, [2_001]))).toMatchObject({
      code: 'SOURCE_CONTRACT',
      message: 'tested sent an answer that does not match its schema, at: 2000.one.',
    });
  });

  it('accepts a list of any keys as one parameter', async () => {
    const keys = ['a', 'b,c', '{d}', '"e"', "f'g", 'h\\i', '', 'NULL', '😀', ' j '];
    const rows = await client.rows(
      z.object({ key: z.string() }),
      'SELECT key FROM unnest($1::text[]) WITH ORDINALITY AS requested (key, place) ORDER BY place',
      [keys],
    );
    expect(rows.map(({ key }) => key)).toEqual(keys);
  });

  it('runs a query for each of several values in one statement, for any values', async () => {
    const words = [
      ...Object.values(hostileKeys).filter((key) => !/\0|\p{Surrogate}/u.test(key)),
      'requested.word',
    ];
    const [text, parameters] = client.dialect.forEach({
      query:
        'SELECT requested.place AS place, requested.word AS word, listed FROM unnest(requested.list) AS listed LIMIT 2',
      columns: { place: 'integer', word: 'text', list: 'text[]' },
      values: words.map((word, place) => ({ place, word, list: [word, word, word] })),
      orderBy: 'place',
    });
    const row = z.object({ place: z.number(), word: z.string(), listed: z.string() });
    expect(await client.rows(row, text, parameters)).toEqual(
      words.flatMap((word, place) => [
        { place, word, listed: word },
        { place, word, listed: word },
      ]),
    );
  });

  it('returns no rows for an empty list of keys', async () => {
    expect(
      await client.rows(customer, 'SELECT cust_no FROM customers WHERE cust_no = ANY($1)', [[]]),
    ).toEqual([]);
  });

  it('refuses a key with an invalid character before it calls the database, also in a list', async () => {
    for (const parameters of [['a\0b'], [['fine', 'a\0b']], [['\ud800']]]) {
      const error = await failure(
        client.rows(oneRow, 'SELECT 1 AS one WHERE $1::text IS NOT NULL', parameters),
      );
      expect(error.code).toBe('BAD_USER_INPUT');
    }
  });

  it('prepares each query text once, for all keys', async () => {
    const single = open(connector, { ORDER_SYSTEM_URL: url() }, { timeoutMs: 2_000 });
    const prepared = () =>
      single.rows(
        z.object({ count: z.string() }),
        "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT % AS marked_statement'",
        [],
      );
    for (const number of [1, 2, 3]) {
      await single.rows(z.object({ marked_statement: z.number() }), 'SELECT $1::int4 AS marked_statement', [
        number,
      ]);
    }
    expect(await prepared()).toEqual([{ count: '1' }]);
    await single.close();
  });

  it('stops a query at the server at its timeout', async () => {
    const impatient = open(connector, { ORDER_SYSTEM_URL: url() }, { timeoutMs: 300 });
    const call = failure(impatient.rows(z.unknown(), 'SELECT pg_sleep(30) /* stopped-by-us */', []));
    await expect.poll(() => running('stopped-by-us'), { interval: 10 }).toBe(1);
    expect((await call).code).toBe('SOURCE_TIMEOUT');
    await expect.poll(() => running('stopped-by-us'), { timeout: 2_000 }).toBe(0);
    await impatient.close();
  });

  it('stops a query at the server as soon as it is cancelled', async () => {
    const controller = new AbortController();
    const patient = open(
      connector,
      { ORDER_SYSTEM_URL: url() },
      {
        timeoutMs: 30_000,
        scope: { run: (call) => timeout('tested', 30_000, call, cancellation(controller.signal)) },
      },
    );
    const call = patient.rows(z.unknown(), 'SELECT pg_sleep(30) /* nobody-waits */', []);
    const ended = expect(call).rejects.toThrow('hung up');
    await expect.poll(() => running('nobody-waits'), { interval: 10 }).toBe(1);
    controller.abort(new Error('hung up'));
    await ended;
    await expect.poll(() => running('nobody-waits'), { timeout: 2_000 }).toBe(0);
    await patient.close();
  });

  it('sends its timeout to the server, so that the server stops the query itself', async () => {
    const patient = open(connector, { ORDER_SYSTEM_URL: url() }, { timeoutMs: 1_234 });
    const setting = z.object({ statement_timeout: z.string() });
    expect(await patient.rows(setting, 'SHOW statement_timeout', [])).toEqual([
      { statement_timeout: '1234ms' },
    ]);
    await patient.close();
  });

  it('reads times in one format, for any settings of the server', async () => {
    const style = z.object({ DateStyle: z.string() });
    expect(await client.rows(style, 'SHOW datestyle', [])).toEqual([{ DateStyle: 'ISO, YMD' }]);
    const zone = z.object({ TimeZone: z.string() });
    expect(await client.rows(zone, 'SHOW timezone', [])).toEqual([{ TimeZone: 'UTC' }]);
  });

  it.each([
    ['many rows', "SELECT repeat('x', 1000) AS many_rows FROM generate_series(1, 200000)"],
    ['one giant value', "SELECT repeat('x', 20000000) AS giant"],
  ])('refuses an answer of %s above the size limit', async (_, text) => {
    const error = await failure(client.rows(z.unknown(), text, []));
    expect(error.extensions).toMatchObject({ code: 'SOURCE_CONTRACT', retryable: false });
    expect(error.message).toContain('bytes');
    await expect.poll(() => running('repeat')).toBe(0);
    expect(await client.rows(oneRow, 'SELECT 1 AS one', [])).toEqual([{ one: 1 }]);
  });

  it.each([
    ['a query with an unknown column', 'SELECT no_such_column FROM customers', 'SOURCE_CONTRACT'],
    ['a table that the role may not read', 'SELECT * FROM pg_authid', 'SOURCE_FORBIDDEN'],
    [
      'a conflict with the recovery of a replica',
      "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$",
      'SOURCE_UNAVAILABLE',
    ],
    ['a server that shuts down', "DO $$ BEGIN RAISE SQLSTATE '57P01'; END $$", 'SOURCE_UNAVAILABLE'],
    ['a server without free memory', "DO $$ BEGIN RAISE SQLSTATE '53200'; END $$", 'SOURCE_RATE_LIMITED'],
  ])('reports %s', async (_, text, code) => {
    const error = await failure(client.rows(z.unknown(), text, []));
    expect(error.code).toBe(code);
    expect(error.message).not.toMatch(/no_such_column|pg_authid|SQLSTATE|\d{5}/);
  });

  it.each([
    ['SELECT * FROM pg_authid', 'SOURCE_FORBIDDEN', 'missing-grant', '42501', 'pg_authid'],
    ['SELECT 1 FROM no_such_table', 'SOURCE_CONTRACT', 'missing-table', '42P01', 'no_such_table'],
    ['SELECT no_such_column FROM customers', 'SOURCE_CONTRACT', 'missing-column', '42703', 'no_such_column'],
  ])('reports the cause of a failed query to the operator: %s', async (text, code, kind, sqlState, name) => {
    const error = await sourceFailure(client.rows(z.unknown(), text, []));
    const { requested, received } = error;
    expect({ code: error.code, kind: error.kind, received }).toEqual({
      code,
      kind,
      received: { sqlState, name },
    });
    const [, table] = /FROM (\w+)/.exec(text) ?? [];
    expect(requested).toEqual({ method: 'SELECT', tables: [table] });
  });

  it('does not report a value in a message of the database to the operator', async () => {
    const call = client.rows(z.unknown(), 'SELECT 1 FROM customers WHERE cust_no::date = $1', ['2026-01-01']);
    const error = await sourceFailure(call);
    expect(error.received.sqlState).toBe('22007');
    expect(JSON.stringify([error.requested, error.received])).not.toMatch(/C-|\d{6,}/);
  });

  it('does not reuse a connection after a failed statement, since its cached plan may be invalid', async () => {
    const opened = open(connector, { ORDER_SYSTEM_URL: url() }, { timeoutMs: 2_000 });
    const process = z.object({ pg_backend_pid: z.number() });
    const before = await opened.rows(process, 'SELECT pg_backend_pid()', []);
    expect(await opened.rows(process, 'SELECT pg_backend_pid()', [])).toEqual(before);
    await failure(opened.rows(z.unknown(), "DO $$ BEGIN RAISE SQLSTATE '0A000'; END $$", []));
    expect(await opened.rows(process, 'SELECT pg_backend_pid()', [])).not.toEqual(before);
    await opened.close();
  });
});

const EVERYWHERE = "SELECT email FROM customers WHERE email = 'everywhere@example.nl'";
