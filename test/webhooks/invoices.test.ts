import { describe, expect, it } from 'vitest';
import { invoices } from '../../sources/invoices/index.js';
import { createTestReceiver, webhookContract } from './webhook-contract.js';

const variable = 'INVOICES_WEBHOOK_SECRETS';
const secrets = ['client-state-of-invoices', 'client-state-after-that'] as const;
const company =
  'https://api.businesscentral.dynamics.com/v2.0/api/v2.0/companies(b18aed47-c385-49d2-b954-dbdf8ad71780)';
const id = '26814998-936a-401c-81c1-0e848a64971d';

/** Creates a message. It contains the secret itself. */
const send = (body: string | Uint8Array, secret: string) => ({
  body: Buffer.from(body).toString('latin1').includes('$SECRET')
    ? Buffer.from(body).toString().replaceAll('$SECRET', secret)
    : body,
});

const notification = (set: string, changeType: string, more: object = {}) => ({
  subscriptionId: set,
  clientState: '$SECRET',
  expirationDateTime: '2026-11-23T07:52:31Z',
  resource: `${company}/${set}(${id})`,
  changeType,
  lastModifiedDateTime: '2026-11-20T11:58:00.123Z',
  ...more,
});
const message = (...value: object[]) => JSON.stringify({ value });

webhookContract({
  source: invoices,
  variable,
  secrets,
  send,
  body: message(notification('salesInvoices', 'updated')),
  events: [
    {
      id: `updated salesInvoices ${id} 2026-11-20T11:58:00.123Z`,
      type: 'invoice.changed',
      time: '2026-11-20T11:58:00.123Z',
      subject: id,
      identifiers: {},
      data: { change: 'updated' },
    },
  ],
  unknown: message(notification('items', 'updated')),
  proof: 'content',
});

describe('Business Central', () => {
  const start = () => createTestReceiver(invoices, { [variable]: secrets[0] });

  it('receives its validation token as text', async () => {
    const { status, text, headers } = await start().post({
      search: '?validationToken=05EBE0D9%2Ba%3D',
      body: '',
    });
    expect({ status, text }).toEqual({ status: 200, text: '05EBE0D9+a=' });
    expect(headers.get('content-type')).toBe('text/plain');
    expect((await start().post({ search: '?validationToken=%3Cscript%3E', body: '' })).status).toBe(400);
  });

  it('is refused if one of several notifications is not authentic', async () => {
    const receiver = start();
    const body = message(
      notification('customers', 'updated'),
      notification('customers', 'updated', { clientState: 'a-guess-that-is-wrong' }),
    );
    expect((await receiver.post(send(body, secrets[0]))).status).toBe(401);
    expect(receiver.events).toEqual([]);
  });

  it('reports changed and deleted customers, and many invoices together', async () => {
    const receiver = start();
    const body = message(
      notification('customers', 'updated'),
      notification('customers', 'deleted', { lastModifiedDateTime: undefined }),
      notification('salesInvoices', 'collection', {
        resource: `${company}/salesInvoices?$filter=lastModifiedDateTime%20gt%202026-11-20T11:00:00Z`,
      }),
    );
    expect((await receiver.post(send(body, secrets[0]))).status).toBe(204);
    expect(receiver.events.map(({ type, subject }) => [type, subject])).toEqual([
      ['contact.changed', id],
      ['contact.deleted', id],
      ['invoice.changed', undefined],
    ]);
  });
});
