import {
  Metadata,
  parsePhoneNumberFromString,
  type CountryCode,
  type PhoneNumber,
} from 'libphonenumber-js/min';
import type { Namespace } from '../declaration.js';
import { MADE_UP_DIGITS } from './blocked.js';

/** Digits in plain, full-width and Arabic characters: of each, the last four bits are its value. */
const DIGITS = '0-9\\uff10-\\uff19\\u0660-\\u0669\\u06f0-\\u06f9';
const NO_DIGITS = new RegExp(`[^${DIGITS}]`, 'g');
/** Blanks, dots, dashes, slashes and round brackets may set digits apart; a plus stands before the first. */
const FORM = new RegExp(`^\\(?[+\\uff0b]?[${DIGITS}\\s.\\p{Pd}/()]*[${DIGITS}]$`, 'u');
/** Two marks in a row, a single digit after a dot, or one dot with two digits behind: a decimal number, or more than one number. */
const NO_NUMBER = new RegExp(
  `[.\\p{Pd}/][\\s()]*[.\\p{Pd}/]|\\.[${DIGITS}]$|^[^.]*\\.[${DIGITS}]{1,2}$`,
  'u',
);

/** E.164, so that 06-12345678, 0031612345678 and +31 6 1234 5678 are one. */
export function phone(defaultRegion: string): Namespace {
  const region = defaultRegion as CountryCode;
  const abroad = internationalPrefix(region);
  return {
    name: 'phone',
    shownBy: 'Customer.phones',
    description: `Phone number in any usual way of writing; without country code it is one of ${defaultRegion}. One with an extension is refused.`,
    normalise: (value) => {
      if (!FORM.test(value) || NO_NUMBER.test(value)) return null;
      // A number, not a text with a number somewhere in it: that could be anybody's.
      const number = parsePhoneNumberFromString(value, { defaultCountry: region, extract: false });
      if (number?.isValid() !== true || !hasAllDigits(value, number, abroad)) return null;
      return number.number;
    },
    refusal: (value) => (isFilledIn(value) ? MADE_UP_DIGITS : undefined),
    mask: (value) => `***${value.slice(-4)}`,
  };
}

function internationalPrefix(region: CountryCode): RegExp {
  const plans = new Metadata();
  plans.selectNumberingPlan(region);
  return new RegExp(`^(?:${plans.numberingPlan?.IDDPrefix() ?? '00'})`);
}

/**
 * Whether the national number ends the digits of the text, after no more than the prefix for calls abroad, the country code and
 * the trunk prefix. The library drops the code of a carrier too, and rewrites numbers of some countries.
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

/** 06-00000000, 0123456789: valid, but typed to get past a form. 06-12345678 is left alone: it can be somebody's. */
function isFilledIn(number: string): boolean {
  return /(\d)\1{6}$|123456789$|987654321$/.test(number);
}
