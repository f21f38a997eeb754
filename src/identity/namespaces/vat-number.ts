import type { Namespace } from '../declaration.js';
import { MADE_UP_DIGITS } from './blocked.js';
import { VAT_RULES } from './vat-rules.js';

/** The country code, then groups of letters and digits, separated by a single blank, dot or dash. */
const FORM = /^[A-Z]{2}(?:[ \u00a0\u202f.\p{Pd}]?[A-Z\d+*])+$/iu;
const SEPARATOR = /[ \u00a0\u202f.\p{Pd}]/gu;

/**
 * A single dot between digits is a decimal point. A last group of one digit is accepted only after a dash. Otherwise
 * `BG103873594.0` would become another company's number.
 */
const NUMBER_WITH_REST = /^[^.]*\d\.\d[^.]*$|\d[ \u00a0\u202f.]\d$/;

/** A number without country code is refused, because it is ambiguous. A source that knows the country adds the code. */
export const vatNumber: Namespace = {
  name: 'vatNumber',
  shownBy: 'Customer.company',
  description:
    'VAT number in the EU or Northern Ireland with its country code, such as NL123456782B01. Single blanks, dots or dashes may separate its parts; case does not matter.',
  normalise: (value) => {
    // ASCII letters only: some other letters have a two-letter upper case, which could form a country code.
    if (!FORM.test(value) || /[^ -~\u00a0\u202f\p{Pd}]/u.test(value) || NUMBER_WITH_REST.test(value))
      return null;
    const compact = value
      .replace(SEPARATOR, '')
      .toUpperCase()
      .replace(/^GR/, 'EL')
      // Belgium used nine digits until 2005.
      .replace(/^BE(?=\d{9}$)/, 'BE0');
    const rule = VAT_RULES.get(compact.slice(0, 2));
    const number = compact.slice(2);
    return rule?.pattern.test(number) === true && rule.isValid?.(number) !== false ? compact : null;
  },
  // Repeated digits pass most check digits: LU00000000, NL000000000B01.
  refusal: (value) => (/(\d)\1{7}|^..(\d)\2+$/.test(value) ? MADE_UP_DIGITS : undefined),
  perCustomer: 'one',
};
