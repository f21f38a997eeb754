import type { z } from 'zod';
import { expect, it } from 'vitest';
import { subscriptionsOfContacts } from '../../sources/crm-hubspot/loaders.js';
import type { RestClient } from '../../src/index.js';

/** A HubSpot whose contacts have opted out of every requested property. */
const hubspot = {
  post: (schema: z.ZodType, _path: string, body: { inputs: { id: string }[]; properties: string[] }) => {
    const properties = Object.fromEntries(body.properties.map((name) => [name, 'true']));
    return Promise.resolve(schema.parse({ results: body.inputs.map(({ id }) => ({ id, properties })) }));
  },
} as unknown as RestClient;

it('contacts of one batch have the subscriptions of their requested types', async () => {
  const [offers, tips] = [
    { id: '5', name: 'Offers' },
    { id: '9', name: 'Tips' },
  ];
  const found = await subscriptionsOfContacts.load(
    [
      { contactId: '1', types: [offers] },
      { contactId: '2', types: [offers, tips] },
      { contactId: '1', types: [tips] },
    ],
    hubspot,
  );
  expect(found).toMatchObject([[{ type: offers }], [{ type: offers }, { type: tips }], [{ type: tips }]]);
});
