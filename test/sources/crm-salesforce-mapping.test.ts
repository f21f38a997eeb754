import { expect, it } from 'vitest';
import { phoneSpellings } from '../../sources/crm-salesforce/mapping.js';

it.each([
  ['a mobile number', '+31612345678', ['06-12345678', '06 12345678', '+31 6 12345678', '0612345678']],
  ['a number in a city', '+31201234567', ['020-1234567', '020 1234567', '+31 20 1234567', '0201234567']],
  ['a number in a village', '+31222123456', ['0222-123456', '0222 123456', '+31 222 123456', '0222123456']],
  ['a number abroad', '+3221234567', ['+3221234567', '003221234567']],
])('a search by phone finds %s in the ways it is written', (_, phone, spellings) => {
  expect(phoneSpellings(phone)).toEqual(expect.arrayContaining([phone, ...spellings]));
});
