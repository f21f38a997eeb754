import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse as parseCsv } from 'csv-parse/sync';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { durationText, printBulkProgress } from '../../src/cli/bulk-progress.js';
import { faultControl, FOUR_SYSTEMS, patientSettings } from '../support/stand-ins.js';
import { stekkerdoosHere } from './cli-process.js';

const control = await faultControl([], FOUR_SYSTEMS);
const operations = mkdtempSync(join(tmpdir(), 'stekkerdoos-bulk-operations-'));
writeFileSync(
  join(operations, 'card.graphql'),
  'query Card($by: CustomerKey!) { customer(by: $by) { id name orderCount { value } openTicketCount { value } } }',
);
const patient = Object.fromEntries(
  Object.entries(patientSettings()).filter(([name]) =>
    FOUR_SYSTEMS.some(
      (source) => name === 'DEADLINE_MS' || name.startsWith(source.toUpperCase().replaceAll('-', '_')),
    ),
  ),
);
const settings = { ...control.settings, ...patient, OPERATIONS_FOLDER: operations };
let folder: string;
let out: string;
let people: string;

const Row = z.object({
  line: z.number(),
  input: z.object({ email: z.string() }),
  data: z.unknown(),
  errors: z.array(z.object({ extensions: z.object({ code: z.string() }) })).optional(),
});
const rowsIn = (path: string) =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => Row.parse(JSON.parse(line)));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-bulk-'));
  out = join(folder, 'cards.ndjson');
  people = join(folder, 'people.csv');
  writeFileSync(
    people,
    `email,segment\n${Array.from({ length: 30 }, (_, i) => `customer-${i + 1}@example.nl,A`).join('\n')}\n`,
  );
});
afterEach(async () => {
  await control.heal();
  rmSync(folder, { recursive: true });
});
afterAll(async () => {
  await control.close();
  rmSync(operations, { recursive: true });
});

const run = (...words: string[]) =>
  stekkerdoosHere(['bulk', 'card', '--in', people, '--out', out, ...words], settings);

