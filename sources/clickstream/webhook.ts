import { standardWebhook } from '../../src/index.js';

/** Snowplow itself sends no webhooks. A job of the organisation that watches the stream can. */
export const webhook = standardWebhook({
  variable: 'CLICKSTREAM_WEBHOOK_SECRETS',
  namespaces: ['visitorId', 'email', 'emailHash', 'customerNumber'],
});
