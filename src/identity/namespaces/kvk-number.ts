import type { Namespace } from '../declaration.js';
import { isOneDigit, MADE_UP_DIGITS } from './blocked.js';

/** How the eight digits may be set apart. One dot alone is refused: it is a decimal point, and `7322969.0` has lost a digit. */
const FORMS = [
  /^\d{8}$/,
  /^\d{4}[ \u00a0\u202f]\d{4}$/,
  /^\d{2}([ \u00a0\u202f.])\d{2}\1\d{2}\1\d{2}$/,
  /^\d{2}([ \u00a0\u202f.])\d{3}\1\d{3}$/,
];

/**
 * Seven digits are refused, though a spreadsheet may have eaten a zero: the number has no check digit, so another digit may
 * be the one that is missing, and the number would be another company's. A source that knows its column to be numeric
 * puts the zeros back in its mapping.
 */
export const kvkNumber: Namespace = {
  name: 'kvkNumber',
  shownBy: 'Customer.company',
  description:
    'Number in the Dutch trade register (KvK): eight digits, leading zeros included. Blanks or dots may set them apart as in 68 75 01 10, 68.750.110 or 6875 0110.',
  normalise: (value) => (FORMS.some((form) => form.test(value)) ? value.replace(/\D/g, '') : null),
  refusal: (value) => (isOneDigit(value) || value === '12345678' ? MADE_UP_DIGITS : undefined),
  perCustomer: 'one',
};
