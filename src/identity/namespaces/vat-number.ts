import type { Namespace } from '../declaration.js';
import { MADE_UP_DIGITS } from './blocked.js';
import { VAT_RULES } from './vat-rules.js';

/** The country, then letters and digits in parts, with a single blank, dot or dash between two of them. */
const FORM = /^[A-Z]{2}(?:[ \u00a0\u202f.\p{Pd}]?[A-Z\d+*])+$/iu;
const SEPARATOR = /[ \u00a0\u202f.\p{Pd}]/gu;

/**
 * One dot between digits is a decimal point, and a single digit at the end that no dash sets apart is not a part of its own:
 * `BG103873594.0` would be another company's number.
 */
const NUMBER_WITH_REST = /^[^.]*\d\.\d[^.]*$|\d[ \u00a0\u202f.]\d$/;

/** Without its country a number could be another country's, so it is refused; a source that knows the country adds it. */
export const vatNumber: Namespace = {
  name: 'vatNumber',
  shownBy: 'Customer.company',
  description:
    'VAT number in the EU or Northern Ireland, beginning with its country, such as NL123456782B01. Single blanks, dots or dashes may set its parts apart; case does not matter.',
  normalise: (value) => {
    // Only plain letters: of others a capital may be two letters, and name a country.
    if (!FORM.test(value) || /[^ -~\u00a0\u202f\p{Pd}]/u.test(value) || NUMBER_WITH_REST.test(value))
      return null;
    const compact = value
      .replace(SEPARATOR, '')
      .toUpperCase()
      .replace(/^GR/, 'EL')
      // How Belgium wrote it until 2005.
      .replace(/^BE(?=\d{9}$)/, 'BE0');
    const rule = VAT_RULES.get(compact.slice(0, 2));
    const number = compact.slice(2);
    return rule?.pattern.test(number) === true && rule.isValid?.(number) !== false ? compact : null;
  },
  // Zeros pass most check digits: LU00000000, NL000000000B01.
  refusal: (value) => (/(\d)\1{7}|^..(\d)\2+$/.test(value) ? MADE_UP_DIGITS : undefined),
  perCustomer: 'one',
};
