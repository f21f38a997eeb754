import { defineSource, soap, urlSetting } from '../../src/index.js';
import { viesCompanies } from './companies.js';
import { companiesByVatNumber, vatChecks } from './loaders.js';
import { resolvers } from './resolvers.js';

export const vies = defineSource({
  name: 'vies',
  connector: soap({
    baseUrl: urlSetting('VIES_URL', 'https://ec.europa.eu/taxation_customs/vies/services'),
    path: '/checkVatService',
    wsdl: new URL('./wsdl/check-vat.wsdl', import.meta.url),
    faults: {
      INVALID_INPUT: 'nothing',
      SERVICE_UNAVAILABLE: 'unavailable',
      // Of the member state alone: others are asked on.
      MS_UNAVAILABLE: 'key-unavailable',
      // Of the member state too, after VIES has waited for it. Another try may be luckier.
      TIMEOUT: 'key-unavailable',
      SERVER_BUSY: 'rate-limited',
      GLOBAL_MAX_CONCURRENT_REQ: 'rate-limited',
      GLOBAL_MAX_CONCURRENT_REQ_TIME: 'rate-limited',
      MS_MAX_CONCURRENT_REQ: 'key-rate-limited',
      MS_MAX_CONCURRENT_REQ_TIME: 'key-rate-limited',
      IP_BLOCKED: 'forbidden',
      VAT_BLOCKED: 'not-understood',
    },
    // It refuses this itself, without asking a member state.
    ping: { operation: 'checkVat', input: { countryCode: '', vatNumber: '' } },
  }),
  freshness: { maxAge: '1 day', staleIfError: '7 days', notFoundMaxAge: '1 hour' },
  // How much is too much VIES does not tell: it is counted over everybody who asks, for each member state and for all. The
  // largest answer is a name and an address.
  limits: { timeout: '1500 ms', concurrency: 5, maxAnswerBytes: 64 * 1024 },
  companies: viesCompanies,
  loaders: [vatChecks, companiesByVatNumber],
  resolvers,
});
