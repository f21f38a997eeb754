import { createHmac } from 'node:crypto';
import { personWith, type Emitter } from '../../stand-ins/emit.js';
import { organisationOnX } from '../../stand-ins/seed-x.js';
import type { World } from '../../stand-ins/world.js';

export const webhookSecret = 'x-stand-in-consumer-secret';

/** The id of the shop's account. */
const organisationId = '2244994945';

/** Account activity. It reports a person's newest post with the current time. */
export function createEmitter(world: World, now: () => number): Emitter {
  return {
    'message.received': (email) => {
      const x = personWith(world, email, 'x')?.x;
      const post = x?.posts.find(({ text }) => text.includes(`@${organisationOnX}`)) ?? x?.posts[0];
      if (x === undefined || post === undefined) return undefined;
      const body = JSON.stringify({
        for_user_id: organisationId,
        tweet_create_events: [
          {
            created_at: new Date(now()).toUTCString(),
            id_str: post.id,
            text: post.text,
            timestamp_ms: String(now()),
            user: { id_str: x.userId, screen_name: x.username },
          },
        ],
      });
      const signature = createHmac('sha256', webhookSecret).update(body).digest('base64');
      return {
        body,
        headers: () => ({
          'content-type': 'application/json',
          'x-twitter-webhooks-signature': `sha256=${signature}`,
        }),
      };
    },
  };
}
