import {
  alignMany,
  alignSingle,
  callEach,
  defineLoader,
  oneRow,
  pages,
  pathPart,
  readDeclaredCalls,
  type CompanyRecord,
  type NameAndPlace,
  type RestClient,
} from '../../src/index.js';
import { toBranchDetails, toBranches, toRegistration, type BranchesOf } from './mapping.js';
import type { BranchDetails } from './schema.generated.js';
import {
  basicProfile,
  branchList,
  branchProfile,
  readErrorKind,
  searchPage,
  type SearchPage,
} from './wire.js';

/** A loader here is not declared in kvk.yaml if its key, or the key in an answer, is more than one text. */
export const {
  source,
  loaders: { registrations },
} = readDeclaredCalls(
  'rest',
  import.meta.dirname,
  { registrations: oneRow(basicProfile, toRegistration) },
  { readErrorKind },
);

/** A sole trader is a person, so an answer is also about the customer with this KvK number. */
const aboutCompany = (kvkNumber: string) => [
  { type: 'Company', key: kvkNumber },
  { namespace: 'kvkNumber', value: kvkNumber },
];

/** All branches of a company; null when the register does not know it. */
export const branchesOfCompanies = defineLoader<RestClient, string, BranchesOf | null>({
  name: 'branchesOfCompanies',
  about: aboutCompany,
  loadEach: (kvkNumbers, kvk) =>
    callEach(kvkNumbers, async (kvkNumber) => {
      const list = await kvk.get(branchList, `/v1/basisprofielen/${pathPart(kvkNumber)}/vestigingen`);
      if (list === null) return null;
      // The list and each branch have the company's number, but the published schema requires neither.
      const keyOf = ({ kvkNummer }: { kvkNummer?: string | null | undefined }) => kvkNummer ?? kvkNumber;
      alignSingle(kvkNumber, list, { source: 'kvk', keyOf });
      const [vestigingen = []] = alignMany([kvkNumber], list.vestigingen ?? [], {
        source: 'kvk',
        keyOf,
        idOf: ({ vestigingsnummer }) => vestigingsnummer,
      });
      return toBranches({ ...list, vestigingen }, kvkNumber);
    }),
});

/** A branch, and its company. Data of a branch is data about its company. */
export interface BranchKey {
  number: string;
  kvkNumber: string;
}

export const branchDetails = defineLoader<RestClient, BranchKey, BranchDetails | null>({
  name: 'branchDetails',
  keyText: ({ number, kvkNumber }) => `${number} ${kvkNumber}`,
  about: ({ kvkNumber }) => aboutCompany(kvkNumber),
  loadEach: (branches, kvk) =>
    callEach(branches, async ({ number: branchNumber, kvkNumber }) => {
      const branch = alignSingle(
        branchNumber,
        await kvk.get(branchProfile, `/v1/vestigingsprofielen/${pathPart(branchNumber)}`),
        {
          source: 'kvk',
          // A branch that moved to another company is not shown as one of this company.
          keyOf: (branch) => ((branch.kvkNummer ?? kvkNumber) === kvkNumber ? branch.vestigingsnummer : []),
        },
      );
      return branch === null ? null : toBranchDetails(branch);
    }),
});

/** The maximum number of results on a page of the register. */
const RESULTS_PER_PAGE = 100;
/**
 * The register returns up to 1,000 results. A name with more than three pages of results in one place does not identify
 * a company.
 */
const MAX_PAGES = 3;
/**
 * A search may find a company by a name that it does not show. The profiles of this many companies are read for all
 * names.
 */
const MAX_PROFILES = 5;

/**
 * The companies with exactly this name in the place. The search also finds similar names, and returns one name of each
 * company. If that is another name, the names in the register decide.
 */
export const companiesByNameAndPlace = defineLoader<RestClient, NameAndPlace, readonly CompanyRecord[]>({
  name: 'companiesByNameAndPlace',
  keyText: ({ name, place }) => JSON.stringify([sameName(name), sameName(place)]),
  about: (_, found) => found.flatMap(({ kvkNumber }) => (kvkNumber === null ? [] : aboutCompany(kvkNumber))),
  loadEach: (keys, kvk) =>
    callEach(keys, async ({ name, place }) => {
      const results = await search({ name, place }, kvk);
      const wanted = sameName(name);
      const exact = new Set(
        results.filter(({ naam }) => sameName(naam ?? '') === wanted).map(({ kvkNummer }) => kvkNummer),
      );
      if (exact.size > 0) return [...exact].map(toRecord);
      const others = [...new Set(results.map(({ kvkNummer }) => kvkNummer))];
      if (others.length > MAX_PROFILES) return [];
      const found = await registrations.load(others, kvk);
      return found.flatMap((registration) => {
        if (registration instanceof Error) throw registration;
        if (registration === null) return [];
        const { kvkNumber, registeredName, statutoryName, tradeNames } = registration;
        const names = [registeredName, statutoryName, ...tradeNames];
        return names.some((name) => sameName(name ?? '') === wanted) ? [toRecord(kvkNumber)] : [];
      });
    }),
});

async function search({ name, place }: NameAndPlace, kvk: RestClient): Promise<SearchPage['resultaten']> {
  const { items } = await pages({
    source: 'kvk',
    what: 'companies by this name',
    maxPages: MAX_PAGES,
    // A search that finds nothing is a 404.
    read: (link: string | undefined) =>
      link === undefined
        ? kvk.get(searchPage, '/v2/zoeken', {
            naam: name,
            plaats: place,
            resultatenPerPagina: RESULTS_PER_PAGE,
          })
        : kvk.follow(searchPage, link),
    items: ({ resultaten }) => resultaten,
    next: ({ volgende }) => volgende,
  });
  return items;
}

function toRecord(kvkNumber: string): CompanyRecord {
  return { kvkNumber, vatNumber: null };
}

function sameName(name: string): string {
  return name.normalize('NFC').trim().replace(/\s+/g, ' ').toLowerCase();
}
