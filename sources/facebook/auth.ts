import { createHmac } from 'node:crypto';
import { bearer, type Auth } from '../../src/index.js';

type TextSetting = Parameters<typeof bearer>[0];

/**
 * The page's token, and the proof that who has it has the app's secret too: a token that was stolen is of no use
 * without. https://developers.facebook.com/docs/graph-api/guides/secure-requests
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
