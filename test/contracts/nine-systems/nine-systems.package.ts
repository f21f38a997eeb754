import { describe, expect, inject, test } from 'vitest';
import { connectAndQuery, type Run } from './connect-and-query.js';
import type { NineSystem } from './nine-system.js';
import { woocommerceSystem } from './woocommerce.js';
import { rightPlaces, type WrittenField } from './written-files.js';

/**
 * Connects nine systems with the installed package, as a user would: `connect --yes`, `test`, and a query through the gateway. Each
 * system is a small server, made from its published contract.
 */

const SYSTEMS: readonly NineSystem[] = [woocommerceSystem];

interface Judged {
  identity: { right: number; found: number; wrong: readonly string[] };
  privacy: { missed: readonly string[]; claimed: number; wrong: readonly string[]; unanswered: readonly string[] };
}

const judged = new Map<string, Judged>();

describe('connecting with the installed package', { timeout: 180_000 }, () => {
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
    // By default, `connect` sends one call a second.
    expect(seconds + calls).toBeLessThanOrEqual(60);
    if (counts !== undefined) {
      expect(counts.others, output).toBe(0);
      expect(counts.reads).toBeLessThanOrEqual(20);
    }
    expect(written.calls).toEqual(system.calls);
    expect(written.name).toEqual(system.right.identity.name);
    expect(result.identity.found, written.identity.join('\n')).toBe(result.identity.right);
    expect(result.privacy.missed).toEqual([]);
    expect(result.privacy.unanswered).toEqual([]);
  });

  test('proposes at most one wrong identity field in 20, and one wrong kind of personal data in 10', () => {
    expect(judged.size).toBe(SYSTEMS.length);
    const all = [...judged.values()];
    const share = (part: (one: Judged) => number, whole: (one: Judged) => number) =>
      all.reduce((sum, one) => sum + part(one), 0) / all.reduce((sum, one) => sum + whole(one), 0);
    const places = JSON.stringify(all.map(({ identity, privacy }) => [identity.wrong, privacy.wrong]));
    expect(share(({ identity }) => identity.wrong.length, ({ identity }) => identity.found + identity.wrong.length), places).toBeLessThanOrEqual(0.05);
    expect(share(({ privacy }) => privacy.wrong.length, ({ privacy }) => privacy.claimed), places).toBeLessThanOrEqual(0.1);
  });
});

function judge({ right, identity, alsoSends = {} }: NineSystem, { written }: Run): Judged {
  const places = rightPlaces(right);
  const missed: string[] = [];
  const wrong: string[] = [];
  const unanswered: string[] = [];
  let claimed = 0;
  for (const [path, field] of written.fields) {
    const place = places.get(path);
    const categories = place?.right.categories ?? alsoSends[path];
    if (categories === undefined) unanswered.push(`${path}: ${JSON.stringify(field)}`);
    else {
      const base = place?.base ?? field.category;
      const isRight = isRightly(field, categories, base, place?.right.mask);
      const isClaimed =
        field.isRecognised && (field.mask !== undefined || ![base, 'NONE'].includes(field.category));
      if (categories !== 'PLAIN' && field.isRecognised && !isRight)
        missed.push(`${path}: ${JSON.stringify(field)}`);
      if (isClaimed) claimed += 1;
      if (isClaimed && !isRight) wrong.push(`${path}: ${JSON.stringify(field)}`);
    }
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

function isRightly(
  field: WrittenField,
  categories: readonly string[] | 'PLAIN' | 'SECRET',
  base: string,
  mask: string | undefined,
): boolean {
  // A secret must not be written at all.
  if (categories === 'SECRET') return false;
  if (categories === 'PLAIN') return ['NONE', base].includes(field.category) && field.mask === undefined;
  return (mask === undefined || field.mask === mask) && categories.includes(field.category);
}
