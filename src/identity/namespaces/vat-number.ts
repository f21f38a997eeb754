import type { Namespace } from '../declaration.js';
import { VAT_RULES } from './vat-rules.js';

/** Without its country a number could be another country's, so it is refused; a source that knows the country adds it. */
export const vatNumber: Namespace = {
  name: 'vatNumber',
  shownBy: 'Customer.company',
  description:
    'VAT number in the EU or Northern Ireland, beginning with its country, such as NL123456782B01.',
  normalise: (value) => {
    const compact = value
      .toUpperCase()
      .replace(/[\s.\p{Pd}]/gu, '')
      .replace(/^GR/, 'EL')
      // How Belgium wrote it until 2005.
      .replace(/^BE(?=\d{9}$)/, 'BE0');
    const rule = VAT_RULES.get(compact.slice(0, 2));
    const number = compact.slice(2);
    if (rule?.pattern.test(number) !== true || rule.isValid?.(number) === false) return null;
    return isFilledIn(number) ? null : compact;
  },
  perCustomer: 'one',
};

/** Zeros pass most check digits: LU00000000, NL000000000B01. */
function isFilledIn(number: string): boolean {
  return /(\d)\1{7}|^(\d)\2+$/.test(number);
}
