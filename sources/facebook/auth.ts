import { createHmac } from 'node:crypto';
import { bearer, type Auth } from '../../src/index.js';

type TextSetting = Parameters<typeof bearer>[0];

/**
 * The page's token, with a proof that its holder also has the app's secret. A stolen token alone is useless.
 * https://developers.facebook.com/docs/graph-api/guides/secure-requests
 */
export function pageToken(token: TextSetting, secret: TextSetting): Auth {
  const plain = bearer(token);
  return {
    settings: (reader) => [...plain.settings(reader), secret],
    headers: (reader) => plain.headers(reader),
    query: (reader) => ({
      appsecret_proof: createHmac('sha256', reader.read(secret) ?? '')
        .update(reader.read(token) ?? '')
        .digest('hex'),
    }),
  };
}
