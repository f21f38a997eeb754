import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { openExportFile, type ExportDocument } from '../../src/privacy/export-document.js';

let path: string;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-export-'));
  path = join(folder, 'customer.json');
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
});

const EMPTY: ExportDocument = {
  format: 'stekkerdoos export 2',
  exportedAt: '',
  customerId: null,
  by: 'digest',
  complete: false,
  notAnswered: [],
  notExported: [],
  sources: {},
  data: {},
  sections: {},
  identifiers: [],
};
const FULL: ExportDocument = {
  ...EMPTY,
  exportedAt: '2026-12-01T09:00:00.000Z',
  customerId: 'customer-1',
  notAnswered: [{ source: null, code: 'TIMEOUT', fields: ['orders'] }],
  notExported: [{ field: 'orders.customer', reason: 'it leads back to Customer' }],
  sources: { shop: { status: 'live', asOf: '2026-12-01T08:59:00.000Z' } },
  data: { name: 'Jürgen "Ü" €' },
  sections: {
    name: {
      fetchedAt: '2026-12-01T09:00:00.000Z',
      sources: { shop: { status: 'live', asOf: '2026-12-01T08:59:00.000Z' } },
      failures: [{ source: 'crm', code: 'SOURCE_TIMEOUT', isFinal: false }],
      truncatedLists: [{ field: 'orders', maxItems: 20 }],
    },
  },
  identifiers: ['digest', 'digest-2'],
};

test('a new export is empty and incomplete', () => {
  expect(openExportFile(path, 'digest').begun).toEqual(EMPTY);
  expect(existsSync(path)).toBe(false);
});

test('an export continues from its saved state, and the file gets its final name at the end', () => {
  const file = openExportFile(path, 'digest');
  file.save(EMPTY);
  file.save(FULL);
  expect(file.part).toBe(`${path}.part`);
  expect(statSync(file.part).mode & 0o777).toBe(0o600);
  expect(existsSync(`${file.part}.new`)).toBe(false);
  const again = openExportFile(path, 'digest');
  expect(again.begun).toEqual(FULL);
  expect(existsSync(path)).toBe(false);
  again.finish();
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(FULL);
  expect(readFileSync(path, 'utf8').endsWith('}\n')).toBe(true);
  expect(existsSync(file.part)).toBe(false);
});

test('an existing file is not overwritten', () => {
  writeFileSync(path, 'mine');
  expect(() => openExportFile(path, 'digest')).toThrow('exists already');
  expect(readFileSync(path, 'utf8')).toBe('mine');
});

test('an export of another customer is not continued', () => {
  openExportFile(path, 'digest').save(FULL);
  expect(() => openExportFile(path, 'other')).toThrow('belongs to another customer');
  expect(JSON.parse(readFileSync(`${path}.part`, 'utf8'))).toEqual(FULL);
});

test.each<[string, string]>([
  ['no JSON', '{"format":'],
  ['of another format', JSON.stringify({ ...FULL, format: 'stekkerdoos export 1' })],
  ...Object.keys(EMPTY).map((member): [string, string] => [
    `without its ${member}`,
    JSON.stringify({ ...FULL, [member]: undefined }),
  ]),
  ...Object.keys(FULL.sections['name'] ?? {}).map((member): [string, string] => [
    `without ${member} of a section`,
    JSON.stringify({ ...FULL, sections: { name: { ...FULL.sections['name'], [member]: undefined } } }),
  ]),
])('an unfinished export that is %s is reported, and not continued', (_, content) => {
  writeFileSync(`${path}.part`, content);
  expect(() => openExportFile(path, 'digest')).toThrow(`${path}.part is not an unfinished export`);
});
