import type { Namespace } from '../declaration.js';
import { isOneDigit, MADE_UP_DIGITS } from './blocked.js';

export const facebookUserId: Namespace = {
  name: 'facebookUserId',
  shownBy: 'Customer.facebookProfile',
  description: 'Page-scoped id of a Facebook or Messenger user, for our page: a number.',
  normalise: (value) => (/^[1-9]\d{0,19}$/.test(value) ? value : null),
  refusal: (value) => (isOneDigit(value) ? MADE_UP_DIGITS : undefined),
};
