import { describe, expect, it, vi } from 'vitest';
import type { ConsentAnswer, Consents } from '../../src/customer/consents.js';
import type { Context, Customer } from '../../src/customer/customer.js';
import type { ConsentChannel, ConsentStatus } from '../../src/customer/schema.generated.js';
import { ConsentRequiredError } from '../../src/errors.js';
import { createConsentGuard, type ConsentGuard } from '../../src/privacy/consent-guard.js';

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

  it('is decided for each channel separately', async () => {
    const permissions = createConsentGuard(consents);
    // The guard compares customers and contexts by identity, and reads none of their fields.
    const [customer, context] = [{} as Customer, {} as Context];
    const read = (channel: ConsentChannel) =>
      permissions.readWithConsent(customer, context, { purpose: 'MARKETING', channel }, () => channel);
    expect(await read('EMAIL')).toBe('EMAIL');
    await expect(read('SMS')).rejects.toBeInstanceOf(ConsentRequiredError);
    await expect(read('POST')).rejects.toBeInstanceOf(ConsentRequiredError);
    expect(await read('EMAIL')).toBe('EMAIL');
    expect([...permissions.outcomesOf(context)]).toEqual([
      ['EMAIL', { granted: true, withheld: false }],
      ['SMS', { granted: false, withheld: true }],
      ['POST', { granted: false, withheld: true }],
    ]);
  });
});

/** A consent guard over `all` as answers, and the spy that counts its calls. */
function permissionsOf(all: ReturnType<Consents['answersFor']>) {
  const answersFor = vi.fn<Consents['answersFor']>(() => all);
  const consents: Consents = { sources: ['crm'], ofCustomer: () => Promise.resolve([]), answersFor };
  return { permissions: createConsentGuard(consents), answersFor };
}
const EMAIL = { purpose: 'MARKETING', channel: 'EMAIL' } as const;
const SMS = { purpose: 'MARKETING', channel: 'SMS' } as const;
const within = (permissions: ConsentGuard, consent: typeof EMAIL | typeof SMS, read: () => unknown) =>
  permissions.readWithConsent({} as Customer, {} as Context, consent, read);

describe.each([
  ['cached', (all: readonly ConsentAnswer[]) => all],
  ['requested', (all: readonly ConsentAnswer[]) => Promise.resolve(all)],
])('the consent of a customer, %s', (kind, input) => {
  it('is read once for each customer of a request', async () => {
    const { permissions, answersFor } = permissionsOf(input(answers));
    const context = {} as Context;
    for (const customer of [{} as Customer, {} as Customer]) {
      for (const consent of [EMAIL, EMAIL, { purpose: 'MARKETING' } as const])
        expect(await permissions.readWithConsent(customer, context, consent, () => 1)).toBe(1);
      expect(answersFor).toHaveBeenLastCalledWith('MARKETING', customer, context);
    }
    expect(answersFor).toHaveBeenCalledTimes(2);
    expect([...permissions.outcomesOf(context)]).toEqual([
      ['EMAIL', { granted: true, withheld: false }],
      ['', { granted: true, withheld: false }],
    ]);
  });

  it('is recorded for each request separately', async () => {
    const { permissions } = permissionsOf(input(answers));
    const context = {} as Context;
    await permissions.readWithConsent({} as Customer, context, EMAIL, () => 1);
    expect([...permissions.outcomesOf({} as Context)]).toEqual([]);
    expect(permissions.outcomesOf(context).size).toBe(1);
  });

  it('withholds a value with the error of an unavailable system that might forbid it', async () => {
    for (const error of [new Error('the system is unavailable'), 'unavailable']) {
      const { permissions } = permissionsOf(input([{ statements: [], error }]));
      const context = {} as Context;
      const value = permissions.readWithConsent({} as Customer, context, EMAIL, () => 'anna@example.nl');
      await expect(value).rejects.toThrow(error instanceof Error ? error : 'unavailable');
      expect([...permissions.outcomesOf(context)]).toEqual([['EMAIL', { granted: false, withheld: true }]]);
    }
  });

  it('shows the error of an allowed field, and hides that of a forbidden field', async () => {
    const unavailable = new Error('the system is unavailable');
    const { permissions } = permissionsOf(input(answers));
    const fail = () => {
      throw unavailable;
    };
    const reads = [fail, () => Promise.reject(unavailable)];
    for (const read of reads) {
      // With cached consent, the guard throws the error of the resolver.
      const allowed = async () => {
        await within(permissions, EMAIL, read);
      };
      await expect(allowed()).rejects.toBe(unavailable);
      await expect(within(permissions, SMS, read)).rejects.toBeInstanceOf(ConsentRequiredError);
    }
  });

  it('reads the value while consent is loading, but not if cached consent forbids it', async () => {
    const { permissions } = permissionsOf(input(answers));
    const read = vi.fn(() => Promise.resolve('+31612345678'));
    await expect(within(permissions, SMS, read)).rejects.toBeInstanceOf(ConsentRequiredError);
    expect(read).toHaveBeenCalledTimes(kind === 'cached' ? 0 : 1);
  });
});

it.each([[['DENIED', 'GRANTED', 'DENIED']], [['GRANTED', 'DENIED']]] as const)(
  'one customer of a request may have given consent and another not: %j',
  async (statuses) => {
    const { permissions, answersFor } = permissionsOf(answers);
    const context = {} as Context;
    for (const status of statuses) {
      answersFor.mockReturnValueOnce([
        { statements: [{ purpose: 'MARKETING', channel: 'EMAIL', source: 'crm', status }] },
      ]);
      await Promise.resolve(permissions.readWithConsent({} as Customer, context, EMAIL, () => 1)).catch(
        () => undefined,
      );
    }
    expect([...permissions.outcomesOf(context)]).toEqual([['EMAIL', { granted: true, withheld: true }]]);
  },
);