describe('stekkerdoos bulk', { timeout: 120_000 }, () => {
  test('answers each line of a file, in their order, and says what it needs', async () => {
    const result = await run();
    expect(result).toMatchObject({ code: 0, out: `${out}\n` });
    expect(result.err).toMatch(/^30 lines, \d+ points at most.*Calls \(as declared/);
    expect(result.err).toMatch(/30 of 30 lines, [\d.]+ a second\n$/);
    expect(rowsIn(out).map(({ line }) => line)).toEqual(Array.from({ length: 30 }, (_, i) => i + 2));
    expect(statSync(out).mode & 0o777).toBe(0o600);
    expect(existsSync(`${out}.part`)).toBe(false);
    expect(await run()).toMatchObject({
      code: 2,
      err: expect.stringMatching(/exists.*--retry-failed/) as string,
    });
  });

  test('continues an interrupted run after its last complete row', async () => {
    await run();
    const rows = readFileSync(out, 'utf8');
    const lines = rows.split('\n');
    rmSync(out);
    // The process ended while it wrote the row of the eleventh line.
    writeFileSync(`${out}.part`, `${lines.slice(0, 10).join('\n')}\n${(lines[10] ?? '').slice(0, 40)}`);
    await control.heal();
    const result = await run();
    expect(result.err).toContain('Continuing after line 11: 20 lines are left.');
    const withoutAge = (text: string) => text.replaceAll(/"asOf":"[^"]*"/g, '');
    expect(withoutAge(readFileSync(out, 'utf8'))).toBe(withoutAge(rows));
  });

  test('refuses to continue with another input', async () => {
    writeFileSync(`${out}.part`, '{"line":5,"input":{"email":"x@example.nl","segment":"A"},"data":null}\n');
    expect(await run()).toMatchObject({
      code: 2,
      err: expect.stringContaining('another input file') as string,
    });
  });

  test('reports the errors of each system, and runs the failed lines again alone', async () => {
    writeFileSync(people, 'email\ncustomer-1@example.nl\nnot an address\ncustomer-2@example.nl\n');
    await control.set('contact-centre', { fault: 'down' });
    const failed = await run();
    expect(failed.code).toBe(1);
    expect(failed.err).toMatch(/errors: .*contact-centre 2/);
    expect(failed.err).toContain('2 lines failed. Run them again alone with --retry-failed.');
    await control.heal();
    const again = await run('--retry-failed');
    expect(again.err).toContain('2 of 2 lines');
    expect(again.code).toBe(0);
    const rows = rowsIn(out);
    expect(rows.map(({ line }) => line)).toEqual([2, 3, 4]);
    expect(rows.map(({ errors }) => errors?.map(({ extensions }) => extensions.code))).toEqual([
      undefined,
      ['BAD_USER_INPUT'],
      undefined,
    ]);
  });

  test('answers each member of a named audience', async () => {
    writeFileSync(
      join(folder, 'buyers.graphql'),
      'query Buyers { audience(where: { orderCount: { atLeast: 3 } }) { nodes { id } } }',
    );
    const ofAudience = (name: string, ...words: string[]) =>
      stekkerdoosHere(['bulk', 'card', '--audience', name, '--out', out, ...words], {
        ...settings,
        AUDIENCES_FOLDER: folder,
      });
    const result = await ofAudience('Buyers');
    expect(result).toMatchObject({ code: 0, out: `${out}\n` });
    const rows = readFileSync(out, 'utf8').trim().split('\n');
    expect(result.err).toMatch(new RegExp(`^${rows.length} lines, .* a second$`, 'm'));
    expect(rows.length).toBeGreaterThan(5);
    // The file of an interrupted run over lines stays, so that this run can continue.
    out = join(folder, 'others.ndjson');
    writeFileSync(`${out}.part`, '');
    expect(await ofAudience('Buyers')).toMatchObject({ code: 0 });
    expect(existsSync(`${out}.part`)).toBe(true);
    out = join(folder, 'failed.ndjson');
    await control.set('order-system', { fault: 'down' });
    const failed = await ofAudience('Buyers');
    await control.heal();
    expect(failed.code).toBeGreaterThan(0);
    expect(failed.err).not.toContain('--retry-failed');
    expect(readdirSync(folder).filter((name) => name.startsWith('failed'))).toEqual([]);
    expect(await ofAudience('Buyer')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/no audience with this name\. Did you mean "Buyers"/) as string,
    });
    expect(await ofAudience('Buyers', '--in', people)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--audience cannot be combined/) as string,
    });
  });

  test('writes CSV and Parquet', async () => {
    out = join(folder, 'cards.csv');
    await run();
    const csv = z
      .array(z.record(z.string(), z.string()))
      .parse(parseCsv(readFileSync(out, 'utf8'), { columns: true }));
    expect(csv).toHaveLength(30);
    out = join(folder, 'cards.parquet');
    expect((await run()).code).toBe(0);
    const { DuckDBInstance } = await import('@duckdb/node-api');
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const reader = await connection.runAndReadAll(
      `SELECT line, input.email AS email, data.customer.name AS name FROM '${out}' ORDER BY line`,
    );
    expect(reader.getRowObjects().map(({ line, email, name }) => [String(line), email, name])).toEqual(
      csv.map((row) => [row['line'], row['input.email'], row['name']]),
    );
    connection.closeSync();
    // Other users of the machine must not read them.
    for (const name of ['cards.csv', 'cards.parquet'])
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });

  const mistakes: [string[], RegExp][] = [
    [
      ['bulk', 'crad', '--in', 'p.csv', '--out', 'x.ndjson'],
      /no persisted operation "crad". Did you mean "Card"\?/,
    ],
    [['bulk', 'card', '--out', 'x.ndjson'], /Give a file of lines with --in, or the name/],
    [['bulk', 'card', '--in', 'p.csv', '--out', 'x.xlsx'], /--out must end with/],
    [['bulk', 'card', '--in', 'p.csv', '--outt', 'x.csv'], /Unknown option --outt. Did you mean "--out"/],
    [['bulk', 'card', '--in', 'p.csv', '--out', 'x.csv', '--retry-failed'], /--retry-failed needs/],
  ];
  test.each(mistakes)('explains a mistake in %j', async (words, message) => {
    expect(await stekkerdoosHere(words, settings)).toMatchObject({
      code: 2,
      err: expect.stringMatching(message) as string,
    });
  });
});

describe('the progress', () => {
  test.each([
    [true, '\r50 of 100 lines, 50 a second, 1 s left, errors: webshop 50\u001b[K'],
    [false, '50 of 100 lines, 5.0 a second, 10 s left, errors: webshop 50\n'],
  ])('has rate, time left and errors by system (terminal: %s)', (isTerminal, expected) => {
    const printed: string[] = [];
    let now = 0;
    const progress = printBulkProgress({
      ...{ lines: 100, isTerminal, now: () => now },
      print: (text) => printed.push(text),
    });
    for (let i = 1; i <= 50; i += 1) {
      if (i === 50) now = isTerminal ? 1_000 : 10_000;
      progress.row({ errors: [{ message: '', extensions: { code: 'SOURCE_TIMEOUT', source: 'webshop' } }] });
    }
    expect(printed).toEqual([expected]);
  });

  test.each([
    [0.2, '1 s'],
    [89, '89 s'],
    [91, '2 min'],
    [6_000, '1 h 40 min'],
  ])('writes %d seconds as %s', (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });
});
