import { describe, expect, it } from 'vitest';
import { toBranchDetails, toBranches, toRegistration } from '../../sources/kvk/mapping.js';
import { basicProfile, branchList, branchProfile, readErrorKind } from '../../sources/kvk/wire.js';

const kvkNummer = '12345678';
const registration = (fields: object) => toRegistration(basicProfile.parse({ kvkNummer, ...fields }));
const address = { type: 'bezoekadres', volledigAdres: 'A', plaats: 'Ede' };

describe('a registration of the KvK', () => {
  it('has each field in its place', () => {
    expect(
      registration({
        ...{ indNonMailing: 'Ja', naam: 'Bakker', formeleRegistratiedatum: '20010203' },
        materieleRegistratie: { datumAanvang: '20000101', datumEinde: '20101231' },
        ...{ totaalWerkzamePersonen: 0, statutaireNaam: 'Bakker B.V.' },
        handelsnamen: [{ naam: 'Second', volgorde: 2 }, { naam: 'First', volgorde: 1 }, { naam: 'None' }],
        sbiActiviteiten: [
          { sbiCode: '2', indHoofdactiviteit: 'Nee' },
          { sbiCode: '3' },
          { sbiCode: '1', sbiOmschrijving: 'Bread', indHoofdactiviteit: 'Ja' },
        ],
        _embedded: {
          hoofdvestiging: { adressen: [address], websites: ['main.example'] },
          eigenaar: {
            ...{
              rsin: '9',
              rechtsvorm: 'BV',
              uitgebreideRechtsvorm: 'Besloten',
              datumUitschrijving: '20110101',
            },
            ...{ adressen: [{ ...address, plaats: 'Assen' }], websites: ['owner.example'] },
          },
        },
      }),
    ).toEqual({
      ...{ kvkNumber: kvkNummer, vatNumber: null, registeredName: 'Bakker', statutoryName: 'Bakker B.V.' },
      ...{ tradeNames: ['None', 'First', 'Second'], legalForm: 'BV', rsin: '9', registeredOn: '2001-02-03' },
      ...{
        startedOn: '2000-01-01',
        endedOn: '2010-12-31',
        registeredEmployeeCount: 0,
        hasRefusedAdvertising: true,
      },
      activities: [
        { code: '1', description: 'Bread', isMain: true },
        { code: '2', description: null, isMain: false },
        { code: '3', description: null, isMain: null },
      ],
      addresses: [expect.objectContaining({ address: expect.objectContaining({ city: 'Ede' }) as unknown })],
      websites: ['main.example'],
      owner: {
        ...{ legalForm: 'BV', legalFormInFull: 'Besloten', rsin: '9', websites: ['owner.example'] },
        addresses: [
          expect.objectContaining({ address: expect.objectContaining({ city: 'Assen' }) as unknown }),
        ],
        deregisteredOn: '2011-01-01',
      },
    });
  });

  it('has null and empty lists for missing values', () => {
    const none = {
      ...{ registeredName: null, statutoryName: null, tradeNames: [], legalForm: null, rsin: null },
      ...{ registeredOn: null, startedOn: null, endedOn: null, registeredEmployeeCount: null },
      ...{ hasRefusedAdvertising: null, activities: [], addresses: [], websites: [] },
    };
    expect(registration({})).toEqual({ kvkNumber: kvkNummer, vatNumber: null, ...none, owner: null });
    expect(registration({ indNonMailing: 'Nee' }).hasRefusedAdvertising).toBe(false);
    expect(registration({ _embedded: { hoofdvestiging: null, eigenaar: {} } }).owner).toEqual({
      ...{ legalForm: null, legalFormInFull: null, rsin: null, addresses: [], websites: [] },
      deregisteredOn: null,
    });
  });

  it.each([
    ['20010203', '2001-02-03'],
    ['20010003', null],
    ['20010200', null],
    ['20240229', '2024-02-29'],
  ])('with the first day %s began on %j', (datumAanvang, startedOn) => {
    expect(registration({ materieleRegistratie: { datumAanvang } }).startedOn).toBe(startedOn);
  });

  it.each(['20230229', '20010431', '20011301', '2001-02-03', '200102'])(
    'is refused with the day %s',
    (day) => {
      expect(basicProfile.safeParse({ kvkNummer, formeleRegistratiedatum: day }).success).toBe(false);
    },
  );
});

