import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CALLER_SETTINGS } from '../support/callers.js';
import { at, listAt } from '../support/read.js';
import { faultControl, patientSettings } from '../support/stand-ins.js';
import { stekkerdoos, stekkerdoosHere } from './cli-process.js';

const EMAIL = 'everywhere@example.nl';
const control = await faultControl();
const settings = { ...control.settings, ...patientSettings(), CLICKSTREAM_TIMEOUT_MS: '20000' };
let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-export-'));
  file = join(folder, 'export.json');
});
afterEach(async () => {
  await control.heal();
  rmSync(folder, { recursive: true });
});
afterAll(() => control.close());

const exportOf = (by: string, environment = {}) =>
  stekkerdoosHere(['export', '--by', by, '--out', file], { ...settings, ...environment });
const exportInProcess = (by: string, environment = {}, input = '') =>
  stekkerdoos(['export', '--by', by, '--out', file], { ...settings, ...environment }, input);

const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

const calls = () =>
  Object.fromEntries(Object.entries(control.counters()).map(([name, counter]) => [name, counter.calls]));

describe('stekkerdoos export', { timeout: 120_000 }, () => {
  test('writes data of every system, with source and time, to a file that only its owner can read', async () => {
    const { code, err, out } = await exportInProcess(`email=${EMAIL}`);
    expect(err).toContain('parts are complete');
    expect(code).toBe(0);
    expect(out).toBe(`${file}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(existsSync(`${file}.part`)).toBe(false);
    const document = read(file);
    expect(document).toMatchObject({ complete: true, notAnswered: [], notExported: [] });
    const sources = at(document, 'sources') as Record<string, { status: string; asOf: string }>;
    expect(Object.keys(sources).sort()).toEqual(Object.keys(control.counters()).sort());
    for (const { status, asOf } of Object.values(sources)) {
      expect(['live', 'cached']).toContain(status);
      expect(Date.parse(asOf)).not.toBeNaN();
    }
    for (const [field, value] of Object.entries(at(document, 'data') as object)) {
      expect(value, field).not.toBeNull();
      expect(value, field).not.toEqual([]);
    }
    expect(at(document, 'data', 'company', 'vat', 'isValid')).toBe(true);
    expect(Object.keys(at(document, 'sections') as object)).toEqual(
      expect.arrayContaining(Object.keys(at(document, 'data') as object)),
    );
  });

  test('reads all pages of long lists', async () => {
    const { code, err } = await exportOf('email=many-orders@example.nl');
    expect(code, err).toBe(0);
    expect(listAt(read(file), 'data', 'orders', 'nodes')).toHaveLength(500);
    const numbers = listAt(read(file), 'data', 'orders', 'nodes').map((item) => at(item, 'number'));
    expect(new Set(numbers).size).toBe(500);
    const timeline = listAt(read(file), 'data', 'timeline', 'nodes');
    expect(timeline.filter((item) => at(item, 'kind') === 'ORDER')).toHaveLength(500);
  });

  test('calls a system again if its answer in this run was stale', async () => {
    const { code, err } = await exportOf(`email=${EMAIL}`, {
      CLICKSTREAM_FRESHNESS: '{"maxAge":"1 ms","staleWhileRevalidate":"1 minute"}',
    });
    expect(code, err).toBe(0);
  });

  test('names the system that did not answer, and then requests only the missing parts', async () => {
    await control.set('x', { fault: 'down' });
    await control.set('kvk', { fault: 'down' });
    const first = await exportOf(`email=${EMAIL}`);
    expect(first.code).toBe(2);
    expect(first.out).toContain('Run the same command again');
    expect(first.err).toMatch(/not answered: x \(SOURCE_UNAVAILABLE\): .*xProfile/);
    expect(existsSync(file)).toBe(false);
    expect(statSync(`${file}.part`).mode & 0o777).toBe(0o600);
    const part = read(`${file}.part`);
    expect(at(part, 'complete')).toBe(false);
    expect(
      listAt(part, 'notAnswered')
        .map((item) => at(item, 'source'))
        .sort(),
    ).toEqual(['kvk', 'x']);
    expect(listAt(part, 'data', 'orders', 'nodes')).not.toHaveLength(0);

    await control.heal();
    const before = calls();
    const second = await exportOf(`email=${EMAIL}`);
    expect(second.code).toBe(0);
    const after = calls();
    expect(second.err.match(/^\d+\/\d+ \w+$/gm)).toEqual(['1/2 company', '2/2 xProfile']);
    // These systems do not affect identity. A call to them would have been for a part that is already complete.
    for (const name of ['clickstream', 'buienradar'] as const) expect(after[name]).toBe(before[name]);
    expect(after['x']).toBeGreaterThan(before['x'] ?? 0);
    expect(at(read(file), 'complete')).toBe(true);
    expect(at(read(file), 'data', 'xProfile')).not.toBeNull();
    expect(at(read(file), 'data', 'orders')).toEqual(at(part, 'data', 'orders'));
  });

  test('requests everything again when a recovered system reports unknown records', async () => {
    await control.set('crm-hubspot', { fault: 'down' });
    expect((await exportOf(`email=${EMAIL}`)).code).toBe(2);
    await control.heal();
    const { code, err } = await exportOf(`email=${EMAIL}`);
    expect(code).toBe(0);
    expect(err).toMatch(/^1\/(\d{2}) .*\n(.*\n)*\1\/\1 /);
    expect(at(read(file), 'data', 'deals')).not.toEqual([]);
  });

  test('refuses to continue with another customer, and never overwrites data', async () => {
    await control.set('x', { fault: 'down' });
    await exportOf(`email=${EMAIL}`);
    const other = await exportOf('email=customer-7@example.nl');
    expect(other.code).toBe(2);
    expect(other.err).toContain('belongs to another customer');
    await control.heal();
    expect((await exportOf(`email=${EMAIL}`)).code).toBe(0);
    expect((await exportOf(`email=${EMAIL}`)).err).toContain('exists already');
  });

  test('reports that the customer is unknown or ambiguous, and writes nothing', async () => {
    const nobody = await exportOf('email=nobody@example.nl');
    expect(nobody.code).toBe(1);
    expect(nobody.err).toContain('No system knows this customer.');
    const several = await exportOf('email=shared@example.nl');
    expect(several.code).toBe(2);
    expect(several.err).toContain('AMBIGUOUS_IDENTITY');
    expect(existsSync(file) || existsSync(`${file}.part`)).toBe(false);
  });

  test('writes no personal data outside the file, also with authentication and audit', async () => {
    const auditFile = join(folder, 'audit.jsonl');
    const { code, out, err } = await exportInProcess(
      'email=-',
      { ...CALLER_SETTINGS, LOG_LEVEL: 'debug', AUDIT_FILE: auditFile },
      `${EMAIL}\n`,
    );
    expect(code).toBe(0);
    expect(at(read(file), 'notAnswered')).toEqual([]);
    const audit = readFileSync(`${auditFile}.command-line`, 'utf8');
    expect(audit).toContain('"caller":"command line"');
    // The export does not write to the audit log of the running gateway.
    expect(existsSync(auditFile)).toBe(false);
    const data = at(read(file), 'data');
    const personal = [EMAIL, at(data, 'name'), at(data, 'primaryPhone')] as string[];
    for (const value of personal) expect(out + err + audit).not.toContain(value);
  });
});
