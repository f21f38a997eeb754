import { describe, expect, it } from 'vitest';
import { toBranchDetails } from '../../sources/kvk/mapping.js';
import { branchProfile } from '../../sources/kvk/wire.js';

describe('the address of a branch', () => {
  const countryOf = (countryName: string | undefined) =>
    toBranchDetails(
      branchProfile.parse({
        vestigingsnummer: '000037178598',
        kvkNummer: '68750110',
        adressen: [{ type: 'bezoekadres', plaats: 'Antwerpen', land: countryName }],
      }),
    ).addresses?.[0]?.address?.country;

  it.each([
    ['Nederland', 'NL'],
    [undefined, 'NL'],
    ['België', null],
  ])('with the country %j is in %j', (countryName, country) => {
    expect(countryOf(countryName)).toBe(country);
  });
});
