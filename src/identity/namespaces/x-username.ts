import type { Namespace } from '../declaration.js';

/** Pages of the site itself, whose links have the form of a profile link. */
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

/** The link to a profile. Apps add a query to it when they share it. */
const LINK = /^(?:https?:\/\/)?(?:www\.|mobile\.)?(?:x|twitter)\.com\/@?(\w{1,15})\/?(?:\?[^#]*)?$/i;

/** A user can give up a name and another can take it, so it counts only as its source declares. */
export const xUsername: Namespace = {
  name: 'xUsername',
  shownBy: 'Customer.xProfile',
  description:
    'Username on X, with or without @, or the link to the profile. Case and the query of the link do not matter.',
  normalise: (value) => {
    const name = (LINK.exec(value)?.[1] ?? /^@?(\w{1,15})$/.exec(value)?.[1])?.toLowerCase();
    return name === undefined || PAGES.has(name) ? null : name;
  },
};
