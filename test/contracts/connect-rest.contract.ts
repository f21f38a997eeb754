import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { relatedListsOf, sampleListOf } from '../../src/connect/rest/lists.js';
import { findPeople } from '../../src/connect/rest/people.js';
import { readDescription } from '../../src/connect/rest/description.js';
import { contractFile } from './openapi.js';

test.each([
  [
    'magento',
    'admin-rest-2.4.8.openapi.yaml',
    /^GET \/V1\/customers\/search\?.*=email&.*=\{keys\|csv\}&.*=in$/,
    '/V1/customers/search',
    'orders',
  ],
  ['xero', 'accounting.openapi.yaml', /^GET \/Contacts\?IDs=\{keys\|csv\}$/, '/Contacts', 'invoices'],
  [
    'zendesk',
    'support.openapi.yaml',
    /^GET \/api\/v2\/users\/show_many\?ids=\{keys\|csv\}$/,
    '/api/v2/users',
    undefined,
  ],
  ['x', 'openapi.json', /^GET \/2\/users\?ids=\{keys\|csv\}$/, undefined, undefined],
] as const)('connect finds the best call of %s', (folder, file, name, list, related) => {
  const description = readDescription(readFileSync(contractFile(folder, file), 'utf8'));
  const [best] = findPeople(description).ways;
  if (best === undefined) throw new Error('There is no way.');
  expect(best.name).toMatch(name);
  if (list !== undefined) expect(sampleListOf(description, best)?.request.path).toBe(list);
  const lists = relatedListsOf(description, best).map(({ call }) => call);
  if (related !== undefined) expect(lists).toContain(related);
});
