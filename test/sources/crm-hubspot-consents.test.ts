import { describe, expect, it } from 'vitest';
import { consents } from '../../sources/crm-hubspot/consents.js';
import { crmHubspot } from '../../sources/crm-hubspot/index.js';
import { startCrmHubspot } from '../../sources/crm-hubspot/stand-in/index.js';
import type { Person } from '../../sources/stand-ins/world.js';
import { open } from '../connectors/contract.js';
import { sendJson, startServer } from '../connectors/server.js';
import { describeConsents } from './consent-contract.js';

const saidOf = ({ crm }: Person) => {
  const last = crm?.marketing.choices.find(({ kindId }) => kindId === undefined)?.changes[0];
  return last?.isOut === true
    ? [
        {
          purpose: 'MARKETING',
          channel: 'EMAIL',
          status: 'REVOKED',
          updatedAt: new Date(last.at).toISOString(),
          evidence: `hs_email_optout, ${last.source}`,
        },
      ]
    : [];
};

describe("the CRM's opt-outs as consents", () => {
  describeConsents({
    source: crmHubspot,
    start: (world) => startCrmHubspot(world),
    keyOf: ({ crm }) => crm && { hubspotContactId: crm.contactId },
    saidOf,
    // Of who opted out of one kind of mail alone, or came back, it says nothing.
    statuses: ['REVOKED'],
    callsForWhoTheyAre: 1,
    // HubSpot takes fifty when it is asked how a property came to be what it is.
    callsForAHundred: 2,
    withdraw: async ({ url, settings }, { crm }) => {
      const response = await fetch(`${url}/crm/v3/objects/contacts/${crm?.contactId ?? ''}`, {
        method: 'PATCH',
        headers: {
          authorization: `Bearer ${String(settings(url)['CRM_HUBSPOT_TOKEN'])}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ properties: { hs_email_optout: 'true' } }),
      });
      expect(response.status).toBe(200);
    },
  });

  it('does not take a property that HubSpot leaves out for one that was never set', async () => {
    const hubspot = await startServer((_, response) => {
      sendJson(response, {
        results: [
          { id: '1', properties: {} },
          { id: '2', properties: { hs_email_optout: null } },
        ],
      });
    });
    const client = open(crmHubspot.connector, { CRM_HUBSPOT_URL: hubspot.url, CRM_HUBSPOT_TOKEN: 'token' });
    const [hidden, never, unknown] = await consents.ofRecord.load(['1', '2', '3'], client);
    await client.close();
    await hubspot.close();
    expect(hidden).toMatchObject({ code: 'SOURCE_CONTRACT' });
    expect(never).toEqual([]);
    expect(unknown).toEqual([]);
  });
});
