import type { Namespace } from '../declaration.js';
import { MADE_UP_DIGITS } from './blocked.js';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Who was at the screen is unknown: a device is shared by a household, so a visitor never leads to another system. */
export const visitorId: Namespace = {
  name: 'visitorId',
  shownBy: 'Customer.devices',
  description: 'Anonymous id of a browser or device in the click log. Case matters, except in a UUID.',
  normalise: (value) => {
    if (UUID.test(value)) return value.toLowerCase();
    return /^[!-~]{1,200}$/.test(value) ? value : null;
  },
  // What devices send whose owner refuses to be followed: zeros.
  refusal: (value) =>
    UUID.test(value) && /^(.)\1+$/.test(value.replaceAll('-', '')) ? MADE_UP_DIGITS : undefined,
  mayLink: () => false,
};
