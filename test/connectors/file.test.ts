import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { setting, SettingsReader } from '../../src/settings.js';
import {
  file,
  filesSetting,
  folderSetting,
  type FileClient,
  type FileOptions,
} from '../../src/connectors/file/connector.js';
import { failure, hostileKeys, open, sourceFailure, type Opened } from './contract.js';

const number = (variable: string, usual: number) => setting(variable, z.coerce.number().default(usual), '');
const connector = (tables: FileOptions['tables'] = { people: { files: '**/*.parquet' } }) =>
  file({
    folder: folderSetting('FOLDER', '/data'),
    memoryMb: number('MEMORY_MB', 128),
    timeoutMs: number('QUERY_MS', 10_000),
    tables,
  });
const name = z.object({ name: z.string().nullable() });
/** A query that takes much longer than any timeout. */
const ENDLESS =
  'SELECT count(*)::INTEGER AS n FROM range(1000000) a, range(1000000) b WHERE a.range % 7 = b.range % 11';

describe('files in a folder', () => {
  let parent: string;
  let folder: string;
  let clients: Opened<FileClient>[] = [];

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'stekkerdoos-files-'));
    folder = join(parent, 'files');
    await mkdir(folder);
  });
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.close()));
    clients = [];
    await rm(parent, { recursive: true, force: true });
  });

  const connect = (
    tables?: FileOptions['tables'],
    environment: Record<string, string> = {},
    timeoutMs = 20_000,
  ) => {
    const client = open(
      connector(tables),
      { FOLDER: folder, ...environment },
      { source: 'files', timeoutMs },
    );
    clients.push(client);
    return client;
  };
  const parquet = async (path: string, select: string, root = folder): Promise<string> => {
    const whole = join(root, path);
    await mkdir(join(whole, '..'), { recursive: true });
    const database = await DuckDBInstance.create(':memory:');
    const connection = await database.connect();
    await connection.run(`COPY (${select}) TO '${whole}' (FORMAT parquet)`);
    connection.closeSync();
    database.closeSync();
    return whole;
  };
  const names = (client: FileClient, where = 'true', ...parameters: string[]) =>
    client
      .rows(name, `SELECT name FROM people() WHERE ${where} ORDER BY name`, parameters)
      .then((rows) => rows.map((row) => row.name));

  it('reads nothing before the first call, and reports whether the source can be called', async () => {
    await rm(folder, { recursive: true });
    const client = connect();
    expect((await sourceFailure(client.ping())).code).toBe('SOURCE_UNAVAILABLE');
    await parquet('a.parquet', "SELECT 'Eva' AS name");
    await expect(client.ping()).resolves.toBeUndefined();
  });

  it('returns dates, timestamps, decimals and big integers of Parquet files exactly', async () => {
    await parquet(
      'a.parquet',
      `SELECT DATE '2026-03-29' AS day, TIMESTAMPTZ '2026-11-01 13:00:00.123456+01' AS moment, 12.50::DECIMAL(12,2) AS price,
        9007199254740993 AS big, 7::INTEGER AS small, true AS yes, NULL::DATE AS none, ['a', NULL] AS list`,
    );
    expect(await connect().rows(z.unknown(), 'SELECT * FROM people()', [])).toEqual([
      {
        day: '2026-03-29',
        moment: '2026-11-01 12:00:00.123456+00',
        price: '12.50',
        big: '9007199254740993',
        small: 7,
        yes: true,
        none: null,
        list: ['a', null],
      },
    ]);
  });

  it('returns CSV values unchanged, and reads JSON by line or as a list', async () => {
    await writeFile(join(folder, 'a.csv'), 'id,name,json\n007,"Eva, ""E""","[{""id"": ""1""}]"\n008,,\n');
    const csv = connect({ people: { files: '*.csv' } });
    expect(await csv.rows(z.unknown(), 'SELECT * FROM people() ORDER BY id', [])).toEqual([
      { id: '007', name: 'Eva, "E"', json: '[{"id": "1"}]' },
      { id: '008', name: null, json: null },
    ]);
    await writeFile(join(folder, 'a.ndjson'), '{"name":"Eva"}\n{"name":"Bas"}\n');
    expect(await names(connect({ people: { files: '*.ndjson' } }))).toEqual(['Bas', 'Eva']);
    await writeFile(join(folder, 'b.json'), '[{"name":"Eva"},{"name":"Jan"}]');
    expect(await names(connect({ people: { files: '*.json' } }))).toEqual(['Eva', 'Jan']);
  });

  it('reads new, changed and removed files correctly without being reopened', async () => {
    const client = connect();
    await parquet('day=2026-10-01/a.parquet', "SELECT 'Eva' AS name");
    expect(await names(client)).toEqual(['Eva']);
    await parquet('day=2026-10-02/a.parquet', "SELECT 'Bas' AS name");
    expect(await names(client)).toEqual(['Bas', 'Eva']);
    await parquet('day=2026-10-02/a.parquet', "SELECT 'Basje' AS name");
    await rm(join(folder, 'day=2026-10-01'), { recursive: true });
    expect(await names(client)).toEqual(['Basje']);
  });

  it('adds columns from the path, and null for columns that files lack', async () => {
    await parquet('day=2026-10-01/a.parquet', "SELECT 'Eva' AS name");
    await parquet('day=2026-10-02/a.parquet', "SELECT 'Bas' AS name, 'Delft' AS city");
    const client = connect({ people: { files: '**/*.parquet', optional: ['country', 'name'] } });
    expect(
      await client.rows(z.unknown(), 'SELECT name, city, country, day FROM people() ORDER BY day', []),
    ).toEqual([
      { name: 'Eva', city: null, country: null, day: '2026-10-01' },
      { name: 'Bas', city: 'Delft', country: null, day: '2026-10-02' },
    ]);
  });

  it('opens only the files of the last days, counted from the newest file', async () => {
    await parquet('day=2019-12-30/a.parquet', "SELECT 'Bas' AS name");
    await parquet('day=2019-12-31/a.parquet', "SELECT 'Eva' AS name");
    await parquet('day=2020-01-01/a.parquet', "SELECT 'Jan' AS name");
    await mkdir(join(folder, 'day=2019-12-29'));
    await writeFile(
      join(folder, 'day=2019-12-29', 'a.parquet'),
      'broken, but older than the days that are read',
    );
    await parquet('stray.parquet', "SELECT 'Nobody' AS name");
    const client = connect(
      { people: { files: '**/*.parquet', newest: { column: 'day', days: number('DAYS', 1) } } },
      { DAYS: '2' },
    );
    expect(await names(client)).toEqual(['Eva', 'Jan']);
    await parquet('day=2020-01-02/a.parquet', "SELECT 'Kim' AS name");
    expect(await names(client)).toEqual(['Jan', 'Kim']);
  });

  it('finds the newest files separately for each table', async () => {
    await parquet('people/day=2019-12-31/a.parquet', "SELECT 'Eva' AS name");
    await parquet('people/day=2020-01-01/a.parquet', "SELECT 'Jan' AS name");
    await parquet('pets/day=2019-12-30/a.parquet', "SELECT 'Rex' AS name");
    await parquet('pets/day=2019-12-31/a.parquet', "SELECT 'Tom' AS name");
    const newest = { column: 'day', days: number('DAYS', 1) };
    const client = connect({
      people: { files: 'people/**/*.parquet', newest },
      pets: { files: 'pets/**/*.parquet', newest },
    });
    expect(await names(client)).toEqual(['Jan']);
    expect(await client.rows(name, 'SELECT name FROM pets()', [])).toEqual([{ name: 'Tom' }]);
  });

  it.each([
    ['cut off in the middle', (whole: Buffer) => whole.subarray(0, whole.length / 2)],
    ['empty', () => Buffer.alloc(0)],
    ['something else', () => Buffer.from('<html>not Parquet</html>'.repeat(50))],
  ])('reports a file that is %s, and works again when it is complete', async (_, broken) => {
    const path = await parquet('a.parquet', "SELECT 'Eva' AS name FROM range(1000)");
    const whole = await readFile(path);
    const client = connect();
    await names(client);
    await writeFile(path, broken(whole));
    const error = await sourceFailure(names(client));
    expect(error.extensions).toEqual({ code: 'SOURCE_CONTRACT', source: 'files', retryable: false });
    expect(error.message).not.toMatch(/parquet|stekkerdoos-files|magic/i);
    await writeFile(path, whole);
    expect(await names(client)).toHaveLength(1_000);
  });

  it('reports a missing or empty folder, and works again when its files are back', async () => {
    await parquet('a.parquet', "SELECT 'Eva' AS name");
    const client = connect();
    await names(client);
    await rename(folder, join(parent, 'away'));
    expect((await sourceFailure(names(client))).extensions).toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      retryable: true,
    });
    await mkdir(folder);
    expect((await sourceFailure(names(client))).code).toBe('SOURCE_UNAVAILABLE');
    await rm(folder, { recursive: true });
    await rename(join(parent, 'away'), folder);
    expect(await names(client)).toEqual(['Eva']);
  });

  it('names the place where an answer does not match the schema, but no value', async () => {
    await parquet('a.parquet', "SELECT 'Eva' AS name");
    const error = await failure(
      connect().rows(z.object({ name: z.number() }), 'SELECT name FROM people()', []),
    );
    expect(error.code).toBe('SOURCE_CONTRACT');
    expect(error.message).toContain('0.name');
    expect(error.message).not.toContain('Eva');
  });

  it.each([
    ['up by dots', (outside: string) => `SELECT * FROM read_parquet('${outside}/../secret.parquet')`],
    ['by an absolute path', () => "SELECT * FROM read_csv('/etc/passwd')"],
    ['over the network', () => "SELECT * FROM read_parquet('http://127.0.0.1:9/secret.parquet')"],
    ['by a bucket', () => "SELECT * FROM read_parquet('s3://bucket/secret.parquet')"],
    ['by an environment variable', () => "SELECT getenv('HOME') AS name"],
    ['by writing', (outside: string) => `COPY (SELECT 1) TO '${outside}/own.parquet'`],
    ['by another database', (outside: string) => `ATTACH '${outside}/own.db'`],
    ['by an extension', () => 'INSTALL httpfs'],
    ['by other settings', () => "SET memory_limit = '100GB'"],
    ['by a second query', () => "SELECT 1 AS name; SELECT * FROM read_csv('/etc/passwd')"],
  ])('never reads outside the folder %s', async (_, query) => {
    await parquet('a.parquet', "SELECT 'Eva' AS name");
    await parquet('secret.parquet', "SELECT 'secret' AS name", parent);
    const client = connect();
    const error = await failure(client.rows(z.unknown(), query(folder), []));
    expect(error.code).toBe('SOURCE_CONTRACT');
    expect(error.message).not.toMatch(/secret|passwd|127/);
    expect(await names(client)).toEqual(['Eva']);
  });

  it.each(['file', 'folder'])('never follows a link to a %s outside the folder', async (kind) => {
    await parquet('a.parquet', "SELECT 'Eva' AS name");
    const secret = await parquet('out/day=2026-10-01/secret.parquet', "SELECT 'secret' AS name", parent);
    await symlink(
      kind === 'file' ? secret : join(secret, '..'),
      join(folder, kind === 'file' ? 'b.parquet' : 'b'),
    );
    const client = connect({ people: { files: kind === 'file' ? '*.parquet' : '*/*.parquet' } });
    expect((await failure(names(client))).code).toBe('SOURCE_CONTRACT');
  });

  it('accepts a link to the folder itself, and a name with special characters', async () => {
    await rename(folder, (folder = join(parent, "it's {b} %c% é")));
    await parquet('a.parquet', "SELECT 'Eva' AS name", parent);
    await rename(join(parent, 'a.parquet'), join(folder, 'a.parquet'));
    expect(await names(connect())).toEqual(['Eva']);
    await symlink(folder, join(parent, 'link'));
    expect(await names(connect(undefined, { FOLDER: join(parent, 'link/') }))).toEqual(['Eva']);
    await mkdir(join(parent, '*'));
    await rm(join(parent, 'link'));
    await symlink(join(parent, '*'), join(parent, 'link'));
    expect((await failure(names(connect(undefined, { FOLDER: join(parent, 'link') })))).code).toBe(
      'SOURCE_CONTRACT',
    );
  });

  it.each(Object.entries(hostileKeys))('never treats %s as the key of another record', async (_, key) => {
    await parquet('a.parquet', "SELECT * FROM (VALUES ('Eva'), ('x'), (NULL), ('a')) t(name)");
    const client = connect();
    const outcome = await client
      .rows(name, 'SELECT name FROM people() WHERE name = $1 OR name IN (SELECT unnest($2::VARCHAR[]))', [
        key,
        [key],
      ])
      .catch((error: unknown) => error);
    if (!(outcome instanceof Error)) expect(outcome).toEqual([]);
    else expect(outcome).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(await names(client, 'name = $1', 'Eva')).toEqual(['Eva']);
  });

  it('accepts lists of any keys as parameters', async () => {
    const keys = ['a', 'b,c', '{d}', '"e"', "f'g", 'h\\i', '', 'NULL', '😀', ' j '];
    await parquet('a.parquet', 'SELECT 1 AS name');
    const rows = await connect().rows(
      z.object({ key: z.string(), place: z.number() }),
      'SELECT unnest($1::VARCHAR[]) AS key, unnest($2::INTEGER[]) AS place ORDER BY place',
      [keys, [...keys.keys()]],
    );
    expect(rows).toEqual(keys.map((key, place) => ({ key, place })));
    expect(
      await connect().rows(z.unknown(), 'SELECT unnest($1::INTEGER[]) AS place, $2 AS yes', [[], true]),
    ).toEqual([]);
  });

  it('stops a query at its timeout, and when it is cancelled', async () => {
    await parquet('a.parquet', "SELECT 'Eva' AS name");
    const client = connect(undefined, { QUERY_MS: '300' });
    await names(client);
    // If the earlier queries were not stopped, the last ones would wait forever.
    const errors = await Promise.all(
      [1, 2, 3, 4, 5, 6].map(() => failure(client.rows(z.unknown(), ENDLESS, []))),
    );
    expect(errors.map(({ code }) => code)).toEqual(Array(6).fill('SOURCE_TIMEOUT'));
    expect(await names(client)).toEqual(['Eva']);

    const impatient = connect(undefined, {}, 200);
    expect((await failure(impatient.rows(z.unknown(), ENDLESS, []))).code).toBe('SOURCE_TIMEOUT');
    const used = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { user } = process.cpuUsage(used);
    expect(user / 1_000).toBeLessThan(400);
  });

  it('does not block the event loop', async () => {
    await parquet('a.parquet', "SELECT 'Eva' AS name");
    const client = connect(undefined, { QUERY_MS: '600' });
    await names(client);
    let ticks = 0;
    const timer = setInterval(() => (ticks += 1), 10);
    await failure(client.rows(z.unknown(), ENDLESS, []));
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
  });

  it('respects its memory limit: a query that needs more is refused, and the next is answered', async () => {
    await parquet('a.parquet', "SELECT 'Eva' AS name");
    const client = connect(undefined, { MEMORY_MB: '64' });
    const error = await sourceFailure(
      client.rows(
        z.unknown(),
        "SELECT count(*) FROM (SELECT DISTINCT md5(range::VARCHAR) || repeat('x', 100) FROM range(3000000))",
        [],
      ),
    );
    expect(error.code).toBe('SOURCE_RATE_LIMITED');
    expect(await names(client)).toEqual(['Eva']);
  });

  it.each([
    ['many rows', "SELECT repeat('x', 1000) AS name FROM range(200000)"],
    ['one giant value', "SELECT repeat('x', 20000000) AS name"],
  ])('refuses an answer of %s above the size limit', async (_, text) => {
    await parquet('a.parquet', "SELECT 'Eva' AS name");
    const client = connect();
    const error = await failure(client.rows(z.unknown(), text, []));
    expect(error.code).toBe('SOURCE_CONTRACT');
    expect(error.message).toContain('bytes');
    expect(await names(client)).toEqual(['Eva']);
  });

  it('answers very many concurrent calls', async () => {
    await parquet('a.parquet', "SELECT 'Eva' AS name");
    const client = connect();
    const answers = await Promise.all(Array.from({ length: 100 }, () => names(client)));
    expect(answers).toEqual(Array(100).fill(['Eva']));
  });

  it('ends calls in progress when it is closed, makes no call afterwards, and can be closed twice', async () => {
    await parquet('a.parquet', "SELECT 'Eva' AS name");
    const client = connect();
    await names(client);
    const calls = [1, 2, 3].map(() => failure(client.rows(z.unknown(), ENDLESS, [])));
    await new Promise((resolve) => setTimeout(resolve, 100));
    await client.close();
    await client.close();
    expect((await Promise.all(calls)).map(({ code }) => code)).toEqual(Array(3).fill('SOURCE_UNAVAILABLE'));
    expect((await failure(names(client))).code).toBe('SOURCE_UNAVAILABLE');
    const unused = connect();
    await unused.close();
    expect((await failure(names(unused))).code).toBe('SOURCE_UNAVAILABLE');
  });

  it('refuses settings with files outside the folder before it reads a file', () => {
    for (const [folderValue, files] of [
      ['data', '*.parquet'],
      ['/data/*', '*.parquet'],
      ['/data', '../*.parquet'],
      ['/data', '/etc/*.csv'],
      ['/data', 'a/../../*.csv'],
      ['/data', '*.txt'],
    ] as const) {
      const reader = new SettingsReader({ FOLDER: folderValue, FILES: files });
      reader.read(folderSetting('FOLDER', '/data'));
      reader.read(filesSetting('FILES', '**/*.parquet'));
      expect(reader.problems, `${folderValue} ${files}`).toHaveLength(1);
    }
  });
});
