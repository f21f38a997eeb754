import { expect, it } from 'vitest';
import { toVatCheck } from '../../sources/vies/mapping.js';
import { checkVatResponse } from '../../sources/vies/wire.js';

const fetchedAt = new Date('2026-10-01T10:00:00Z');

it.each<[object, object]>([
  [
    { valid: true, name: 'Bakker B.V.', address: '\nKerkstraat 3 \n 1234 AB  EDE\n' },
    { isValid: true, name: 'Bakker B.V.', address: 'Kerkstraat 3\n1234 AB  EDE' },
  ],
  [
    { valid: true, name: '---', address: '-' },
    { isValid: true, name: null, address: null },
  ],
  [
    { valid: true, name: 'A-B', address: '' },
    { isValid: true, name: 'A-B', address: null },
  ],
  [{ valid: true }, { isValid: true, name: null, address: null }],
  [
    { valid: false, name: 'Bakker B.V.', address: 'Kerkstraat 3' },
    { isValid: false, name: null, address: null },
  ],
])('the answer %j of VIES means %j', (answer, expected) => {
  const wire = checkVatResponse.parse({ countryCode: 'NL', vatNumber: '1', ...answer });
  expect(toVatCheck('NL1', wire, fetchedAt)).toEqual({
    ...{ kvkNumber: null, vatNumber: 'NL1', checkedAt: '2026-10-01T10:00:00.000Z', ...expected },
  });
});
