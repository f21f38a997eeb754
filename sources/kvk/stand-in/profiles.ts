import type { SeedBranch, SeedBranchAddress, SeedRegistration } from '../../stand-ins/seed-kvk.js';

/** The register's records as the APIs return them: fields without a value are left out, and links are HAL's. */

type Json = Record<string, unknown>;

export function basicProfile(company: SeedRegistration, api: string): Json {
  const self = `${api}/v1/basisprofielen/${company.kvkNumber}`;
  const names = company.branches.flatMap(({ tradeNames }) => tradeNames);
  return {
    kvkNummer: company.kvkNumber,
    indNonMailing: yesOrNo(company.hasRefusedAdvertising),
    naam: company.name,
    formeleRegistratiedatum: company.registeredOn,
    materieleRegistratie: { datumAanvang: company.startedOn },
    totaalWerkzamePersonen: company.branches.reduce(
      (sum, branch) => sum + branch.fullTime + branch.partTime,
      0,
    ),
    ...(company.statutoryName !== undefined && { statutaireNaam: company.statutoryName }),
    handelsnamen: tradeNames(names),
    sbiActiviteiten: activities(company),
    _embedded: {
      eigenaar: owner(company, api),
      ...(company.branches.length > 0 && { hoofdvestiging: mainBranch(company, api) }),
    },
    _links: { self: { href: self }, vestigingen: { href: `${self}/vestigingen` } },
  };
}

export function owner(company: SeedRegistration, api: string): Json {
  const profile = `${api}/v1/basisprofielen/${company.kvkNumber}`;
  return {
    ...(company.rsin !== undefined && { rsin: company.rsin }),
    rechtsvorm: company.legalForm,
    uitgebreideRechtsvorm: company.legalFormInFull,
    ...(company.ownerAddress !== undefined && { adressen: [address(company.ownerAddress, 48)] }),
    _links: { self: { href: `${profile}/eigenaar` }, basisprofiel: { href: profile } },
  };
}

/** The main branch as a basic profile contains it: without trade names and activities. */
export function mainBranch(company: SeedRegistration, api: string): Json {
  const [branch] = company.branches;
  if (branch === undefined) return {};
  const profile = `${api}/v1/basisprofielen/${company.kvkNumber}`;
  return {
    vestigingsnummer: branch.number,
    kvkNummer: company.kvkNumber,
    formeleRegistratiedatum: branch.registeredOn,
    materieleRegistratie: { datumAanvang: branch.startedOn },
    eersteHandelsnaam: branch.tradeNames[0],
    indHoofdvestiging: 'Ja',
    indCommercieleVestiging: yesOrNo(branch.isCommercial),
    totaalWerkzamePersonen: branch.fullTime + branch.partTime,
    adressen: branch.addresses.map((branchAddress) => address(branchAddress, 48)),
    ...(company.website !== undefined && { websites: [company.website] }),
    _links: {
      self: { href: `${profile}/hoofdvestiging` },
      vestigingen: { href: `${profile}/vestigingen` },
      basisprofiel: { href: profile },
      vestigingsprofiel: { href: `${api}/v1/vestigingsprofielen/${branch.number}` },
    },
  };
}

export function branchList(company: SeedRegistration, api: string): Json {
  const profile = `${api}/v1/basisprofielen/${company.kvkNumber}`;
  const commercial = company.branches.filter(({ isCommercial }) => isCommercial).length;
  return {
    kvkNummer: company.kvkNumber,
    aantalCommercieleVestigingen: commercial,
    aantalNietCommercieleVestigingen: company.branches.length - commercial,
    totaalAantalVestigingen: company.branches.length,
    // The KvK guarantees no order. Here the main branch is the last.
    vestigingen: company.branches.toReversed().map((branch) => ({
      vestigingsnummer: branch.number,
      kvkNummer: company.kvkNumber,
      eersteHandelsnaam: branch.tradeNames[0],
      indHoofdvestiging: yesOrNo(branch === company.branches[0]),
      indAdresAfgeschermd: yesOrNo(branch.addresses[0]?.isShielded === true),
      indCommercieleVestiging: yesOrNo(branch.isCommercial),
      ...(branch.addresses[0]?.isShielded !== true &&
        branch.addresses[0] !== undefined && { volledigAdres: oneLine(branch.addresses[0], 40) }),
      _links: {
        self: { href: `${api}/v1/vestigingsprofielen/${branch.number}` },
      },
    })),
    _links: { self: { href: `${profile}/vestigingen` }, basisprofiel: { href: profile } },
  };
}

export function branchProfile(company: SeedRegistration, branch: SeedBranch, api: string): Json {
  return {
    vestigingsnummer: branch.number,
    kvkNummer: company.kvkNumber,
    ...(company.rsin !== undefined && { rsin: company.rsin }),
    indNonMailing: yesOrNo(company.hasRefusedAdvertising),
    formeleRegistratiedatum: branch.registeredOn,
    materieleRegistratie: { datumAanvang: branch.startedOn },
    eersteHandelsnaam: branch.tradeNames[0],
    indHoofdvestiging: yesOrNo(branch === company.branches[0]),
    indCommercieleVestiging: yesOrNo(branch.isCommercial),
    voltijdWerkzamePersonen: branch.fullTime,
    totaalWerkzamePersonen: branch.fullTime + branch.partTime,
    deeltijdWerkzamePersonen: branch.partTime,
    handelsnamen: tradeNames(branch.tradeNames),
    adressen: branch.addresses.map((branchAddress) => address(branchAddress, 40)),
    ...(company.website !== undefined && { websites: [company.website] }),
    sbiActiviteiten: activities(company),
    _links: {
      self: { href: `${api}/v1/vestigingsprofielen/${branch.number}` },
      basisprofiel: { href: `${api}/v1/basisprofielen/${company.kvkNumber}` },
    },
  };
}

function tradeNames(names: readonly string[]): Json[] {
  return names.map((naam, volgorde) => ({ naam, volgorde }));
}

function activities({ activities: all }: SeedRegistration): Json[] {
  return all.map(({ code, description }, index) => ({
    sbiCode: code,
    sbiOmschrijving: description,
    indHoofdactiviteit: yesOrNo(index === 0),
  }));
}

function address(branchAddress: SeedBranchAddress, width: number): Json {
  if (branchAddress.isShielded === true) return { type: branchAddress.type, indAfgeschermd: 'Ja' };
  return {
    type: branchAddress.type,
    indAfgeschermd: 'Nee',
    volledigAdres: oneLine(branchAddress, width),
    ...(branchAddress.street !== undefined && { straatnaam: branchAddress.street }),
    ...(branchAddress.houseNumber !== undefined && { huisnummer: branchAddress.houseNumber }),
    ...(branchAddress.houseLetter !== undefined && { huisletter: branchAddress.houseLetter }),
    postcode: branchAddress.postcode,
    ...(branchAddress.poBox !== undefined && { postbusnummer: branchAddress.poBox }),
    plaats: branchAddress.city,
    land: 'Nederland',
  };
}

/** Street and number, padded with blanks, then postcode and town. */
function oneLine(
  { street, houseNumber, houseLetter, poBox, postcode, city }: SeedBranchAddress,
  width: number,
): string {
  const first = poBox === undefined ? [street, houseNumber, houseLetter] : ['Postbus', poBox];
  const line = first.filter((part) => part !== undefined).join(' ');
  return `${line}${' '.repeat(Math.max(1, width - 15))}${postcode} ${city}`;
}

export function yesOrNo(is: boolean): 'Ja' | 'Nee' {
  return is ? 'Ja' : 'Nee';
}
