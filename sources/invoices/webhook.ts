import { z } from 'zod';
import {
  isSameText,
  moment,
  readJson,
  webhookSecrets,
  type EventType,
  type ReportedEvent,
  type WebhookDeclaration,
} from '../../src/index.js';
import { invoicePages, openTotals } from './loaders.js';

/** https://learn.microsoft.com/dynamics365/business-central/dev-itpro/api-reference/v2.0/dynamics-subscriptions */
const notification = z.object({
  subscriptionId: z.string().max(200),
  clientState: z.string(),
  resource: z.string().max(2_000),
  changeType: z.enum(['created', 'updated', 'deleted', 'collection']),
  lastModifiedDateTime: moment.nullish(),
});
const message = z.object({ value: z.array(notification).min(1).max(1_000) });

export const webhook: WebhookDeclaration = {
  secrets: webhookSecrets('INVOICES_WEBHOOK_SECRETS', {
    pattern: /^\S{16,}$/,
    example: 'of at least 16 characters, one for each subscription',
  }),
  handshake: ({ url }) => {
    const token = new URL(url).searchParams.get('validationToken');
    if (token === null) return undefined;
    return /^[\w.~+/=: -]{1,500}$/.test(token)
      ? { status: 200, contentType: 'text/plain', body: token }
      : { status: 400, contentType: 'text/plain', body: 'The validationToken is invalid.' };
  },
  // There is no signature. Business Central sends the `clientState` of the subscription with every change.
  verify: ({ body }, secrets) => {
    try {
      const { value } = readJson(body, message);
      return value.every(({ clientState }) => isOneOf(clientState, secrets)) ? 'valid' : 'invalid';
    } catch {
      return 'invalid';
    }
  },
  testMessage: (_, secret) => ({
    body: JSON.stringify({
      value: [{ subscriptionId: 'test', clientState: secret, resource: '/test', changeType: 'updated' }],
    }),
  }),
  events: ({ body }, nowMs) =>
    readJson(body, message).value.flatMap((notification) => eventOf(notification, nowMs) ?? []),
  changes: { 'invoice.changed': [invoicePages, openTotals] },
};

function isOneOf(text: string, secrets: readonly string[]): boolean {
  return secrets.filter((secret) => isSameText(secret, text)).length > 0;
}

/** A notification has the id of the changed record. No customer can be found by this id. */
function eventOf(
  { resource, changeType, lastModifiedDateTime }: z.infer<typeof notification>,
  nowMs: number,
): ReportedEvent | undefined {
  const [, set = '', id] =
    /\/(customers|salesInvoices)(?:\(([\da-f-]{36})\))?(?:\?.*)?$/i.exec(resource) ?? [];
  const type = typeOf(set, changeType);
  if (type === undefined) return undefined;
  return {
    id: [changeType, set, id ?? 'several', lastModifiedDateTime ?? 'deleted'].join(' '),
    type,
    time: lastModifiedDateTime ?? new Date(nowMs).toISOString(),
    // For very many changes at once there is one notification without an id.
    ...(id === undefined ? {} : { subject: id }),
    identifiers: {},
    data: { change: changeType },
  };
}

function typeOf(set: string, changeType: string): EventType | undefined {
  if (set === 'salesInvoices') return 'invoice.changed';
  if (set !== 'customers') return undefined;
  return changeType === 'deleted' ? 'contact.deleted' : 'contact.changed';
}
