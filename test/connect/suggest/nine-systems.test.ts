import { describe, expect, it } from 'vitest';
import type { FieldPrivacy } from '../../../src/connect/draft.js';
import { suggestPrivacy } from '../../../src/connect/suggest/privacy.js';
import { draftOf, fieldNameOf, type RightField } from './right-answers.js';
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

const isHidden = (suggested: FieldPrivacy) => 'leftOutBecause' in suggested || !suggested.isRecognised;
const isRight = ({ right: { categories, mask }, base, suggested }: Compared): boolean => {
  if ('leftOutBecause' in suggested) return categories === 'SECRET';
  if (categories === 'SECRET') return false;
  const { category } = suggested;
  if (categories === 'PLAIN') return ['NONE', base].includes(category) && suggested.mask === undefined;
  const isMasked = mask === undefined || suggested.mask !== undefined;
  return (categories as readonly string[]).includes(category) && isMasked;
};
const describeAll = (some: readonly Compared[]) =>
  some.map(({ place, suggested }) => `${place}: ${JSON.stringify(suggested)}`);

describe('the suggested privacy of nine systems', () => {
  const isPersonal = ({ right }: Compared) => right.categories !== 'PLAIN';

  it('recognises all personal data, or holds it back', () => {
    const missed = compared.filter((one) => isPersonal(one) && !isHidden(one.suggested) && !isRight(one));
    expect(describeAll(missed)).toEqual([]);
  });

  it('is right about nine of ten fields that it recognises as personal data', () => {
    const claimed = compared.filter(
      ({ suggested, base }) =>
        !('leftOutBecause' in suggested) &&
        suggested.isRecognised &&
        (suggested.mask !== undefined || ![base, 'NONE'].includes(suggested.category)),
    );
    const wrong = claimed.filter((one) => !isRight(one));
    console.log('claimed', claimed.length, 'wrong', describeAll(wrong));
    expect(wrong.length / claimed.length).toBeLessThanOrEqual(0.1);
  });

  it('holds few fields back', () => {
    const hidden = compared.filter((one) => isHidden(one.suggested) && one.right.categories !== 'SECRET');
    console.log('fields', compared.length, 'hidden', hidden.length, describeAll(hidden));
    const masks = compared.filter(
      ({ right, suggested }) =>
        right.mask !== undefined &&
        'category' in suggested &&
        suggested.isRecognised &&
        suggested.mask !== right.mask,
    );
    console.log('other masks', describeAll(masks));
    expect(hidden.length / compared.length).toBeLessThanOrEqual(0.1);
  });
});
