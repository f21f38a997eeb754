import { describe, expect } from 'vitest';
import { crmSalesforce } from '../../sources/crm-salesforce/index.js';
import { startCrmSalesforce } from '../../sources/crm-salesforce/stand-in/index.js';
import type { Person } from '../../sources/stand-ins/world.js';
import { textAt } from '../support/read.js';
import { describeConsents } from './consent-contract.js';

const seedStatementsOf = ({ salesforce }: Person) => {
  const no = (channel: string, evidence: string) => ({
    purpose: 'MARKETING',
    channel,
    status: 'REVOKED',
    // Salesforce stores only the flag, not the time of its change.
    updatedAt: null,
    evidence,
  });
  return [
    ...(salesforce?.hasOptedOutOfEmail === true ? [no('EMAIL', 'HasOptedOutOfEmail')] : []),
    ...(salesforce?.doNotCall === true ? [no('PHONE', 'DoNotCall')] : []),
  ];
};

describe("Salesforce's opt-outs as consents", () => {
  describeConsents({
    source: crmSalesforce,
    start: (world) => startCrmSalesforce(world),
    keyOf: ({ salesforce }) => salesforce && { salesforceContactId: salesforce.contactId },
    seedStatementsOf,
    statuses: ['REVOKED'],
    // The calls are a session and the contacts.
    identificationCalls: 3,
    callsForHundredPeople: 1,
    withdraw: async ({ url, settings }, { salesforce }) => {
      const environment = settings(url);
      const token = await fetch(`${url}/services/oauth2/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: String(environment['CRM_SALESFORCE_CLIENT_ID']),
          client_secret: String(environment['CRM_SALESFORCE_CLIENT_SECRET']),
        }),
      });
      const authorization = `Bearer ${textAt(await token.json(), 'access_token')}`;
      const response = await fetch(
        `${url}/services/data/v62.0/sobjects/Contact/${salesforce?.contactId ?? ''}`,
        {
          method: 'PATCH',
          headers: { authorization, 'content-type': 'application/json' },
          body: JSON.stringify({ HasOptedOutOfEmail: true }),
        },
      );
      expect(response.status).toBe(204);
    },
  });
});
