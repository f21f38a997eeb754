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
      // Concerns one member state: numbers of other member states are still checked.
      MS_UNAVAILABLE: 'key-unavailable',
      // The member state did not answer VIES in time. A retry may succeed.
      TIMEOUT: 'key-unavailable',
      SERVER_BUSY: 'rate-limited',
      GLOBAL_MAX_CONCURRENT_REQ: 'rate-limited',
      GLOBAL_MAX_CONCURRENT_REQ_TIME: 'rate-limited',
      MS_MAX_CONCURRENT_REQ: 'key-rate-limited',
      MS_MAX_CONCURRENT_REQ_TIME: 'key-rate-limited',
      IP_BLOCKED: 'forbidden',
      VAT_BLOCKED: 'not-understood',
    },
    // VIES itself refuses this input, without a call of a member state.
    ping: { operation: 'checkVat', input: { countryCode: '', vatNumber: '' } },
  }),
  freshness: { maxAge: '1 day', staleIfError: '7 days', notFoundMaxAge: '1 hour' },
  // VIES does not publish its limits. It counts the requests of all its users, for each member state and in total. The largest
  // answer is a name and an address.
  limits: { timeout: '1500 ms', concurrency: 5, maxAnswerBytes: 64 * 1024 },
  companies: viesCompanies,
  loaders: [vatChecks, companiesByVatNumber],
  resolvers,
});
