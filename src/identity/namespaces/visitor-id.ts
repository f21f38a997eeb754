import type { Namespace } from '../declaration.js';
import { MADE_UP_DIGITS } from './blocked.js';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** A household may share a device, so a visitor id never links to records of another system. */
export const visitorId: Namespace = {
  name: 'visitorId',
  shownBy: 'Customer.devices',
  description: 'Anonymous id of a browser or device in the click log. Case matters, except in a UUID.',
  normalise: (value) => {
    if (UUID.test(value)) return value.toLowerCase();
    return /^[!-~]{1,200}$/.test(value) ? value : null;
  },
  // A device whose owner refuses tracking sends a UUID of zeros.
  refusal: (value) =>
    UUID.test(value) && /^(.)\1+$/.test(value.replaceAll('-', '')) ? MADE_UP_DIGITS : undefined,
  mayLink: () => false,
};
