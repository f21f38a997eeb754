import { describe, expect, it } from 'vitest';
import type { ConsentAnswer, Consents } from '../../src/customer/consents.js';
import type { Context, Customer } from '../../src/customer/customer.js';
import type { ConsentChannel, ConsentStatus } from '../../src/customer/schema.generated.js';
import { ConsentRequiredError } from '../../src/errors.js';
import { createPermissions } from '../../src/privacy/permission.js';

const STATUS_OF: Partial<Record<ConsentChannel, ConsentStatus>> = { EMAIL: 'GRANTED', SMS: 'DENIED' };
const answers: readonly ConsentAnswer[] = [
  {
    statements: Object.entries(STATUS_OF).map(([channel, status]) => ({
      purpose: 'MARKETING',
      channel: channel as ConsentChannel,
      source: 'crm',
      status,
    })),
  },
];

describe.each([
  ['cached', answers],
  ['requested', Promise.resolve(answers)],
])('the consent of a customer, %s', (_, all) => {
  const consents: Consents = {
    sources: ['crm'],
    ofCustomer: () => Promise.resolve([]),
    answersFor: () => all,
  };

  it('is decided for each channel by itself', async () => {
    const permissions = createPermissions(consents);
    // Permissions compare customers and contexts as objects, and read nothing of them.
    const [customer, context] = [{} as Customer, {} as Context];
    const read = (channel: ConsentChannel) =>
      permissions.within(customer, context, { purpose: 'MARKETING', channel }, () => channel);
    expect(await read('EMAIL')).toBe('EMAIL');
    await expect(read('SMS')).rejects.toBeInstanceOf(ConsentRequiredError);
    await expect(read('POST')).rejects.toBeInstanceOf(ConsentRequiredError);
    expect(await read('EMAIL')).toBe('EMAIL');
    expect([...permissions.decided(context)]).toEqual([
      ['EMAIL', { granted: true, withheld: false }],
      ['SMS', { granted: false, withheld: true }],
      ['POST', { granted: false, withheld: true }],
    ]);
  });
});
