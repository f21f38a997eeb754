import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { BOOKSHOP_SDL, BOOKSHOP_YAML } from './bookshop.js';
import { SCHOOL_SDL, SCHOOL_YAML } from './driving-school.js';
import { INVOICING_SDL, INVOICING_YAML } from './invoicing.js';
import { PARKING_SDL, PARKING_YAML } from './parking.js';
import { PARCELS_SDL, PARCELS_YAML } from './parcels.js';
import { compiled, WARRANTY_SDL, WARRANTY_YAML } from './warranty.js';

const page = readFileSync(new URL('../../src/declared/README.md', import.meta.url), 'utf8');
const blocksOf = (language: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text);

type Members = Record<string, unknown>;

/** The example with the members of a part. Calls and fields are replaced separately, other members completely. */
function exampleWith(part: string): string {
  const example = parse(WARRANTY_YAML) as Members;
  for (const [name, value] of Object.entries(parse(part) as Members))
    example[name] =
      name === 'calls' || name === 'fields' ? { ...(example[name] as object), ...(value as object) } : value;
  return stringify(example);
}

describe('the manual of declared sources', () => {
  const [example, ...others] = blocksOf('yaml');
  const parts = others.filter((part) => !part.startsWith('source:'));

  it('contains the example that the tests use', () => {
    expect(example).toBe(WARRANTY_YAML);
    expect(others.filter((part) => part.startsWith('source:'))).toEqual([
      SCHOOL_YAML,
      PARCELS_YAML,
      INVOICING_YAML,
      BOOKSHOP_YAML,
      PARKING_YAML,
    ]);
    expect(blocksOf('graphql')).toEqual([
      WARRANTY_SDL,
      SCHOOL_SDL,
      PARCELS_SDL,
      INVOICING_SDL,
      BOOKSHOP_SDL,
      PARKING_SDL,
    ]);
    expect(parts.length).toBeGreaterThan(10);
  });

  test.each(parts)('contains examples that compile: %s', (part) => {
    expect(compiled(exampleWith(part)).source.name).toBe('warranty');
  });
});
