import type { Namespace } from '../declaration.js';
import { isOneDigit, MADE_UP_DIGITS } from './blocked.js';

/** Accepted separators between the eight digits. A single dot is refused: `7322969.0` is a decimal that lost a digit. */
const FORMS = [
  /^\d{8}$/,
  /^\d{4}[ \u00a0\u202f]\d{4}$/,
  /^\d{2}([ \u00a0\u202f.])\d{2}\1\d{2}\1\d{2}$/,
  /^\d{2}([ \u00a0\u202f.])\d{3}\1\d{3}$/,
];

/**
 * Seven digits are refused, although a spreadsheet may have dropped a leading zero. The number has no check digit, so any
 * digit may be missing, and the result could be another company's number. A source with a numeric column restores the
 * zeros in its mapping.
 */
export const kvkNumber: Namespace = {
  name: 'kvkNumber',
  shownBy: 'Customer.company',
  description:
    'Number in the Dutch trade register (KvK): eight digits, leading zeros included. Blanks or dots may separate groups, as in 68 75 01 10, 68.750.110 or 6875 0110.',
  normalise: (value) => (FORMS.some((form) => form.test(value)) ? value.replace(/\D/g, '') : null),
  refusal: (value) => (isOneDigit(value) || value === '12345678' ? MADE_UP_DIGITS : undefined),
  perCustomer: 'one',
};
