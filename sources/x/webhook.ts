import { z } from 'zod';
import {
  epochMs,
  hmac,
  readJson,
  recordId,
  signedMessage,
  webhookSecrets,
  type ReportedEvent,
  type WebhookDeclaration,
} from '../../src/index.js';

/** Account activity: https://docs.x.com/x-api/account-activity/introduction */

const post = z.object({
  id_str: recordId,
  timestamp_ms: epochMs.nullish(),
  user: z.object({ id_str: recordId, screen_name: z.string().max(50) }),
});

const directMessage = z.object({
  type: z.string(),
  id: recordId,
  created_timestamp: epochMs.nullish(),
  message_create: z.object({ sender_id: recordId }).nullish(),
});

const activity = z.object({
  for_user_id: recordId,
  tweet_create_events: z.array(post).max(1_000).default([]),
  direct_message_events: z.array(directMessage).max(1_000).default([]),
  /** The people in direct messages, by id. */
  users: z.record(z.string(), z.object({ screen_name: z.string().max(50) })).default({}),
});

/**
 * X sends a challenge: a random text that is to be signed with the secret of its messages. Any client can
 * send a challenge. So only a text that cannot be a message is signed.
 */
const CHALLENGE = /^[\w=+/.-]{1,200}$/;

export const webhook: WebhookDeclaration = {
  secrets: webhookSecrets('X_WEBHOOK_SECRETS'),
  handshake: ({ method, url }, secrets) => {
    if (method !== 'GET') return undefined;
    const token = new URL(url).searchParams.get('crc_token') ?? '';
    const [newest] = secrets;
    if (newest === undefined || !CHALLENGE.test(token))
      return { status: 400, contentType: 'text/plain', body: 'The crc_token is missing or malformed.' };
    const body = JSON.stringify({ response_token: `sha256=${hmac(newest, [token], 'base64')}` });
    return { status: 200, contentType: 'application/json', body };
  },
  ...signedMessage({
    header: 'x-twitter-webhooks-signature',
    prefix: 'sha256=',
    encoding: 'base64',
    test: { body: JSON.stringify({ for_user_id: '0' }) },
  }),
  events: ({ body }, nowMs) => {
    const received = readJson(body, activity);
    const now = new Date(nowMs).toISOString();
    const mentions = received.tweet_create_events
      // X also sends the organisation's own posts.
      .filter(({ user }) => user.id_str !== received.for_user_id)
      .map(({ id_str: id, timestamp_ms: time, user }) => toEvent('post', id, time ?? now, user.screen_name));
    const messages = received.direct_message_events.flatMap(
      ({ type, id, created_timestamp: time, message_create: message }) =>
        type !== 'message_create' || message == null || message.sender_id === received.for_user_id
          ? []
          : toEvent('message', id, time ?? now, received.users[message.sender_id]?.screen_name),
    );
    return [...mentions, ...messages];
  },
};

function toEvent(
  kind: 'post' | 'message',
  id: string,
  time: string,
  username: string | undefined,
): ReportedEvent {
  return {
    id: `${kind}-${id}`,
    type: 'message.received',
    time,
    subject: id,
    identifiers: username === undefined ? {} : { xUsername: [username] },
    data: { isPublic: kind === 'post' },
  };
}
