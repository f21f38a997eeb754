import { apiKey, caSetting, defineSource, rest, secretSetting, urlSetting } from '../../src/index.js';
import { registered } from './companies.js';
import { branchDetails, branchesOfCompanies, companiesByNameAndPlace, registrations } from './loaders.js';
import { resolvers } from './resolvers.js';
import { readErrorKind } from './wire.js';

export const kvk = defineSource({
  name: 'kvk',
  connector: rest({
    baseUrl: urlSetting('KVK_URL', 'https://api.kvk.nl/api'),
    auth: apiKey('apikey', secretSetting('KVK_API_KEY')),
    // The KvK's API files name the private CA of the Dutch state, which Node.js does not trust by default.
    ca: caSetting('KVK_CA'),
    // The only content type of the published Vestigingsprofiel.
    accept: 'application/hal+json',
    pingPath: '/v2/zoeken?plaats=Utrecht&resultatenPerPagina=1',
    // Each call counts for the quota. Four an hour are about one percent of it.
    pingHolds: '15 minutes',
    readErrorKind,
  }),
  freshness: {
    maxAge: '1 day',
    staleWhileRevalidate: '7 days',
    staleIfError: '7 days',
    notFoundMaxAge: '1 hour',
  },
  limits: {
    timeout: '1500 ms',
    concurrency: 10,
    // At most 100 a second, and 300,000 a month: https://developers.kvk.nl/nl/support/faq
    rate: { calls: 50, per: '1 s', burst: 50 },
    quota: { calls: 300_000, per: 'month' },
  },
  companies: registered,
  loaders: [registrations, branchesOfCompanies, branchDetails, companiesByNameAndPlace],
  resolvers,
});
