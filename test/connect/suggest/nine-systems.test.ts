import { describe, expect, it } from 'vitest';
import type { FieldPrivacy } from '../../../src/connect/draft.js';
import { suggestIdentity } from '../../../src/connect/suggest/identity.js';
import { suggestPrivacy } from '../../../src/connect/suggest/privacy.js';
import { draftOf, fieldNameOf, type RightField, type RightSystem } from './right-answers.js';
import { SYSTEMS } from './systems/all.js';

interface Compared {
  place: string;
  right: RightField;
  /** The category of the type: that of its plain fields. */
  base: string;
  suggested: FieldPrivacy;
}

const compared = SYSTEMS.flatMap((system): Compared[] => {
  const { privacy } = suggestPrivacy(draftOf(system));
  return Object.entries(system.types).flatMap(([type, { category, fields }]) =>
    Object.entries(fields).map(([path, right]) => {
      const place = `${type}.${fieldNameOf(path)}`;
      const suggested = privacy[place];
      if (suggested === undefined) throw new Error(`${place} has no suggestion.`);
      return { place, right, base: category, suggested };
    }),
  );
});

const isHeldBack = ({ suggested }: Compared): boolean =>
  'leftOutBecause' in suggested || !suggested.isRecognised;

function isRight({ right: { categories, mask }, base, suggested }: Compared): boolean {
  if ('leftOutBecause' in suggested) return categories === 'SECRET';
  if (categories === 'SECRET') return false;
  if (categories === 'PLAIN')
    return ['NONE', base].includes(suggested.category) && suggested.mask === undefined;
  const isMasked = mask === undefined || suggested.mask === mask;
  return isMasked && categories.some((category) => category === suggested.category);
}

const placesOf = (fields: readonly Compared[]) =>
  fields.map(({ place, suggested }) => `${place}: ${JSON.stringify(suggested)}`);

describe('the suggested privacy of nine systems', () => {
  it('recognises all personal data, or holds it back', () => {
    const missed = compared.filter(
      (field) => field.right.categories !== 'PLAIN' && !isHeldBack(field) && !isRight(field),
    );
    expect(placesOf(missed)).toEqual([]);
  });

  it('is right about nine of ten fields that it takes for personal data', () => {
    const claimed = compared.filter(({ suggested, base }) => {
      if ('leftOutBecause' in suggested) return true;
      return (
        suggested.isRecognised &&
        (suggested.mask !== undefined || ![base, 'NONE'].includes(suggested.category))
      );
    });
    expect(claimed.length).toBeGreaterThan(200);
    const wrong = claimed.filter((field) => !isRight(field));
    expect(wrong.length / claimed.length, placesOf(wrong).join('\n')).toBeLessThanOrEqual(0.1);
  });

  it('holds one of twenty fields back at most', () => {
    const heldBack = compared.filter((field) => isHeldBack(field) && field.right.categories !== 'SECRET');
    expect(heldBack.length / compared.length, placesOf(heldBack).join('\n')).toBeLessThanOrEqual(0.05);
  });

  it('leaves every secret out', () => {
    const secrets = compared.filter(({ right }) => right.categories === 'SECRET');
    expect(secrets.length).toBeGreaterThanOrEqual(7);
    for (const { place, suggested } of secrets) expect(suggested, place).toHaveProperty('leftOutBecause');
  });
});

type Yield = readonly [namespace: string, path: string, kind: string];
const sorted = (yields: readonly Yield[]) => yields.map((parts) => parts.join(' ')).toSorted();

async function yieldsOf(system: RightSystem): Promise<Yield[]> {
  const { identity } = await suggestIdentity(draftOf(system));
  return Object.entries(identity.yields).map(([namespace, { path, kind }]): Yield => [
    identity.namespaces[namespace] === undefined ? namespace : 'own',
    path,
    kind,
  ]);
}

describe('the suggested identity of nine systems', () => {
  it.each(SYSTEMS)('has all identity fields of $source, and no others', async (system) => {
    const { identity } = await suggestIdentity(draftOf(system));
    const { id, yields, name } = system.identity;
    expect(sorted(await yieldsOf(system))).toEqual(sorted(yields));
    expect(identity.name).toEqual(name);
    const { call } = identity.foundBy[identity.recordKey] ?? {};
    expect(draftOf(system).calls[call ?? '']?.key).toBe(id);
    expect(Object.keys(identity.foundBy)).toHaveLength(Object.keys(system.finds).length);
  });

  it.each(SYSTEMS)('is enforced in $source only where a constraint is', async (system) => {
    const { identity } = await suggestIdentity(draftOf(system));
    for (const { call, uniqueness } of Object.values(identity.foundBy)) {
      const { key = '' } = draftOf(system).calls[call] ?? {};
      expect(uniqueness === 'enforced').toBe(system.finds[key] === 'unique');
    }
  });
});

it.each(SYSTEMS)('shows no personal value of $source in what it suggests', async (system) => {
  const draft = draftOf(system);
  const text = JSON.stringify([await suggestIdentity(draft), suggestPrivacy(draft)]);
  for (const type of Object.values(system.types))
    for (const { samples, categories } of Object.values(type.fields))
      if (categories !== 'PLAIN' && new Set(samples).size > 2)
        for (const value of samples.map(String).filter(({ length }) => length > 3))
          expect(text).not.toContain(value);
});
