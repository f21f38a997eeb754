import { oneRow, readDeclaredCalls } from '../../src/index.js';
import { toVatCheck } from './mapping.js';
import { checkVatResponse } from './wire.js';

const toCheck = oneRow(checkVatResponse, (answer) =>
  toVatCheck(`${answer.countryCode}${answer.vatNumber.toUpperCase()}`, answer, new Date()),
);

export const {
  source,
  loaders: { vatChecks, companiesByVatNumber },
} = readDeclaredCalls('soap', import.meta.dirname, { vatChecks: toCheck, companiesByVatNumber: toCheck });
