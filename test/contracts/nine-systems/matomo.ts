import { sendJson, startServer, type SmallServer } from '../../../src/testing/small-server.js';
import * as made from '../../connect/suggest/made-up.js';
import { matomo } from '../../connect/suggest/systems/behaviour.js';
import type { NineSystem } from './nine-system.js';
import { readsOf, recordsOf } from './rows.js';

/** The reporting API of Matomo: the profile of a visitor. All methods have one address. */

const TOKEN = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
const visitorId = (i: number) => `a13b7c5a62f7${String(4_096 + i * 257)}`;
const visitors = recordsOf(matomo, 'MatomoVisitor', 12).map((visitor, i) => ({
  ...visitor,
  visitorId: visitorId(i),
  hasMoreVisits: 0,
  lastVisits: recordsOf(matomo, 'MatomoVisit', 2, (visit) => ({ idVisit: 90_000 + i * 10 + visit })),
  searches: [],
  visitedPages: [{ url: 'https://shop.example/offers', count: 3 }],
}));

function startMatomo(): Promise<SmallServer> {
  return startServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://visits');
    const refuse = (message: string) => {
      // Matomo reports errors with status 200.
      sendJson(response, { result: 'error', message });
    };
    if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      sendJson(response, { result: 'error', message: 'You must be logged in.' }, { status: 401 });
    } else if (
      pathname !== '/index.php' ||
      searchParams.get('module') !== 'API' ||
      searchParams.get('method') !== 'Live.getVisitorProfile' ||
      searchParams.get('idSite') === null
    )
      refuse('The method does not exist.');
    else {
      const found = visitors.find(({ visitorId }) => visitorId === searchParams.get('visitorId'));
      // The profile of an unknown visitor is an empty list.
      sendJson(response, found ?? []);
    }
  });
}

/**
 * The contract has answers only, so a curl command shows the call. Of the two methods, the profile of a visitor is one record of
 * a person; the log of visits has many. It is found by the id of the visitor. Several persons may use one browser, so this
 * id does not prove who the customer is.
 */
export const matomoSystem: NineSystem = {
  right: matomo,
  identity: ['found by visitorId (none)', 'yields email at userId (one)'],
  calls: { byVisitorId: {} },
  query: {
    text: `{ customer(by: { visitorId: "${visitorId(0)}" }) { matomo { totalVisits lastVisits { city } } } }`,
    data: {
      customer: {
        matomo: { totalVisits: made.counts[0], lastVisits: [{ city: 'Utrecht' }, { city: 'Zwolle' }] },
      },
    },
  },
  start: async () => {
    const server = await startMatomo();
    return {
      what: '-',
      standardInput: `curl '${server.url}/index.php?module=API&method=Live.getVisitorProfile&idSite=1&format=JSON&visitorId=${visitorId(0)}' -H 'Authorization: Bearer ${TOKEN}'`,
      settings: { MATOMO_URL: server.url, MATOMO_TOKEN: TOKEN },
      counts: () => readsOf(server),
      close: () => server.close(),
    };
  },
};
