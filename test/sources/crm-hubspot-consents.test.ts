import { describe, expect, it } from 'vitest';
import { consents } from '../../sources/crm-hubspot/consents.js';
import { crmHubspot } from '../../sources/crm-hubspot/index.js';
import { startCrmHubspot } from '../../sources/crm-hubspot/stand-in/index.js';
import type { Person } from '../../sources/stand-ins/world.js';
import { open } from '../connectors/contract.js';
import { sendJson, startServer } from '../connectors/server.js';
import { describeConsents, type Statement } from './consent-contract.js';

const KINDS = [
  { property: 'hs_email_optout', kindId: undefined, topic: null },
  { property: 'hs_email_optout_482110072', kindId: '482110072', topic: 'Aanbiedingen' },
  { property: 'hs_email_optout_482110079', kindId: '482110079', topic: 'Klantonderzoek' },
  { property: 'hs_email_optout_482110071', kindId: '482110071', topic: 'Nieuwsbrief' },
];

/** The entries of a contact: all mail, then each kind of mail by name, then settings without consent. */
const seedStatementsOf = ({ crm }: Person): Statement[] => {
  const { choices = [], isMarketable, legalBases = [] } = crm?.marketing ?? {};
  const note = { purpose: 'MARKETING', channel: null, status: 'UNKNOWN', updatedAt: null };
  return [
    ...KINDS.map(({ property, kindId, topic }) => {
      const last = choices.find((choice) => choice.kindId === kindId)?.changes[0];
      return {
        purpose: 'MARKETING',
        channel: 'EMAIL',
        topic,
        status: last?.isOut === true ? 'REVOKED' : 'UNKNOWN',
        updatedAt: last === undefined ? null : new Date(last.at).toISOString(),
        evidence: last === undefined ? property : `${property}, ${last.source}`,
      };
    }),
    { ...note, evidence: `hs_marketable_status: ${isMarketable}` },
    ...(legalBases.length === 0 ? [] : [{ ...note, evidence: `hs_legal_basis: ${legalBases.join('; ')}` }]),
  ];
};

describe("the CRM's opt-outs as consents", () => {
  describeConsents({
    source: crmHubspot,
    start: (world) => startCrmHubspot(world),
    keyOf: ({ crm }) => crm && { hubspotContactId: crm.contactId },
    seedStatementsOf,
    statuses: ['REVOKED', 'UNKNOWN'],
    identificationCalls: 1,
    // The calls are two batches of the opt-out of all mail, the kinds of mail, and two batches of these. A batch with
    // history
    // has at most fifty contacts.
    callsForHundredPeople: 2 + 1 + 2,
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

  it('does not treat a property that HubSpot omits as never set', async () => {
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
