import { describe, expect, it } from 'vitest';
import { crmSalesforce } from '../../sources/crm-salesforce/index.js';
import { createTestReceiver, webhookContract } from './webhook-contract.js';

const variable = 'CRM_SALESFORCE_WEBHOOK_SECRETS';
const organisation = '00D24000000abcdEAA';
const secrets = [`${organisation}:first-secret-of-ours`, '00D24000000abcd:second-secret-of-ours'] as const;

const send = (body: string | Uint8Array, secret: string) => ({
  search: `?key=${secret.slice(secret.indexOf(':') + 1)}`,
  headers: { 'content-type': 'text/xml; charset=UTF-8', soapaction: '""' },
  body,
});

const message = (object: string, fields: Record<string, string>, { of = organisation, before = '' } = {}) =>
  `<?xml version="1.0" encoding="UTF-8"?>${before}
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body>
  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
   <OrganizationId>${of}</OrganizationId>
   <ActionId>04k240000004CqRAAU</ActionId>
   <SessionId xsi:nil="true"/>
   <EnterpriseUrl>https://example.my.salesforce.com/services/Soap/c/62.0</EnterpriseUrl>
   <PartnerUrl>https://example.my.salesforce.com/services/Soap/u/62.0</PartnerUrl>
   <Notification>
    <Id>04l0800002nrC5BAAU</Id>
    <sObject xsi:type="sf:${object}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
${Object.entries(fields)
  .map(([name, value]) => `     <sf:${name}>${value}</sf:${name}>`)
  .join('\n')}
    </sObject>
   </Notification>
  </notifications>
 </soapenv:Body>
</soapenv:Envelope>`;

const contact = {
  Id: '0032400000AbCdEAAV',
  Email: 'jan@example.nl',
  LastModifiedDate: '2026-11-20T11:59:00.000Z',
};

webhookContract({
  source: crmSalesforce,
  variable,
  secrets,
  send,
  body: message('Contact', { ...contact, HasOptedOutOfEmail: 'true' }),
  events: [
    {
      id: '04l0800002nrC5BAAU',
      type: 'consent.withdrawn',
      time: '2026-11-20T11:59:00.000Z',
      subject: contact.Id,
      identifiers: { salesforceContactId: [contact.Id], email: ['jan@example.nl'] },
      data: { purpose: 'MARKETING', channel: 'EMAIL' },
    },
  ],
  expectedResponse: {
    status: 200,
    body:
      '<?xml version="1.0" encoding="UTF-8"?>' +
      '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>' +
      '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>' +
      '</soapenv:Body></soapenv:Envelope>',
  },
  unknown: message('Opportunity', { Id: '0062400000AbCdEAAV' }),
  proof: 'address',
});

describe('Salesforce', () => {
  const receive = async (body: string) => {
    const receiver = createTestReceiver(crmSalesforce, { [variable]: secrets[0] });
    const { status, text } = await receiver.post(send(body, secrets[0]));
    return { status, text, types: receiver.events.map(({ type }) => type) };
  };
  const moments = { CreatedDate: '2026-11-20T11:59:00.000Z', LastModifiedDate: '2026-11-20T11:59:00.000Z' };

  it.each([
    ['Contact', contact, 'contact.changed'],
    ['Contact', { ...contact, HasOptedOutOfEmail: 'false' }, 'consent.given'],
    ['Case', { Id: '5002400000AbCdEAAV', ContactId: contact.Id, ...moments }, 'ticket.opened'],
    ['Case', { Id: '5002400000AbCdEAAV', ContactId: contact.Id, Status: 'New' }, 'ticket.changed'],
    ['Case', { Id: '5002400000AbCdEAAV', IsClosed: 'true' }, 'ticket.solved'],
    ['Lead', { Id: '00Q2400000AbCdEAAV' }, 'lead.created'],
  ])('reports by a %s with %o the event %s', async (object, fields, type) => {
    expect((await receive(message(object, fields))).types).toEqual([type]);
  });

  it('is refused for another organisation, even with the secret', async () => {
    expect(await receive(message('Contact', contact, { of: '00D99000000zzzzEAA' }))).toMatchObject({
      status: 401,
      types: [],
    });
  });

  it('is refused with a document type, so no entity is loaded or expanded', async () => {
    const doctype = '<!DOCTYPE x [<!ENTITY who SYSTEM "file:///etc/passwd"><!ENTITY a "aaaa">]>';
    for (const email of ['&who;', '&a;', 'plain@example.nl']) {
      const { status, text, types } = await receive(
        message('Contact', { ...contact, Email: email }, { before: doctype }),
      );
      expect({ status, types }).toEqual({ status: 400, types: [] });
      expect(text).not.toMatch(/passwd|root|aaaa/);
    }
    expect((await receive(message('Contact', { ...contact, Email: '&undeclared;' }))).status).toBe(400);
  });

  it('is read by XML namespaces, with any prefixes', async () => {
    const body = message('Contact', contact).replaceAll('soapenv:', 's:').replace('xmlns:soapenv', 'xmlns:s');
    expect((await receive(body)).types).toEqual(['contact.changed']);
    const foreign = message('Contact', contact).replace('2005/09/outbound', '2005/09/other');
    expect((await receive(foreign)).status).toBe(400);
  });
});
