import { defineLoader, MAX_SEARCH_RECORDS } from '../../src/index.js';
import type { CustomerSearch, SearchDeclaration } from '../../src/index.js';
import type { SalesforceClient } from './client.js';
import { contactFields } from './loaders.js';
import { phoneSpellings, toContact, type ContactRecord } from './mapping.js';
import { canBeFound, runQueries, soqlText } from './soql.js';
import { contactWith } from './wire.js';

/** The condition of a SOQL query. Undefined if no contact can match. */
function conditionOf({ name, email, phone }: CustomerSearch): string | undefined {
  const parts = [
    ...(name?.split(' ') ?? []).map((word) => ['Name', word]),
    ...(email === undefined ? [] : [['Email', email]]),
  ];
  if (!parts.every(([, part = '']) => canBeFound(part))) return undefined;
  const conditions = parts.map(([field = '', part = '']) => `${field} LIKE ${containing(part)}`);
  if (phone !== undefined) {
    const list = phoneSpellings(phone).map(soqlText).join(',');
    conditions.push(`(MobilePhone IN (${list}) OR Phone IN (${list}) OR HomePhone IN (${list}))`);
  }
  return conditions.join(' AND ');
}

/** A SOQL pattern of a text that contains a part. `%` and `_` stand for any characters, unless a backslash is before them. */
function containing(part: string): string {
  return `'%${soqlText(part).slice(1, -1).replaceAll(/[%_]/g, '\\$&')}%'`;
}

export const contactSearch: SearchDeclaration<SalesforceClient, ContactRecord> = {
  by: ['name', 'email', 'phone'],
  loader: defineLoader({
    name: 'contactsBySearch',
    load: (searches, salesforce) => {
      const { org } = salesforce;
      const select = `SELECT ${contactFields(org).join(', ')} FROM Contact WHERE `;
      const chunks = searches.flatMap((search) => {
        const condition = conditionOf(search);
        const soql = `${select}${condition ?? ''} ORDER BY LastModifiedDate DESC LIMIT ${MAX_SEARCH_RECORDS}`;
        return condition === undefined ? [] : [{ keys: [search], soql }];
      });
      return Promise.all(
        runQueries(salesforce, contactWith(org.customerNumberField), {
          keys: searches,
          chunks,
          read: (_, contacts) => [contacts.map(toContact)],
          nothing: [],
        }),
      );
    },
  }),
};
