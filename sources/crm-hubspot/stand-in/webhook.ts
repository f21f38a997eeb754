import { createHmac } from 'node:crypto';
import type { Emitter, WebhookMessage } from '../../stand-ins/emit.js';
import type { Collection, CrmObject } from './objects.js';

export const webhookSecret = 'crm-hubspot-stand-in-client-secret';

/** Notifications of an app, signed with version 3. Here each message has one. */
export function createEmitter(contacts: Collection, now: () => number): Emitter {
  let lastEvent = 0;
  const notify = (contact: CrmObject, type: string, more: object = {}): WebhookMessage => {
    const body = JSON.stringify([
      {
        appId: 1160452,
        eventId: Math.floor(now() / 1000) * 1000 + (++lastEvent % 1000),
        subscriptionId: 1587612,
        portalId: 25_119_990,
        occurredAt: now(),
        subscriptionType: `contact.${type}`,
        attemptNumber: 0,
        objectId: Number(contact.id),
        changeSource: 'CRM_UI',
        ...more,
      },
    ]);
    return {
      body,
      headers: (url, atMs) => ({
        'content-type': 'application/json',
        'x-hubspot-request-timestamp': String(atMs),
        'x-hubspot-signature-version': 'v3',
        'x-hubspot-signature-v3': createHmac('sha256', webhookSecret)
          .update(`POST${url}${body}${atMs}`)
          .digest('base64'),
      }),
    };
  };
  const set = (property: string, value: string) => (email: string) => {
    const contact = contacts.find(email, 'email');
    if (contact === undefined) return undefined;
    const timestamp = new Date(now()).toISOString();
    contact.history = {
      ...contact.history,
      [property]: [{ value, timestamp, sourceType: 'CRM_UI' }, ...(contact.history?.[property] ?? [])],
    };
    contact.properties[property] = value;
    contact.updatedAt = timestamp;
    return notify(contact, 'propertyChange', { propertyName: property, propertyValue: value });
  };
  return {
    'contact.changed': set('lifecyclestage', 'customer'),
    'consent.given': set('hs_email_optout', 'false'),
    'consent.withdrawn': set('hs_email_optout', 'true'),
  };
}
