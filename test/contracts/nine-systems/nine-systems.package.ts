import { describe, expect, inject, test } from 'vitest';
import { chinookSystem } from './chinook.js';
import { connectAndQuery, connectRefused, type Run } from './connect-and-query.js';
import { magentoSystem } from './magento.js';
import { matomoSystem } from './matomo.js';
import type { NineSystem } from './nine-system.js';
import { northwindSystem } from './northwind.js';
import { segmentSystem } from './segment.js';
import { shopifySystem } from './shopify.js';
import { stripeSystem } from './stripe.js';
import { woocommerceSystem } from './woocommerce.js';
import { xeroSystem } from './xero.js';
import { rightPlaces, type WrittenField } from './written-files.js';

/**
 * Connects nine systems with the installed package, as a user would: `connect --yes`, `test`, and a query through the gateway. Each
 * system is a small server, made from its published contract.
 */

const SYSTEMS: readonly NineSystem[] = [
  ...[woocommerceSystem, magentoSystem, xeroSystem, stripeSystem, matomoSystem],
  ...[segmentSystem, northwindSystem, chinookSystem],
];

interface Judged {
  identity: { right: number; found: number; wrong: readonly string[] };
  privacy: { missed: readonly string[]; claimed: number; wrong: readonly string[]; unanswered: number };
}

const judged = new Map<string, Judged>();

describe('connecting with the installed package', { timeout: 300_000 }, () => {
  test.concurrent.each(SYSTEMS)('$right.source', async (system) => {
    const run = await connectAndQuery(system, inject('installed'));
    const { calls, counts, seconds, tested, written, answer, output } = run;
    const result = judge(system, run);
    judged.set(system.right.source, result);
    if (process.env['NINE_SYSTEMS_FIGURES'] !== undefined)
      console.log(JSON.stringify({ source: system.right.source, calls, seconds, counts, ...result }));
    expect(tested.output).toMatch(/: \d+ ok, 0 failed, /);
    expect(tested.exitCode).toBe(0);
    expect(answer).toEqual({ data: system.query.data });
    expect(calls).toBeLessThanOrEqual(20);
    expect(seconds).toBeGreaterThan(0);
    // By default, `connect` sends one call a second.
    expect(seconds + calls).toBeLessThanOrEqual(60);
    if (counts !== undefined) {
      expect(counts.others, output).toBe(0);
      expect(counts.reads).toBeLessThanOrEqual(20);
    }
    expect(Object.keys(written.calls).toSorted()).toEqual(Object.keys(system.calls).toSorted());
    expect(written.calls).toMatchObject(system.calls);
    expect(paging(written.calls)).toEqual(paging(system.calls));
    expect(written.name).toEqual(system.right.identity.name);
    expect(result.identity.found, written.identity.join('\n')).toBe(result.identity.right);
    expect(result.privacy.missed).toEqual([]);
  });

  test.concurrent('shopify-account is refused with the reason', async () => {
    const { exitCode, output, files, counts } = await connectRefused(shopifySystem, inject('installed'));
    expect(exitCode).toBe(2);
    expect(output).toMatch(shopifySystem.because);
    expect(files).toEqual(['gateway.yaml']);
    expect(counts).toEqual({ reads: 2, others: 0 });
  });

  test('proposes at most one wrong identity field in 20, and one wrong kind of personal data in 10', () => {
    expect(judged.size).toBe(SYSTEMS.length);
    const results = [...judged.values()];
    const share = (part: (result: Judged) => number, whole: (result: Judged) => number) =>
      results.reduce((sum, result) => sum + part(result), 0) /
      results.reduce((sum, result) => sum + whole(result), 0);
    const places = JSON.stringify(results.map(({ identity, privacy }) => [identity.wrong, privacy.wrong]));
    expect(
      share(
        ({ identity }) => identity.wrong.length,
        ({ identity }) => identity.found + identity.wrong.length,
      ),
      places,
    ).toBeLessThanOrEqual(0.05);
    expect(
      share(
        ({ privacy }) => privacy.wrong.length,
        ({ privacy }) => privacy.claimed,
      ),
      places,
    ).toBeLessThanOrEqual(0.1);
  });
});

function judge({ right, identity }: NineSystem, { written }: Run): Judged {
  const places = rightPlaces(right);
  const missed: string[] = [];
  const wrong: string[] = [];
  // Fields of the description that no record has.
  let unanswered = 0;
  let claimed = 0;
  for (const [path, field] of written.fields) {
    const place = places.get(path);
    if (place === undefined) {
      unanswered += 1;
      continue;
    }
    const { categories, mask } = place.right;
    const bases = ['NONE', place.base, field.categoryOfType];
    const isRight =
      categories === 'PLAIN'
        ? bases.includes(field.category) && field.mask === undefined
        : // A secret must not be written at all.
          categories !== 'SECRET' &&
          (mask === undefined || field.mask === mask) &&
          categories.some((category) => category === field.category);
    const isClaimed = field.isRecognised && (field.mask !== undefined || !bases.includes(field.category));
    if (categories !== 'PLAIN' && field.isRecognised && !isRight) missed.push(textOf(path, field));
    if (isClaimed) claimed += 1;
    if (isClaimed && !isRight) wrong.push(textOf(path, field));
  }
  return {
    identity: {
      right: identity.length,
      found: identity.filter((text) => written.identity.includes(text)).length,
      wrong: written.identity.filter((text) => !identity.includes(text)),
    },
    privacy: { missed, claimed, wrong, unanswered },
  };
}

const textOf = (path: string, field: WrittenField) => `${path}: ${JSON.stringify(field)}`;

/** The paging and the maximum number of keys of each call: present or absent. */
const paging = (calls: NineSystem['calls']) =>
  Object.fromEntries(
    Object.entries(calls).map(([name, { page, maxBatch }]) => [name, [page !== undefined, maxBatch]]),
  );
