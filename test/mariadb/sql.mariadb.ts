import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { databaseUrl, sql, type SqlClient } from '../../src/connectors/sql/client.js';
import { GatewayError } from '../../src/errors.js';
import { cancellation } from '../../src/resilience/cancellation.js';
import { timeout } from '../../src/resilience/timeout.js';
import { failure, hostileKeys, open, type Opened, sourceFailure } from '../connectors/contract.js';
import { createOrderDatabase, type OrderDatabase } from './order-database.js';

const connector = sql(databaseUrl('ORDER_SYSTEM_URL'));
const anything = z.record(z.string(), z.unknown());
const customer = z.object({ cust_no: z.string() });

describe('a connection to MariaDB', () => {
  let database: OrderDatabase;
  let client: Opened<SqlClient>;
  const servers: Server[] = [];
  const connect = (
    url = database.url,
    options: Parameters<typeof open>[2] = { timeoutMs: 2_000 },
  ): Opened<SqlClient> => open(connector, { ORDER_SYSTEM_URL: url }, options);

  beforeAll(async () => {
    database = await createOrderDatabase(createWorld({ customers: 60 }));
    client = connect();
  });
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  afterAll(async () => {
    await client.close();
    await database.close();
  });

  const reader = (): string => new URL(database.url).username;
  /** Returns the connections of the gateway, and their current statements. */
  const connections = async (): Promise<{ id: number; info: string | null }[]> => {
    const [rows] = await database.root.query(
      'SELECT id, info FROM information_schema.processlist WHERE user = ?',
      [reader()],
    );
    return rows as { id: number; info: string | null }[];
  };
  const running = async (mark: string): Promise<number> =>
    (await connections()).filter(({ info }) => info?.includes(mark)).length;

  /** A server on loopback with a prepared behaviour for each connection. */
  const serverThat = async (does: (socket: Socket) => void): Promise<string> => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      does(socket);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return `mysql://u:p@127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}/shop`;
  };

  it('returns dates, timestamps, decimals and big integers exactly, in the same form as PostgreSQL', async () => {
    await database.root.query(`CREATE TABLE exact (
        day date, moment timestamp(6), whole timestamp, local_time datetime(6), price decimal(12,2), big bigint,
        huge bigint unsigned, small int, yes boolean, no boolean, document json, words text) CHARACTER SET utf8mb4`);
    await database.root.query(`INSERT INTO exact VALUES ('2026-03-29', '2026-11-01 12:00:00.123400',
        '2026-11-01 10:00:00', '2026-03-29 02:30:00', 12.50, 9007199254740993, 18446744073709551615, 7, true, false,
        '{"a":[1,"é"]}', '👩‍👩‍👧')`);
    const rows = await client.rows(
      anything,
      'SELECT exact.*, 0.1 + 0.2 AS sum, count(*) OVER () AS rows_found FROM exact',
      [],
    );
    expect(rows).toEqual([
      {
        day: '2026-03-29',
        moment: '2026-11-01 12:00:00.1234+00',
        whole: '2026-11-01 10:00:00+00',
        local_time: '2026-03-29 02:30:00',
        price: '12.50',
        sum: '0.3',
        big: '9007199254740993',
        huge: '18446744073709551615',
        small: 7,
        yes: true,
        no: false,
        document: { a: [1, 'é'] },
        words: '👩‍👩‍👧',
        rows_found: '1',
      },
    ]);
    await database.root.query('UPDATE exact SET moment = NULL, day = NULL, yes = NULL, price = NULL');
    expect(await client.rows(anything, 'SELECT moment, day, yes, price FROM exact', [])).toEqual([
      { moment: null, day: null, yes: null, price: null },
    ]);
  });

  it('refuses statements that change data, even if the user may change it', async () => {
    const url = new URL(process.env['MARIADB_URL'] ?? '');
    url.pathname = new URL(database.url).pathname;
    const owner = connect(url.href);
    const refused = { received: { databaseError: '1792' } };
    await expect(owner.rows(anything, 'DELETE FROM payments', [])).rejects.toMatchObject(refused);
    await expect(owner.rows(anything, 'CREATE TABLE added (id int)', [])).rejects.toMatchObject(refused);
    await owner.close();
  });

  it('reads and writes in the same way with any configuration of the server', async () => {
    expect(
      await client.rows(anything, "SELECT @@time_zone AS zone, 'a' || 'b' AS \"joined words\"", []),
    ).toEqual([{ zone: '+00:00', 'joined words': 'ab' }]);
  });

  it('accepts lists of any keys, of any length', async () => {
    const keys = ['everywhere@example.nl', 'a', 'b,c', '{d}', '"e"', "f'g", 'h\\', '', '😀', '?', '$1'];
    for (let length = 0; length <= keys.length; length += 1) {
      const found = await client.rows(
        z.object({ email: z.string(), nothing: z.null() }),
        'SELECT email, $2 AS nothing FROM customers WHERE lower(email) = ANY($1) OR email = $3',
        [keys.slice(0, length), null, keys[1]],
      );
      expect(found).toHaveLength(length === 0 ? 0 : 1);
    }
  });

  it('finds all customers of a list of a thousand', async () => {
    const all = await client.rows(customer, 'SELECT cust_no FROM customers', []);
    const keys = [
      ...all.map(({ cust_no }) => cust_no),
      ...Array.from({ length: 1_000 }, (_, i) => `none-${i}`),
    ];
    expect(
      await client.rows(customer, 'SELECT cust_no FROM customers WHERE cust_no = ANY($1)', [keys]),
    ).toHaveLength(all.length);
  });

  it.each(Object.entries(hostileKeys))('does not treat %s as the key of another record', async (_, key) => {
    for (const text of ['cust_no = ANY($1)', 'lower(email) = ANY($1)', 'phone = ANY($1)']) {
      const outcome = await client
        .rows(customer, `SELECT cust_no FROM customers WHERE ${text}`, [[key]])
        .catch((error: unknown) => error);
      if (outcome instanceof GatewayError) expect(outcome.code).toBe('BAD_USER_INPUT');
      else expect(outcome).toEqual([]);
    }
  });

  it('leaves no prepared statement, even after a failed one', async () => {
    const open = async () => {
      const [rows] = await database.root.query("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'");
      return Number((rows as { Value: string }[])[0]?.Value);
    };
    const single = connect();
    for (let round = 0; round < 100; round += 1) {
      await single.rows(anything, `SELECT ${round} AS round`, []);
      await failure(single.rows(anything, `SELECT ${round} FROM no_such_table`, []));
      await failure(single.rows(anything, `SELECT (SELECT ${round} UNION ALL SELECT 2) AS round`, []));
    }
    expect(await open()).toBeLessThan(50);
    await single.close();
  });

  it('returns the same answer to a repeated query', async () => {
    const devices = await client.rows(
      z.object({ visitor_id: z.string() }),
      'SELECT visitor_id FROM customer_devices',
      [],
    );
    const query = () =>
      client.rows(
        anything,
        `SELECT customers.cust_no, visitor_id FROM customers LEFT JOIN customer_devices USING (cust_no)
         WHERE customers.cust_no IN (SELECT cust_no FROM customer_devices WHERE visitor_id = ANY($1))
         ORDER BY customers.cust_no, visitor_id`,
        [devices.map(({ visitor_id }) => visitor_id)],
      );
    const first = await query();
    expect(first).toHaveLength(new Set(first.map((row) => JSON.stringify(row))).size);
    for (let round = 0; round < 3; round += 1) expect(await query()).toEqual(first);
  });

  it('stops a query at the server when no request waits for it', async () => {
    const controller = new AbortController();
    const connection = connect(undefined, {
      timeoutMs: 30_000,
      scope: { run: (call) => timeout('tested', 30_000, call, cancellation(controller.signal)) },
    });
    const call = failure(connection.rows(z.unknown(), 'SELECT sleep(30) /* nobody-waits */', []));
    await expect.poll(() => running('nobody-waits'), { interval: 10 }).toBe(1);
    controller.abort(new GatewayErrorOfTheTest());
    await call;
    await expect.poll(() => running('nobody-waits'), { timeout: 2_000 }).toBe(0);
    await connection.close();
    await expect.poll(async () => (await connections()).length, { timeout: 2_000 }).toBeLessThanOrEqual(10);
  });

  it('stops a query at its timeout, and answers further queries', async () => {
    const impatient = connect(undefined, { timeoutMs: 300 });
    const call = failure(impatient.rows(z.unknown(), 'SELECT sleep(30) /* too-slow */', []));
    await expect.poll(() => running('too-slow'), { interval: 10 }).toBe(1);
    expect((await call).code).toBe('SOURCE_TIMEOUT');
    await expect.poll(() => running('too-slow'), { timeout: 2_000 }).toBe(0);
    expect(await impatient.rows(anything, 'SELECT 1 AS one', [])).toEqual([{ one: 1 }]);
    await impatient.close();
  });

  it('sends the timeout to the server, so that the server stops the query too', async () => {
    const patient = connect(undefined, {
      timeoutMs: 700,
      scope: { run: (call) => timeout('tested', 30_000, call) },
    });
    const startedAt = performance.now();
    // A statement that only sleeps is also stopped.
    const error = await failure(
      patient.rows(
        z.unknown(),
        'SELECT count(*) FROM customers a, customers b, customers c, customers d, customers e',
        [],
      ),
    );
    expect(error.code).toBe('SOURCE_TIMEOUT');
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    await patient.close();
  });

  it('runs ten queries at a time, while the others wait', async () => {
    const connection = connect(undefined, { timeoutMs: 20_000 });
    const calls = Array.from({ length: 40 }, () =>
      connection.rows(anything, 'SELECT sleep(0.05) AS slept /* crowd */', []),
    );
    await expect.poll(() => running('crowd'), { interval: 5 }).toBeGreaterThan(5);
    expect(await running('crowd')).toBeLessThanOrEqual(10);
    expect(await Promise.all(calls)).toHaveLength(40);
    await connection.close();
  });

  it('retains all connections after many timeouts', async () => {
    const connection = connect(undefined, { timeoutMs: 1_500 });
    for (let round = 0; round < 2; round += 1) {
      const errors = await Promise.all(
        Array.from({ length: 60 }, () =>
          failure(connection.rows(z.unknown(), 'SELECT sleep(30) /* many */', [])),
        ),
      );
      expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(['SOURCE_TIMEOUT']));
    }
    // A KILL ends the queries. If the server receives it too late, its timeout ends them 2.5 s later.
    await expect.poll(() => running('many')).toBe(0);
    expect(
      await Promise.all(Array.from({ length: 20 }, () => connection.rows(anything, 'SELECT 1 AS one', []))),
    ).toHaveLength(20);
    await connection.close();
  });

  it('works again after the server has ended its connections, idle ones and one in use', async () => {
    const connection = connect();
    await connection.rows(anything, 'SELECT 1 AS one', []);
    const call = failure(connection.rows(z.unknown(), 'SELECT sleep(30) /* cut-off */', []));
    await expect.poll(() => running('cut-off'), { interval: 10 }).toBe(1);
    for (const { id, info } of await connections())
      if (info?.includes('cut-off')) await database.root.query(`KILL CONNECTION ${id}`);
    expect((await call).code).toBe('SOURCE_UNAVAILABLE');
    await connection.rows(anything, 'SELECT 1 AS one', []);
    for (const { id } of await connections())
      await database.root.query(`KILL CONNECTION ${id}`).catch((error: unknown) => {
        // The list may contain a connection that was already ended.
        if (!(error instanceof Error && error.message.includes('Unknown thread id'))) throw error;
      });
    await expect.poll(async () => (await connections()).length).toBe(0);
    expect(await connection.rows(anything, 'SELECT 1 AS one', [])).toEqual([{ one: 1 }]);
    await connection.close();
  });

  it.each([
    ['many rows', "SELECT repeat('x', 1000) AS many_rows FROM seq_1_to_200000"],
    ['one giant value', "SELECT repeat('x', 15000000) AS giant"],
    ['a giant document', "SELECT json_object('a', repeat('x', 15000000)) AS giant"],
  ])('refuses an answer of %s beyond the size limit', async (_, text) => {
    const error = await failure(client.rows(z.unknown(), text, []));
    expect(error.extensions).toMatchObject({ code: 'SOURCE_CONTRACT', retryable: false });
    expect(error.message).toContain('bytes');
    await expect.poll(() => running('repeat')).toBe(0);
    expect(await client.rows(anything, 'SELECT 1 AS one', [])).toEqual([{ one: 1 }]);
  });

  it.each([
    ['a query of an unknown column', 'SELECT no_such_column FROM customers', 'SOURCE_CONTRACT'],
    [
      'a statement that would change something',
      "DELETE FROM customers WHERE cust_no = ''",
      'SOURCE_FORBIDDEN',
    ],
    ['tables that the user may not read', 'SELECT * FROM mysql.global_priv', 'SOURCE_FORBIDDEN'],
    ['a deadlock', signal('40001', 1213), 'SOURCE_UNAVAILABLE'],
    ['a timeout of a lock', signal('HY000', 1205), 'SOURCE_UNAVAILABLE'],
    ['a server that shuts down', signal('08S01', 1053), 'SOURCE_UNAVAILABLE'],
    ['too many connections', signal('08004', 1040), 'SOURCE_RATE_LIMITED'],
    ['too many connections of the user', signal('42000', 1203), 'SOURCE_RATE_LIMITED'],
    ['a query that the server stopped', signal('70100', 1969), 'SOURCE_TIMEOUT'],
  ])('reports %s', async (_, text, code) => {
    const error = await failure(client.rows(z.unknown(), text, []));
    expect(error.extensions).toMatchObject({
      code,
      retryable: !['SOURCE_CONTRACT', 'SOURCE_UNAUTHENTICATED', 'SOURCE_FORBIDDEN'].includes(code),
    });
    expect(error.message).not.toMatch(/no_such_column|global_priv|secret|SQLSTATE|\d{4}/);
  });

  it.each([
    ['SELECT no_such_column FROM customers', 'missing-column', '1054', 'no_such_column'],
    ['SELECT 1 FROM no_such_table', 'missing-table', '1146', 'no_such_table'],
    ['SELECT * FROM mysql.global_priv', 'missing-grant', '1142', 'mysql.global_priv'],
  ])('reports to the operator what is wrong with %s', async (text, kind, databaseError, name) => {
    const error = await sourceFailure(client.rows(z.unknown(), text, []));
    expect(error.kind).toBe(kind);
    expect(error.received).toMatchObject({ databaseError, name });
  });

  it.each([
    ['another password', (url: URL) => (url.password = 'wrong-password'), 'SOURCE_UNAUTHENTICATED'],
    ['a user that there is not', (url: URL) => (url.username = 'wrong-user'), 'SOURCE_UNAUTHENTICATED'],
    ['the database of somebody else', (url: URL) => (url.pathname = '/mysql'), 'SOURCE_FORBIDDEN'],
  ])('distinguishes refused credentials and missing grants: %s', async (_, change, code) => {
    const url = new URL(database.url);
    change(url);
    const refused = connect(url.href);
    const error = await failure(refused.ping());
    await refused.close();
    expect(error.extensions).toEqual({ code, source: 'tested', retryable: false });
    expect(error.message).not.toContain('wrong');
  });

  it('reports a user that has reached its connection limit', async () => {
    await database.root.query(`ALTER USER '${reader()}'@'%' WITH MAX_USER_CONNECTIONS 1`);
    const [opened, other] = [connect(), connect()];
    try {
      await client.close();
      await expect.poll(async () => (await connections()).length).toBe(0);
      await opened.ping();
      expect((await failure(other.ping())).code).toBe('SOURCE_RATE_LIMITED');
    } finally {
      await database.root.query(`ALTER USER '${reader()}'@'%' WITH MAX_USER_CONNECTIONS 0`);
      await Promise.all([opened.close(), other.close()]);
      client = connect();
    }
  });

  it.each([
    ['nobody listens', undefined, 'SOURCE_UNAVAILABLE'],
    ['the server disconnects', (socket: Socket) => socket.destroy(), 'SOURCE_UNAVAILABLE'],
    ['the server does not answer', () => undefined, 'SOURCE_TIMEOUT'],
    [
      'the server is a web server',
      (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
      'SOURCE_UNAVAILABLE',
    ],
  ])('reports an error each time if %s', async (_, does, code) => {
    const lost = connect(does === undefined ? 'mysql://u:p@127.0.0.1:1/shop' : await serverThat(does), {
      timeoutMs: code === 'SOURCE_TIMEOUT' ? 300 : 5_000,
    });
    const errors = await Promise.all(Array.from({ length: 25 }, () => failure(lost.ping())));
    errors.push(await failure(lost.ping()));
    // The connection and the call may time out at the same time.
    const allowed = code === 'SOURCE_TIMEOUT' ? [code, 'SOURCE_UNAVAILABLE'] : [code];
    for (const error of errors) {
      expect(allowed).toContain(error.code);
      expect(error.message).not.toMatch(/127\.0\.0\.1|ECONN|ETIMEDOUT|at .*\.js/);
    }
    await lost.close();
  });

  it('waits for calls in progress when it is closed, and makes no calls afterwards', async () => {
    await client.close();
    await expect.poll(async () => (await connections()).length).toBe(0);
    const connection = connect();
    const call = connection.rows(anything, 'SELECT sleep(0.2) AS slept', []);
    await expect.poll(() => running('sleep'), { interval: 5 }).toBe(1);
    await Promise.all([connection.close(), connection.close()]);
    expect(await call).toHaveLength(1);
    await expect.poll(async () => (await connections()).length).toBe(0);
    expect((await failure(connection.ping())).code).toBe('SOURCE_UNAVAILABLE');
    client = connect();
    await client.ping();
  });
});

class GatewayErrorOfTheTest extends GatewayError {
  readonly code = 'CANCELLED';
}

function signal(state: string, code: number): string {
  return `SIGNAL SQLSTATE '${state}' SET MYSQL_ERRNO = ${code}, MESSAGE_TEXT = 'a secret'`;
}
