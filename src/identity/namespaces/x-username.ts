import type { Namespace } from '../declaration.js';

/** Pages of the site itself, which look like a profile in a link. */
const PAGES = new Set([
  'compose',
  'explore',
  'hashtag',
  'home',
  'i',
  'intent',
  'login',
  'messages',
  'notifications',
  'search',
  'settings',
  'share',
]);

/** A name can be given up and taken by somebody else, so it is worth what its source says of it. */
export const xUsername: Namespace = {
  name: 'xUsername',
  shownBy: 'Customer.xProfile',
  description: 'Username on X, with or without @, or the link to the profile. Case does not matter.',
  normalise: (value) => {
    const name = value
      .replace(/^(https?:\/\/)?(www\.|mobile\.)?(x|twitter)\.com\/([^/?#]+)\/?([?#].*)?$/i, '$4')
      .replace(/^@/, '')
      .toLowerCase();
    return /^[a-z\d_]{1,15}$/.test(name) && !PAGES.has(name) ? name : null;
  },
};
