import { standardWebhook } from '../../src/index.js';

/** Snowplow itself tells of nothing; a job of one's own that watches the stream can. */
export const webhook = standardWebhook({
  variable: 'CLICKSTREAM_WEBHOOK_SECRETS',
  namespaces: ['visitorId', 'email', 'emailHash', 'customerNumber'],
});
