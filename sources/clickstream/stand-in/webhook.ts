import { createHmac, randomUUID } from 'node:crypto';
import { personWith, type Emitter } from '../../stand-ins/emit.js';
import type { World } from '../../stand-ins/world.js';

/** A secret of Standard Webhooks: `whsec_` and base64. */
export const webhookSecret = `whsec_${Buffer.from('clickstream-stand-in-secret-').toString('base64')}`;

/** A job of the shop that watches the event stream for abandoned carts. */
export function createEmitter(world: World, now: () => number): Emitter {
  const messageOf = (type: string) => (email: string) => {
    const visitorId = personWith(world, email, 'clickstream')?.clickstream.visits.at(-1)?.visitorId;
    if (visitorId === undefined) return undefined;
    const id = `msg_${randomUUID().replaceAll('-', '')}`;
    const timestamp = new Date(now()).toISOString();
    const body = JSON.stringify({ type, timestamp, data: { identifiers: { visitorId: [visitorId] } } });
    const key = Buffer.from(webhookSecret.slice('whsec_'.length), 'base64');
    return {
      body,
      headers: (_: string, atMs: number) => {
        const seconds = String(Math.floor(atMs / 1_000));
        const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
        return {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': seconds,
          'webhook-signature': `v1,${signature}`,
        };
      },
    };
  };
  return { 'cart.abandoned': messageOf('cart.abandoned'), 'cart.changed': messageOf('cart.changed') };
}
