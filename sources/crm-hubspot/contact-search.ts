import { defineLoader, MAX_SEARCH_RECORDS } from '../../src/index.js';
import type { CustomerSearch, RestClient, SearchDeclaration } from '../../src/index.js';
import { CONTACT_PROPERTIES, toContact, type ContactRecord } from './mapping.js';
import { OBJECTS_API, searchPage } from './wire.js';

const containsToken = (propertyName: string, value: string) => ({
  propertyName,
  operator: 'CONTAINS_TOKEN',
  value,
});

/** The groups of filters are alternatives. Only one word of the name is searched, because six groups are the most. */
function filterGroupsOf({ name, email }: CustomerSearch): object[] {
  // An asterisk would stand for any characters.
  const plain = (text: string): string => text.replaceAll('*', '');
  const byEmail = email === undefined ? [] : [containsToken('email', `*${plain(email)}*`)];
  if (name === undefined) return [{ filters: byEmail }];
  const [longest = ''] = plain(name)
    .split(' ')
    .toSorted((a, b) => b.length - a.length);
  return ['firstname', 'lastname'].map((property) => ({
    filters: [containsToken(property, `${longest}*`), ...byEmail],
  }));
}

/** The search of contacts: https://developers.hubspot.com/docs/api-reference/search/guide */
export const contactSearch: SearchDeclaration<RestClient, ContactRecord> = {
  by: ['name', 'email'],
  loader: defineLoader({
    name: 'contactsBySearch',
    load: (searches, hubspot) =>
      Promise.all(
        searches.map(async (search) => {
          const { results } = await hubspot.post(searchPage, `${OBJECTS_API}/contacts/search`, {
            filterGroups: filterGroupsOf(search),
            properties: CONTACT_PROPERTIES,
            limit: MAX_SEARCH_RECORDS,
          });
          return results.map(toContact);
        }),
      ),
  }),
};