describe('an address of the KvK', () => {
  const read = (...adressen: object[]) =>
    registration({ _embedded: { hoofdvestiging: { adressen } } }).addresses;
  const street = { straatnaam: 'Kerkstraat', huisnummer: 3, postcode: '1234AB', plaats: 'Ede' };
  const dutch = { street: 'Kerkstraat', postcode: '1234AB', city: 'Ede', country: 'NL' };

  it.each<[object, object]>([
    [street, { ...dutch, houseNumber: '3' }],
    [
      { ...street, huisletter: 'b' },
      { ...dutch, houseNumber: '3b' },
    ],
    [
      { ...street, huisnummerToevoeging: 'II' },
      { ...dutch, houseNumber: '3-II' },
    ],
    [
      { ...street, huisletter: 'b', huisnummerToevoeging: '2' },
      { ...dutch, houseNumber: '3b-2' },
    ],
    [
      { ...street, land: 'Nederland' },
      { ...dutch, houseNumber: '3' },
    ],
    [
      { ...street, land: 'België' },
      { ...dutch, houseNumber: '3', country: null },
    ],
    [
      { ...street, huisnummer: undefined },
      { ...dutch, houseNumber: null },
    ],
    [
      { plaats: 'Ede', postbusnummer: 12 },
      { ...dutch, street: 'Postbus', houseNumber: '12', postcode: null },
    ],
    [{ plaats: 'Ede' }, { ...dutch, street: null, houseNumber: null, postcode: null }],
  ])('with %j is %j', (fields, expected) => {
    expect(read(fields)[0]?.address).toEqual(expected);
  });

  it.each<[object, string | null]>([
    [{ volledigAdres: '  Kerkstraat 3    1234AB  Ede ' }, 'Kerkstraat 3 1234AB Ede'],
    [{ straatHuisnummer: 'Rue 1', postcodeWoonplaats: '1000 X', land: 'België' }, 'Rue 1, 1000 X, België'],
    [{ straatHuisnummer: 'Rue 1', land: 'België' }, 'Rue 1, België'],
    [{ volledigAdres: ' ' }, null],
    [{}, null],
  ])('with %j has the lines %j', (fields, text) => {
    expect(read(fields)).toEqual([{ purpose: null, text, address: null }]);
  });

  it('is a visiting or a postal address', () => {
    const purposes = read(
      { type: 'Bezoekadres' },
      { type: 'correspondentieadres' },
      { type: 'postadres' },
      {},
    );
    expect(purposes.map(({ purpose }) => purpose)).toEqual(['VISITS', 'POST', 'POST', null]);
  });

  it('is omitted if it is shielded, and the others are shown', () => {
    const texts = read(
      { volledigAdres: 'A', indAfgeschermd: 'Nee' },
      { volledigAdres: 'B', indAfgeschermd: 'Ja' },
      { volledigAdres: 'C' },
    );
    expect(texts.map(({ text }) => text)).toEqual(['A', 'C']);
  });
});

describe('the branches of the KvK', () => {
  const branch = (number: number, fields: object = {}) => ({
    vestigingsnummer: String(number).padStart(12, '0'),
    ...fields,
  });
  const read = (fields: object) => toBranches(branchList.parse(fields), kvkNummer);

  it('are sorted by number, with the main one first', () => {
    const { branches } = read({
      vestigingen: [
        branch(10),
        branch(9, { indHoofdvestiging: 'Nee' }),
        branch(11, { indHoofdvestiging: 'Ja' }),
      ],
    });
    expect(branches.map(({ number }) => Number(number))).toEqual([11, 9, 10]);
  });

  it.each([
    [{ vestigingen: [branch(1), branch(2)], totaalAantalVestigingen: 500 }, 500],
    [{ vestigingen: [branch(1), branch(2)] }, 2],
    [{ totaalAantalVestigingen: 0 }, 0],
    [{}, 0],
  ])('%# have the correct count', (fields, count) => {
    expect(read(fields).count).toBe(count);
  });

  it('have each field in its place', () => {
    const named = { eersteHandelsnaam: 'Bakker', indHoofdvestiging: 'Ja', indCommercieleVestiging: 'Nee' };
    const shielded = { indAdresAfgeschermd: 'Ja', volledigAdres: 'Secret 1' };
    const { branches } = read({
      vestigingen: [branch(1, { ...named, volledigAdres: ' A  1 ' }), branch(2, shielded), branch(3)],
    });
    const none = { kvkNumber: kvkNummer, name: null, isMain: null, isCommercial: null, address: null };
    expect(branches).toEqual([
      { ...none, number: '000000000001', name: 'Bakker', isMain: true, isCommercial: false, address: 'A 1' },
      { ...none, number: '000000000002' },
      { ...none, number: '000000000003' },
    ]);
  });

  it('have details with each field in its place', () => {
    const details = {
      ...{ vestigingsnummer: '000000000001', formeleRegistratiedatum: '20010203' },
      materieleRegistratie: { datumAanvang: '20000101', datumEinde: '20101231' },
      ...{ voltijdWerkzamePersonen: 2, deeltijdWerkzamePersonen: 3, totaalWerkzamePersonen: 5 },
      ...{ handelsnamen: [{ naam: 'Bakker' }], adressen: [address], websites: ['branch.example'] },
      sbiActiviteiten: [{ sbiCode: '1' }],
    };
    expect(toBranchDetails(branchProfile.parse(details))).toMatchObject({
      ...{ tradeNames: ['Bakker'], addresses: [{ text: 'A' }], activities: [{ code: '1' }] },
      ...{
        employeeCount: 5,
        fullTimeEmployeeCount: 2,
        partTimeEmployeeCount: 3,
        websites: ['branch.example'],
      },
      ...{ registeredOn: '2001-02-03', startedOn: '2000-01-01', endedOn: '2010-12-31' },
    });
    expect(toBranchDetails(branchProfile.parse({ vestigingsnummer: '000000000001' }))).toEqual({
      ...{ tradeNames: [], addresses: [], activities: [], employeeCount: null, fullTimeEmployeeCount: null },
      ...{ partTimeEmployeeCount: null, websites: [], registeredOn: null, startedOn: null, endedOn: null },
    });
  });
});

describe('an error of the KvK', () => {
  it.each<[number, string[], string | undefined]>([
    [404, ['IPD5200'], undefined],
    [404, ['IPD0005'], undefined],
    [404, ['IPD9999'], 'not-understood'],
    [404, [], 'not-understood'],
    [404, ['IPD1003'], 'unavailable'],
    [400, ['IPD0004', 'IPD1003'], 'unavailable'],
    [400, ['IPD0004'], undefined],
    [500, [], undefined],
  ])('%i with the codes %j is %j', (status, codes, kind) => {
    expect(readErrorKind(status, { fout: codes.map((code) => ({ code })) })).toBe(kind);
  });
});
