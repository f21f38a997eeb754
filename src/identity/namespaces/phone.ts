import { parsePhoneNumberFromString, type CountryCode } from 'libphonenumber-js/min';
import type { Namespace } from '../declaration.js';

/** E.164, so that 06-12345678, 0031612345678 and +31 6 1234 5678 are one. */
export function phone(defaultRegion: string): Namespace {
  return {
    name: 'phone',
    shownBy: 'Customer.phones',
    description: `Phone number in any usual way of writing; without country code it is one of ${defaultRegion}. One with an extension is refused.`,
    normalise: (value) => {
      const number = parsePhoneNumberFromString(value, {
        defaultCountry: defaultRegion as CountryCode,
        // A number, not a text with a number somewhere in it: that could be anybody's.
        extract: false,
      });
      // Without its extension, colleagues behind one switchboard would be one customer.
      if (number?.isValid() !== true || number.ext !== undefined) return null;
      return isFilledIn(number.number) ? null : number.number;
    },
    mask: (value) => `***${value.slice(-4)}`,
  };
}

/** 06-00000000, 0123456789: valid, but typed to get past a form. 06-12345678 is left alone: it can be somebody's. */
function isFilledIn(number: string): boolean {
  return /(\d)\1{6}$|123456789$|987654321$/.test(number);
}
