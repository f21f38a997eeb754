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

/** The link to a profile, with or without a query, which apps add when they share it. */
const LINK = /^(?:https?:\/\/)?(?:www\.|mobile\.)?(?:x|twitter)\.com\/@?(\w{1,15})\/?(?:\?[^#]*)?$/i;

/** A name can be given up and taken by somebody else, so it is worth what its source says of it. */
export const xUsername: Namespace = {
  name: 'xUsername',
  shownBy: 'Customer.xProfile',
  description:
    'Username on X, with or without @, or the link to the profile, of which the query does not matter. Case does not matter.',
  normalise: (value) => {
    const name = (LINK.exec(value)?.[1] ?? /^@?(\w{1,15})$/.exec(value)?.[1])?.toLowerCase();
    return name === undefined || PAGES.has(name) ? null : name;
  },
};
