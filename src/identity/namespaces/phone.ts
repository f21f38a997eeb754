import {
  Metadata,
  parsePhoneNumberFromString,
  type CountryCode,
  type PhoneNumber,
} from 'libphonenumber-js/min';
import type { Namespace } from '../declaration.js';
import { MADE_UP_DIGITS } from './blocked.js';

/** ASCII, full-width and Arabic digits. The last four bits of each character code are its value. */
const DIGITS = '0-9\\uff10-\\uff19\\u0660-\\u0669\\u06f0-\\u06f9';
const NO_DIGITS = new RegExp(`[^${DIGITS}]`, 'g');
/** Blanks, dots, dashes, slashes and round brackets may separate digits. A plus is allowed before the first digit. */
const FORM = new RegExp(`^\\(?[+\\uff0b]?[${DIGITS}\\s.\\p{Pd}/()]*[${DIGITS}]$`, 'u');
/** Two marks in a row, one digit after a dot, or one dot before two digits: a decimal number or several numbers. */
const NO_NUMBER = new RegExp(
  `[.\\p{Pd}/][\\s()]*[.\\p{Pd}/]|\\.[${DIGITS}]$|^[^.]*\\.[${DIGITS}]{1,2}$`,
  'u',
);

/** Normalises to E.164, so that 06-12345678, 0031612345678 and +31 6 1234 5678 are one identifier. */
export function phone(defaultRegion: string): Namespace {
  const region = defaultRegion as CountryCode;
  const abroad = internationalPrefix(region);
  return {
    name: 'phone',
    shownBy: 'Customer.phones',
    description: `Phone number in any usual notation. Without country code, its region is ${defaultRegion}. An extension is refused.`,
    normalise: (value) => {
      if (!FORM.test(value) || NO_NUMBER.test(value)) return null;
      // The whole value must be a number: one extracted from a longer text could be another person's.
      const number = parsePhoneNumberFromString(value, { defaultCountry: region, extract: false });
      if (number?.isValid() !== true || !hasAllDigits(value, number, abroad)) return null;
      return number.number;
    },
    refusal: (value) => (isMadeUp(value) ? MADE_UP_DIGITS : undefined),
    mask: (value) => `***${value.slice(-4)}`,
  };
}

function internationalPrefix(region: CountryCode): RegExp {
  const plans = new Metadata();
  plans.selectNumberingPlan(region);
  return new RegExp(`^(?:${plans.numberingPlan?.IDDPrefix() ?? '00'})`);
}

/**
 * Whether the digits of the text are the national number, preceded only by the international prefix, the country code
 * and the trunk prefix. The library also drops carrier codes and rewrites numbers of some countries; both are refused.
 */
function hasAllDigits(
  text: string,
  number: Pick<PhoneNumber, 'nationalNumber' | 'countryCallingCode' | 'formatNational'>,
  abroad: RegExp,
): boolean {
  const digits = text.replace(NO_DIGITS, '').replace(/[^0-9]/g, (digit) => String(digit.charCodeAt(0) & 0xf));
  const national = number.nationalNumber;
  if (!digits.endsWith(national)) return false;
  const before = digits.slice(0, -national.length);
  const trunk = before.replace(abroad, '').replace(new RegExp(`^${number.countryCallingCode}`), '');
  return trunk === '' || trunk === '0' || number.formatNational().replace(/\D/g, '') === trunk + national;
}

/** Whether a number is valid but invented, such as 06-00000000 or 0123456789. 06-12345678 may be a real number. */
function isMadeUp(number: string): boolean {
  return /(\d)\1{6}$|123456789$|987654321$/.test(number);
}
