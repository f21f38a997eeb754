import type { Namespace } from '../declaration.js';
import { isOneDigit } from './blocked.js';

/**
 * Seven digits are refused, though a spreadsheet may have eaten a zero: the number has no check digit, so another digit may
 * be the one that is missing, and the number would be another company's. A source that knows its column to be numeric
 * puts the zeros back in its mapping.
 */
export const kvkNumber: Namespace = {
  name: 'kvkNumber',
  shownBy: 'Customer.company',
  description: 'Number in the Dutch trade register (KvK): eight digits, leading zeros included.',
  normalise: (value) => {
    const number = value.replace(/[\s.]/g, '');
    return /^\d{8}$/.test(number) && !isOneDigit(number) && number !== '12345678' ? number : null;
  },
  perCustomer: 'one',
};
