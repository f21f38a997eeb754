import { expect, it } from 'vitest';
import { keyLookup } from '../../../src/connect/tables/key-lookup.js';
import { plannedKeys } from '../../../src/connect/tables/table-plan.js';
import type { Column, Table } from '../../../src/connect/tables/table.js';

const column = (name: string): Column => ({
  ...{ name, type: 'text', isNullable: true, ignoresCase: false },
  value: { scalar: 'String', isList: false, keys: 'text' },
});
const table: Table = {
  ...{ name: 'reader', schema: 'public', plainName: 'reader', isView: false, base: 'public.reader' },
  columns: ['reader_no', 'email', 'iban', 'bank_account_no'].map(column),
  ...{ primaryKey: ['reader_no'], indexes: [], foreignKeys: [], leftOut: [] },
};
const email = plannedKeys(table).find(({ kind }) => kind === 'email');

it.each([
  [1, true],
  [3, false],
])('uses a column as a key if %i of 10 values have blanks around them: %s', (padded, isKey) => {
  if (email === undefined) throw new Error('There is a column of addresses.');
  const rows = Array.from({ length: 10 }, (_, i) => ({
    email: `reader-${i}@example.com${i < padded ? '  ' : ''}`,
  }));
  const { lookup, findings } = keyLookup(email, { table, rows, isLarge: false, hasIndexes: true });
  expect(lookup !== undefined).toBe(isKey);
  expect(lookup === undefined || String(lookup.known) === String(lookup.known).trim()).toBe(true);
  const warnings = findings.filter(({ isWarning }) => isWarning === true).map(({ text }) => text);
  expect(warnings.join('\n')).toContain('blanks around them');
  expect(warnings.join('\n')).not.toContain('@');
});

it('does not plan a bank account as a key, because a household shares it', () => {
  expect(plannedKeys(table).map((key) => key.column.name)).toEqual(['reader_no', 'email']);
});
