import { describe, expect, it } from 'vitest';
import { toBranchDetails } from '../../sources/kvk/mapping.js';
import { branchProfile } from '../../sources/kvk/wire.js';

describe('the address of a branch', () => {
  const countryOf = (land: string | undefined) =>
    toBranchDetails(
      branchProfile.parse({
        vestigingsnummer: '000037178598',
        kvkNummer: '68750110',
        adressen: [{ type: 'bezoekadres', plaats: 'Antwerpen', land }],
      }),
    ).addresses?.[0]?.address?.country;

  it.each([
    ['Nederland', 'NL'],
    [undefined, 'NL'],
    ['België', null],
  ])('with the country %j is in %j', (land, country) => {
    expect(countryOf(land)).toBe(country);
  });
});
