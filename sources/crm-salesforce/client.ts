import { z } from 'zod';
import {
  oauth2,
  rest,
  secretSetting,
  setting,
  urlSetting,
  type Connector,
  type RestClient,
} from '../../src/index.js';
import { API, errorKindOf } from './wire.js';

/** The client, with the settings that differ between organisations. */
export interface SalesforceClient extends RestClient {
  readonly org: {
    /** The currency of amounts that have none. */
    currency: string | undefined;
    hasSeveralCurrencies: boolean;
    /** The field of a contact with the customer number of the order system. */
    customerNumberField: string | undefined;
  };
}

const SEVERAL = 'MULTIPLE';
const currency = setting(
  'CRM_SALESFORCE_CURRENCY',
  z
    .string()
    .regex(/^([A-Z]{3}|MULTIPLE)$/)
    .optional(),
  `the currency of all amounts such as EUR, or ${SEVERAL} when each has its own`,
);
const customerNumberField = setting(
  'CRM_SALESFORCE_CUSTOMER_NUMBER_FIELD',
  z
    .string()
    // Queries contain it unescaped.
    .regex(/^[A-Za-z][A-Za-z0-9_]{0,60}__c$/)
    .optional(),
  'the API name of a field of contacts such as Customer_Number__c',
);

/**
 * The share of the daily limit that is reserved for other systems of the organisation. When no more than this
 * share remains, the gateway makes only occasional calls.
 */
const SHARE_LEFT_TO_OTHERS = 0.05;
/** Time between the occasional calls. The limit counts the last 24 hours, so calls become available again at any time. */
const PAUSE_AT_LIMIT_MS = 60_000;

const url = urlSetting('CRM_SALESFORCE_URL', 'https://example.my.salesforce.com');

const overRest = rest({
  baseUrl: url,
  auth: oauth2({
    tokenUrl: url,
    tokenPath: '/services/oauth2/token',
    clientId: setting('CRM_SALESFORCE_CLIENT_ID'),
    clientSecret: secretSetting('CRM_SALESFORCE_CLIENT_SECRET'),
    refreshToken: setting(
      'CRM_SALESFORCE_REFRESH_TOKEN',
      z.string().min(1).optional(),
      'a text that is not empty',
      { secret: true },
    ),
  }),
  pingPath: `${API}/query?q=${encodeURIComponent('SELECT Id FROM Contact LIMIT 1')}`,
  readErrorKind: errorKindOf,
  // Amounts are JSON numbers of up to 18 digits.
  exactNumbers: true,
  readRateLimits: (headers) => {
    // Reads `api-usage=10018/100000`, which other values may follow.
    const [, used, limit] =
      /(?:^|[;,\s])api-usage=(\d{1,12})\/(\d{1,12})/.exec(String(headers['sforce-limit-info'] ?? '')) ?? [];
    if (used === undefined || limit === undefined) return undefined;
    const remaining = Math.max(0, Math.floor(Number(limit) * (1 - SHARE_LEFT_TO_OTHERS)) - Number(used));
    return { remaining, resetMs: PAUSE_AT_LIMIT_MS };
  },
});

export const salesforce: Connector<SalesforceClient> = {
  settings: (reader) => [...overRest.settings(reader), currency, customerNumberField],
  connect: (reader, options) => {
    const connection = overRest.connect(reader, options);
    const value = reader.read(currency);
    const org: SalesforceClient['org'] = {
      currency: value === SEVERAL ? undefined : value,
      hasSeveralCurrencies: value === SEVERAL,
      customerNumberField: reader.read(customerNumberField),
    };
    return { ...connection, client: (scope) => ({ ...connection.client(scope), org }) };
  },
};
