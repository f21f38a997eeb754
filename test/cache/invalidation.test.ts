import { describe, expect, it } from 'vitest';
import { createTags, type Subject } from '../../src/cache/invalidation.js';
import { fakeClock } from '../support/clock.js';

/** `createTags` removes expired links after this number of new links. */
const LINKS_UNTIL_SWEEP = 10_000;
/** The maximum number of linked identifiers of one customer that are followed. */
const MAX_FOLLOWED = 200;

/** Readable tags instead of digests, which `keys.test.ts` tests. */
const keys = {
  answer: (...parts: string[]) => parts.join(' '),
  tag: (...parts: readonly string[]) => parts.join(' '),
};
const email = (value: string): Subject => ({ namespace: 'email', value });
const tag = (value: string) => `customer email ${value}`;

function setUp() {
  const clock = fakeClock();
  const tags = createTags(keys, clock);
  return {
    clock,
    tags,
    /** Adds enough unrelated links for a sweep. */
    untilSweep: () => {
      for (let i = 0; i < LINKS_UNTIL_SWEEP; i += 1) tags.link([email('x'), email('y')], 0);
    },
    forgets: (value: string) => tags.tagsToForget(email(value)).sort(),
  };
}

describe('the tags of an answer', () => {
  it('are its source, its loader and its subjects', () => {
    const { tags } = setUp();
    const about = [email('jan'), { type: 'Product', key: 'KAN-1' }];
    expect(tags.of('shop', 'orders', about)).toEqual([
      'source shop',
      'loader shop orders',
      'customer email jan',
      'object Product KAN-1',
    ]);
    expect(tags.of('shop', 'orders', [])).toEqual(['source shop', 'loader shop orders']);
    expect(tags.of('crm', 'orders', [])).toEqual(['source crm', 'loader crm orders']);
    expect(tags.of('shop', 'carts', [])).toEqual(['source shop', 'loader shop carts']);
  });

  it('include the tag "any customer" if the subject is unknown', () => {
    const { tags } = setUp();
    expect(tags.of('shop', 'orders', undefined)).toEqual(['source shop', 'loader shop orders', 'anybody']);
  });

  it('include the other identifiers of the same customer, over several links', () => {
    const { tags } = setUp();
    tags.link([email('a'), email('b')], 1_000);
    tags.link([email('b'), email('c')], 1_000);
    tags.link([email('e'), email('f')], 1_000);
    expect(
      tags
        .of('shop', 'orders', [email('a')])
        .slice(2)
        .sort(),
    ).toEqual([tag('a'), tag('b'), tag('c')]);
  });
});

describe('forgetting', () => {
  it('finds a source, one of its loaders, or an object by its own tag alone', () => {
    const { tags } = setUp();
    expect(tags.tagsToForget({ source: 'shop' })).toEqual(['source shop']);
    expect(tags.tagsToForget({ source: 'shop', loader: 'orders' })).toEqual(['loader shop orders']);
    expect(tags.tagsToForget({ type: 'Product', key: 'KAN-1' })).toEqual(['object Product KAN-1']);
  });

  it('finds a customer by every linked identifier, and answers with unknown subjects', () => {
    const { tags, forgets } = setUp();
    tags.link([email('a'), email('b'), email('c')], 1_000);
    expect(forgets('b')).toEqual(['anybody', tag('a'), tag('b'), tag('c')]);
  });

  it('drops the links with the customer', () => {
    const { tags, forgets } = setUp();
    tags.link([email('a'), email('b')], 1_000);
    forgets('a');
    expect(forgets('a')).toEqual(['anybody', tag('a')]);
    expect(forgets('b')).toEqual(['anybody', tag('b')]);
  });

  it('follows at most the links that one customer may have', () => {
    const { tags, forgets } = setUp();
    for (let i = 0; i < 2 * MAX_FOLLOWED; i += 1) tags.link([email(`${i}`), email(`${i + 1}`)], 1_000);
    // The result also contains the identifier that exceeds the limit, and the tag "any customer".
    expect(forgets('0')).toHaveLength(MAX_FOLLOWED + 2);
  });
});

describe('the sweep over links', () => {
  it('drops a link after the longest retention, and not before', () => {
    const { clock, tags, forgets, untilSweep } = setUp();
    tags.link([email('short'), email('b')], 1_000);
    tags.link([email('long'), email('c')], 1_001);
    clock.advance(1_001);
    untilSweep();
    expect(forgets('short')).toEqual(['anybody', tag('short')]);
    expect(forgets('long')).toEqual(['anybody', tag('c'), tag('long')]);
  });

  it('retains a link until the later of its expiries', () => {
    const { clock, tags, forgets, untilSweep } = setUp();
    tags.link([email('again'), email('b')], 1_000);
    tags.link([email('again'), email('b')], 5_000);
    tags.link([email('again'), email('b')], 2_000);
    clock.advance(4_000);
    untilSweep();
    expect(forgets('again')).toEqual(['anybody', tag('again'), tag('b')]);
  });

  it('runs after a number of links, and not after each', () => {
    const { clock, tags, forgets } = setUp();
    // This link counts as the first one until the sweep.
    tags.link([email('a'), email('b')], 1_000);
    clock.advance(2_000);
    for (let i = 0; i < LINKS_UNTIL_SWEEP - 2; i += 1) tags.link([email('x'), email('y')], 10_000);
    // A single identifier is not a link.
    tags.link([email('a')], 10_000);
    expect(forgets('b')).toEqual(['anybody', tag('a'), tag('b')]);
    tags.link([email('c'), email('d')], 0);
    clock.advance(1);
    expect(forgets('d')).toEqual(['anybody', tag('c'), tag('d')]);
  });
});
