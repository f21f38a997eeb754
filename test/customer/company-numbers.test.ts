import { describe, expect, it } from 'vitest';
import { createCompany, type CompanyFinder, type CompanyRecord } from '../../src/customer/company.js';
import type { Context } from '../../src/customer/customer.js';
import { SourceUnavailableError } from '../../src/errors.js';

const down = new SourceUnavailableError('orders', 'orders cannot be reached.');

/** A company that is known by its KvK number, with what each system answers to that. */
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

describe("a company's number that was not given", () => {
  it('is what one system holds, although another is unavailable', async () => {
    expect(await company(down, bakery).identifier('vatNumber')).toBe(bakery.vatNumber);
  });

  it('is none when all systems say that they hold none', async () => {
    expect(await company(null, { ...bakery, vatNumber: null }).identifier('vatNumber')).toBeNull();
  });

  it('is not null without an error while an unavailable system may hold it', async () => {
    await expect(company(null, down).identifier('vatNumber')).rejects.toBe(down);
  });
});
