import { createHmac } from 'node:crypto';
import { personWith, type Emitter, type WebhookMessage } from '../../stand-ins/emit.js';
import { pageId } from '../../stand-ins/seed-facebook.js';
import type { World } from '../../stand-ins/world.js';

/** Meta's webhooks about a page, signed with the app's secret. They report the newest lead or message with the current time. */
export function createEmitter(world: World, appSecret: string, now: () => number): Emitter {
  const message = (entry: object): WebhookMessage => {
    const body = JSON.stringify({ object: 'page', entry: [{ id: pageId, time: now(), ...entry }] });
    const signature = createHmac('sha256', appSecret).update(body).digest('hex');
    return {
      body,
      headers: () => ({ 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${signature}` }),
    };
  };
  return {
    'lead.created': (email) => {
      const lead = personWith(world, email, 'facebook')?.facebook.leads[0];
      if (lead === undefined) return undefined;
      const value = {
        leadgen_id: lead.id,
        page_id: pageId,
        form_id: lead.formId,
        created_time: Math.floor(now() / 1_000),
      };
      return message({ changes: [{ field: 'leadgen', value }] });
    },
    'message.received': (email) => {
      const facebook = personWith(world, email, 'facebook')?.facebook;
      const newest = facebook?.conversations[0]?.messages.findLast(({ byCustomer }) => byCustomer);
      if (facebook === undefined || newest === undefined) return undefined;
      return message({
        messaging: [
          {
            sender: { id: facebook.userId },
            recipient: { id: pageId },
            timestamp: now(),
            message: { mid: newest.id, text: newest.text },
          },
        ],
      });
    },
  };
}
