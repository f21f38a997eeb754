import type { Namespace } from '../declaration.js';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Who was at the screen is unknown: a device is shared by a household, so a visitor never leads to another system. */
export const visitorId: Namespace = {
  name: 'visitorId',
  shownBy: 'Customer.devices',
  description: 'Anonymous id of a browser or device in the click log. Case matters, except in a UUID.',
  normalise: (value) => {
    if (!UUID.test(value)) return /^[!-~]{1,200}$/.test(value) ? value : null;
    // What devices send whose owner refuses to be followed: zeros.
    return /^(.)\1+$/.test(value.toLowerCase().replaceAll('-', '')) ? null : value.toLowerCase();
  },
  mayLink: () => false,
};
