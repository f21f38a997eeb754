import { describe, expect, it } from 'vitest';
import { createCompany, type CompanyFinder, type CompanyRecord } from '../../src/customer/company.js';
import type { Context } from '../../src/customer/customer.js';
import { SourceUnavailableError } from '../../src/errors.js';

const down = new SourceUnavailableError('orders', 'orders cannot be reached.');

/** A company with a KvK number, and the answer of each system to that number. */
const company = (...answers: readonly (CompanyRecord | Error | null)[]) =>
  createCompany(
    { numbers: new Map([['kvkNumber', '07322969']]) },
    answers.map((answer, i): CompanyFinder => ({
      source: String(i),
      declared: undefined,
      holds: ['vatNumber'],
      loadBy: {
        kvkNumber: () => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)),
      },
    })),
    (_, value) => value,
    {} as Context,
  );
const bakery = { kvkNumber: '07322969', vatNumber: 'NL858100009B14' };

describe('a number of a company that was found by another number', () => {
  it('is the number that one system holds, even if another is unavailable', async () => {
    expect(await company(down, bakery).identifier('vatNumber')).toBe(bakery.vatNumber);
  });

  it('is null if no system holds one', async () => {
    expect(await company(null, { ...bakery, vatNumber: null }).identifier('vatNumber')).toBeNull();
  });

  it('is an error while an unavailable system may hold it', async () => {
    await expect(company(null, down).identifier('vatNumber')).rejects.toBe(down);
  });
});
