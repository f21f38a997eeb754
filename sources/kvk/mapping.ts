import type { CompanyRecord } from '../../src/index.js';
import type {
  Branch,
  BranchDetails,
  BusinessActivity,
  CompanyAddress,
  CompanyOwner,
} from './schema.generated.js';
import type {
  BasicProfile,
  BranchList,
  BranchProfile,
  WireActivities,
  WireAddress,
  WireNames,
} from './wire.js';

/** A company in the register, without its branches. */
export interface Registration extends CompanyRecord {
  kvkNumber: string;
  registeredName: string | null;
  statutoryName: string | null;
  tradeNames: string[];
  legalForm: string | null;
  rsin: string | null;
  registeredOn: string | null;
  startedOn: string | null;
  endedOn: string | null;
  registeredEmployeeCount: number | null;
  hasRefusedAdvertising: boolean | null;
  activities: BusinessActivity[];
  addresses: CompanyAddress[];
  websites: string[];
  owner: CompanyOwner | null;
}

/** A branch as the list of a company's branches has it. */
export interface BranchRecord extends Omit<Branch, 'details'> {
  /** The company's. */
  kvkNumber: string;
}

export interface BranchesOf {
  branches: readonly BranchRecord[];
  count: number;
}

export function toRegistration(profile: BasicProfile): Registration {
  const { hoofdvestiging: main, eigenaar: owner } = profile._embedded ?? {};
  return {
    kvkNumber: profile.kvkNummer,
    // The register does not hold it.
    vatNumber: null,
    registeredName: profile.naam ?? null,
    statutoryName: profile.statutaireNaam ?? null,
    tradeNames: toNames(profile.handelsnamen),
    legalForm: owner?.rechtsvorm ?? null,
    rsin: owner?.rsin ?? null,
    registeredOn: profile.formeleRegistratiedatum ?? null,
    startedOn: profile.materieleRegistratie?.datumAanvang ?? null,
    endedOn: profile.materieleRegistratie?.datumEinde ?? null,
    registeredEmployeeCount: profile.totaalWerkzamePersonen ?? null,
    hasRefusedAdvertising: profile.indNonMailing ?? null,
    activities: toActivities(profile.sbiActiviteiten),
    addresses: toAddresses(main?.adressen),
    websites: main?.websites ?? [],
    owner:
      owner == null
        ? null
        : {
            legalForm: owner.rechtsvorm ?? null,
            legalFormInFull: owner.uitgebreideRechtsvorm ?? null,
            rsin: owner.rsin ?? null,
            addresses: toAddresses(owner.adressen),
            websites: owner.websites ?? [],
            deregisteredOn: owner.datumUitschrijving ?? null,
          },
  };
}

export function toBranches(
  { vestigingen, totaalAantalVestigingen }: BranchList,
  kvkNumber: string,
): BranchesOf {
  const branches = (vestigingen ?? []).map((branch) => ({
    number: branch.vestigingsnummer,
    kvkNumber,
    name: branch.eersteHandelsnaam ?? null,
    isMain: branch.indHoofdvestiging ?? null,
    isCommercial: branch.indCommercieleVestiging ?? null,
    address: branch.indAdresAfgeschermd === true ? null : oneLine(branch.volledigAdres),
  }));
  return {
    // Numbers are issued in ascending order, so a new branch moves no other branch in the list.
    branches: branches.sort(
      (a, b) => Number(b.isMain) - Number(a.isMain) || Number(a.number) - Number(b.number),
    ),
    count: totaalAantalVestigingen ?? branches.length,
  };
}

export function toBranchDetails(branch: BranchProfile): BranchDetails {
  return {
    tradeNames: toNames(branch.handelsnamen),
    addresses: toAddresses(branch.adressen),
    activities: toActivities(branch.sbiActiviteiten),
    employeeCount: branch.totaalWerkzamePersonen ?? null,
    fullTimeEmployeeCount: branch.voltijdWerkzamePersonen ?? null,
    partTimeEmployeeCount: branch.deeltijdWerkzamePersonen ?? null,
    websites: branch.websites ?? [],
    registeredOn: branch.formeleRegistratiedatum ?? null,
    startedOn: branch.materieleRegistratie?.datumAanvang ?? null,
    endedOn: branch.materieleRegistratie?.datumEinde ?? null,
  };
}

/** In the order of registration. */
function toNames(names: WireNames): string[] {
  return (names ?? []).toSorted((a, b) => (a.volgorde ?? 0) - (b.volgorde ?? 0)).map(({ naam }) => naam);
}

function toActivities(activities: WireActivities): BusinessActivity[] {
  return (activities ?? [])
    .map(({ sbiCode, sbiOmschrijving, indHoofdactiviteit }) => ({
      code: sbiCode,
      description: sbiOmschrijving ?? null,
      isMain: indHoofdactiviteit ?? null,
    }))
    .sort((a, b) => Number(b.isMain) - Number(a.isMain));
}

const PURPOSE: Readonly<Record<string, CompanyAddress['purpose']>> = {
  bezoekadres: 'VISITS',
  correspondentieadres: 'POST',
  postadres: 'POST',
};

/** Shielded addresses belong to people who must not be found. They are left out with all their fields. */
function toAddresses(addresses: readonly WireAddress[] | null | undefined): CompanyAddress[] {
  return (addresses ?? [])
    .filter(({ indAfgeschermd }) => indAfgeschermd !== true)
    .map((address) => ({
      purpose: PURPOSE[address.type?.toLowerCase() ?? ''] ?? null,
      text: oneLine(
        address.volledigAdres ??
          [address.straatHuisnummer, address.postcodeWoonplaats, address.land].filter(Boolean).join(', '),
      ),
      address:
        address.plaats == null
          ? null
          : {
              street: address.straatnaam ?? (address.postbusnummer == null ? null : 'Postbus'),
              houseNumber: houseNumberOf(address),
              postcode: address.postcode ?? null,
              city: address.plaats,
              country: address.land == null || address.land === 'Nederland' ? 'NL' : null,
            },
    }));
}

function houseNumberOf({
  huisnummer,
  huisletter,
  huisnummerToevoeging,
  postbusnummer,
}: WireAddress): string | null {
  if (huisnummer == null) return postbusnummer == null ? null : String(postbusnummer);
  return `${huisnummer}${huisletter ?? ''}${huisnummerToevoeging == null ? '' : `-${huisnummerToevoeging}`}`;
}

/** The register pads the line with blanks. */
function oneLine(text: string | null | undefined): string | null {
  return text?.trim().replace(/\s+/g, ' ') || null;
}
