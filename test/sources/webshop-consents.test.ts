import { describe, expect, it } from 'vitest';
import type { Person } from '../../sources/stand-ins/world.js';
import { consents } from '../../sources/webshop/consents.js';
import { webshop } from '../../sources/webshop/index.js';
import { startWebshop } from '../../sources/webshop/stand-in/index.js';
import { open } from '../connectors/contract.js';
import { sendJson, startServer } from '../connectors/server.js';
import { describeConsents } from './consent-contract.js';
import { send } from './webshop-operations.js';

const STATUS = {
  SUBSCRIBED: 'GRANTED',
  UNSUBSCRIBED: 'REVOKED',
  PENDING: 'REQUESTED',
  NOT_SUBSCRIBED: 'UNKNOWN',
};

const seedStatementsOf = ({ webshop }: Person) =>
  webshop === undefined
    ? []
    : ([['EMAIL', webshop.emailConsent] as const, ['SMS', webshop.smsConsent] as const] as const).map(
        ([channel, { state, optInLevel, updatedAt }]) => ({
          purpose: 'MARKETING',
          channel,
          status: STATUS[state],
          updatedAt: updatedAt === null ? null : new Date(updatedAt).toISOString(),
          evidence: state === 'NOT_SUBSCRIBED' ? null : optInLevel,
        }),
      );

describe("the webshop's consents", () => {
  describeConsents({
    source: webshop,
    start: (world) => startWebshop(world),
    keyOf: ({ webshop }) => webshop && { shopifyCustomerId: webshop.customerId },
    seedStatementsOf,
    statuses: ['GRANTED', 'REVOKED', 'REQUESTED', 'UNKNOWN'],
    identificationCalls: 1,
    callsForHundredPeople: 1,
    withdraw: async (shop, { webshop }) => {
      const { errors } = await send(
        shop,
        `mutation($input: CustomerEmailMarketingConsentUpdateInput!) {
          customerEmailMarketingConsentUpdate(input: $input) { userErrors { message } }
        }`,
        {
          input: {
            customerId: `gid://shopify/Customer/${webshop?.customerId ?? ''}`,
            emailMarketingConsent: { marketingState: 'UNSUBSCRIBED' },
          },
        },
      );
      expect(errors).toBeUndefined();
    },
  });

  const load = async (answer: unknown, ids: readonly string[]) => {
    const shop = await startServer((_, response) => {
      sendJson(response, answer);
    });
    const client = open(webshop.connector, { WEBSHOP_URL: `${shop.url}/`, WEBSHOP_ACCESS_TOKEN: 'token' });
    try {
      return await consents.ofRecord.load(ids, client);
    } finally {
      await client.close();
      await shop.close();
    }
  };
  const gid = (id: string) => `gid://shopify/Customer/${id}`;
  const state = (marketingState: string) => ({
    marketingState,
    marketingOptInLevel: null,
    consentUpdatedAt: '2026-10-01T10:00:00+02:00',
  });

  it.each([
    ['SUBSCRIBED', 'GRANTED'],
    ['UNSUBSCRIBED', 'REVOKED'],
    ['PENDING', 'REQUESTED'],
    ['NOT_SUBSCRIBED', 'UNKNOWN'],
    ['INVALID', 'UNKNOWN'],
    ['REDACTED', 'UNKNOWN'],
  ])('treat %s as %s', async (vendorState, expected) => {
    const node = { id: gid('1'), emailMarketingConsent: state(vendorState), smsMarketingConsent: null };
    expect(await load({ data: { nodes: [node] } }, ['1'])).toEqual([
      [
        {
          purpose: 'MARKETING',
          channel: 'EMAIL',
          status: expected,
          updatedAt: '2026-10-01T08:00:00.000Z',
          evidence: null,
        },
      ],
    ]);
  });

  it('belong to the customer of their id, and an invalid or failed one does not affect other customers', async () => {
    const fine = { id: gid('3'), emailMarketingConsent: state('SUBSCRIBED'), smsMarketingConsent: null };
    const [odd, failed, good, unknown] = await load(
      {
        data: {
          nodes: [
            fine,
            { ...fine, id: gid('2'), emailMarketingConsent: null },
            { ...fine, id: gid('1'), emailMarketingConsent: state('MAYBE') },
            null,
          ],
        },
        errors: [{ path: ['nodes', 1, 'emailMarketingConsent'], message: 'no' }],
      },
      ['1', '2', '3', '4'],
    );
    expect(odd).toMatchObject({ code: 'SOURCE_CONTRACT' });
    expect(failed).toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    expect(good).toMatchObject([{ status: 'GRANTED' }]);
    expect(unknown).toEqual([]);
  });

  it('are withheld for every customer if a failed record has no id', async () => {
    const [missing] = await load(
      { data: { nodes: [null] }, errors: [{ path: ['nodes', 0], message: 'no' }] },
      ['1'],
    );
    expect(missing).toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  });
});
