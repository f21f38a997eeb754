import { expect, it } from 'vitest';
import { tableCallKeys } from '../../src/recordings/recorded-rows.js';

it.each([
  [['anna', 'bert  ', null], ['anna']],
  [
    ['anna  ', 'bert  '],
    ['anna  ', 'bert  '],
  ],
])('the keys in the column %j are %j', (values, keys) => {
  const table = {
    columns: [],
    primaryKey: [],
    indexes: [],
    foreignKeys: [],
    rows: values.map((login) => ({ login })),
  };
  const call = { from: 'reader', by: 'login' };
  const recorded = { call, answers: {} };
  expect(tableCallKeys(call, recorded as never, { reader: table })).toEqual(keys);
});
