import { z } from 'zod';
import { urlSetting } from '../../src/settings.js';
import { soap, type SoapClient } from '../../src/connectors/soap/client.js';
import { describeContract } from './contract.js';

const checkVat = z.object({ valid: z.boolean(), name: z.string(), vatNumber: z.string() });
const known = '858100009B14';

describeContract<SoapClient>({
  connector: soap({
    baseUrl: urlSetting('VIES_URL', 'https://example.nl'),
    path: '/checkVatService',
    wsdl: new URL('../../sources/vies/wsdl/check-vat.wsdl', import.meta.url),
    faults: { INVALID_INPUT: 'nothing' },
    ping: { operation: 'checkVat', input: { countryCode: '', vatNumber: '' } },
  }),
  source: 'vies',
  wrongCredentials: null,
  call: (client) => client.call(checkVat, 'checkVat', { countryCode: 'NL', vatNumber: known }),
  callForMismatch: (client) =>
    client.call(z.object({ vatNumber: z.number() }), 'checkVat', { countryCode: 'NL', vatNumber: known }),
  mismatch: { place: 'vatNumber', value: known },
  find: async (client, key) => {
    const found = await client.call(checkVat, 'checkVat', { countryCode: 'NL', vatNumber: key });
    return found?.valid === true ? found : null;
  },
  knownKey: known,
  nothing: null,
  codes: {
    down: 'SOURCE_UNAVAILABLE',
    status: 'SOURCE_UNAVAILABLE',
    garbage: 'SOURCE_CONTRACT',
    reset: 'SOURCE_UNAVAILABLE',
    'rate-limit': 'SOURCE_RATE_LIMITED',
    hang: 'SOURCE_TIMEOUT',
    drip: 'SOURCE_TIMEOUT',
  },
  retryAfter: 2,
  maxConnections: 64,
});
