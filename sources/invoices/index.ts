import {
  anyOf,
  bearer,
  caSetting,
  defineSource,
  idNamespace,
  oauth2,
  odata,
  secretSetting,
  setting,
  urlSetting,
} from '../../src/index.js';
import { conditions } from './conditions.js';
import {
  customersByEmail,
  customersByNumber,
  customersByVatNumber,
  invoicePages,
  openTotals,
} from './loaders.js';
import { isSameCustomer } from './mapping.js';
import { resolvers } from './resolvers.js';
import { timeline } from './timeline.js';
import { webhook } from './webhook.js';

const customerNumber = idNamespace(
  'invoiceCustomerNumber',
  'The number of the account that a customer has in the invoice system (Business Central), such as D100123. Case does not matter.',
  /^[A-Za-z\d][A-Za-z\d._-]{0,19}$/,
);

export const invoices = defineSource({
  name: 'invoices',
  connector: odata({
    baseUrl: urlSetting(
      'INVOICES_URL',
      'https://api.businesscentral.dynamics.com/v2.0/<tenant>/<environment>/api/v2.0/companies(<id>)',
    ),
    auth: anyOf(
      bearer(secretSetting('INVOICES_ACCESS_TOKEN')),
      oauth2({
        tokenUrl: urlSetting(
          'INVOICES_TOKEN_URL',
          'https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token',
        ),
        clientId: setting('INVOICES_CLIENT_ID'),
        clientSecret: secretSetting('INVOICES_CLIENT_SECRET'),
        scope: 'https://api.businesscentral.dynamics.com/.default',
      }),
    ),
    ca: caSetting('INVOICES_CA'),
    pingPath: '/customers?$top=1&$select=number',
    // The schema version of Business Central 24 (2024). Without it, filters cannot have lists.
    // https://learn.microsoft.com/dynamics365/business-central/dev-itpro/webservices/use-filter-expressions-in-odata-uris
    lists: 'in',
    parameters: { $schemaversion: '2.1' },
  }),
  // Business Central allows each user 6,000 calls in five minutes. It processes five at once and queues the others:
  // https://learn.microsoft.com/dynamics365/business-central/dev-itpro/administration/operational-limits-online
  limits: { timeout: '900 ms', concurrency: 5, rate: { calls: 20, per: '1 s' } },
  namespaces: [
    // Business Central stores such numbers in capitals.
    { ...customerNumber, normalise: (value) => customerNumber.normalise(value)?.toUpperCase() ?? null },
  ],
  identity: {
    recordKey: 'invoiceCustomerNumber',
    foundBy: {
      invoiceCustomerNumber: { uniqueness: 'enforced', loader: customersByNumber },
      // Neither number is unique, because Business Central only warns about a second card with the same VAT
      // number.
      email: { uniqueness: 'usual', loader: customersByEmail },
      vatNumber: { uniqueness: 'usual', loader: customersByVatNumber },
    },
    // The phone number on a card is free text.
    yields: { email: 'one', vatNumber: 'one', phone: 'shown' },
    sameCustomer: isSameCustomer,
  },
  timeline,
  conditions,
  webhook,
  loaders: [invoicePages, openTotals],
  resolvers,
});
