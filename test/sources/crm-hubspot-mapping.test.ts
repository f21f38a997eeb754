import { describe, expect, it } from 'vitest';
import { toContact } from '../../sources/crm-hubspot/mapping.js';
import { batchRead } from '../../sources/crm-hubspot/wire.js';

describe('whether a contact of HubSpot is a marketing contact', () => {
  it.each([
    ['true', true],
    ['false', false],
    // Not every account has the property, and a contact may be without a value.
    [null, null],
    [undefined, null],
  ])('is %j as %j', (status, expected) => {
    const { results } = batchRead.parse({
      results: [{ id: '1', properties: { hs_marketable_status: status } }],
    });
    expect(results.map((contact) => toContact(contact).isMarketingContact)).toEqual([expected]);
  });
});
