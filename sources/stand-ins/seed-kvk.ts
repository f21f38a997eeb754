import { createRandom, type Random } from './random.js';
import { rsinOf } from './seed-catalogue.js';
import { cities, industries, postcodeLetters, streets } from './seed-words.js';
import type { SeedCompany } from './world.js';

/** A company in the trade register. Days are `yyyymmdd`, as the register writes them. */
export interface SeedRegistration {
  kvkNumber: string;
  name: string;
  /** Only for legal forms with statutes. */
  statutoryName?: string;
  /** Only for legal persons and partnerships. */
  rsin?: string;
  legalForm: string;
  legalFormInFull: string;
  registeredOn: string;
  startedOn: string;
  hasRefusedAdvertising: boolean;
  /** The first is the main one. */
  activities: { code: string; description: string }[];
  /** The first is the main one. */
  branches: SeedBranch[];
  ownerAddress?: SeedBranchAddress;
  website?: string;
}

export interface SeedBranch {
  /** Twelve digits. */
  number: string;
  tradeNames: string[];
  isCommercial: boolean;
  registeredOn: string;
  startedOn: string;
  fullTime: number;
  partTime: number;
  addresses: SeedBranchAddress[];
}

export interface SeedBranchAddress {
  type: 'bezoekadres' | 'correspondentieadres';
  /** Whether the address is protected: then the register only says that there is one. */
  isShielded?: true;
  street?: string;
  houseNumber?: number;
  houseLetter?: string;
  poBox?: number;
  postcode: string;
  city: string;
}

const activities: readonly { code: string; description: string }[] = [
  { code: '1071', description: 'Vervaardiging van brood en vers banketbakkerswerk' },
  { code: '45112', description: 'Handel in en reparatie van personenauto’s en lichte bedrijfsauto’s' },
  { code: '18129', description: 'Overige drukkerijen' },
  { code: '4120', description: 'Algemene burgerlijke en utiliteitsbouw' },
  { code: '0119', description: 'Teelt van overige eenjarige gewassen' },
  { code: '70221', description: 'Organisatie-adviesbureaus' },
  { code: '55101', description: 'Hotel-restaurants' },
  { code: '86912', description: 'Praktijken van fysiotherapeuten' },
  { code: '4941', description: 'Goederenvervoer over de weg (geen verhuizingen)' },
];

/** The companies that other systems know, then those of the register alone. */
export function createRegister(companies: readonly SeedCompany[]): SeedRegistration[] {
  return [...companies.map(registrationOf), sampleRegistration, ...namesakes()];
}

function registrationOf(company: SeedCompany, index: number): SeedRegistration {
  const random = createRandom('kvk', index);
  const form = formOf(company.name);
  const year = random.integer(1971, 2024);
  const started = dayOf(random, year);
  // The company with the most branches has more than a page of them.
  const branchCount = index === 2 ? 130 : random.pick([1, 1, 2, 4]);
  const main = activities[industries.indexOf(company.industry)] ?? random.pick(activities);
  const other = random.pick(activities);
  return {
    kvkNumber: company.kvkNumber,
    name: company.name,
    ...(form.hasStatutes && { statutoryName: company.name }),
    ...(!form.isPerson && { rsin: index === 4 ? '858100009' : rsinOf(index) }),
    legalForm: form.legalForm,
    legalFormInFull: form.inFull,
    registeredOn: dayOf(random, year),
    // The register may know only the year of an old date.
    startedOn: year < 1980 ? `${year}0000` : started,
    hasRefusedAdvertising: random.chance(0.6),
    activities: main.code === other.code ? [main] : [main, other],
    branches: Array.from({ length: branchCount }, (_, branch) =>
      branchOf(random, company, index * 1_000 + branch, branch, branchCount),
    ),
    ...(!form.isPerson && { ownerAddress: addressOf(random, 'correspondentieadres', company.city) }),
    website: company.domain,
  };
}

function branchOf(
  random: Random,
  company: SeedCompany,
  number: number,
  branch: number,
  branchCount: number,
): SeedBranch {
  // A company with very many branches has all of them in one town.
  const city = branch === 0 || branchCount > 100 ? company.city : random.pick(cities).name;
  const people = Math.floor(company.numberOfEmployees / branchCount);
  const started = dayOf(random, random.integer(2000, 2024));
  return {
    number: String(12_345_678 + number * 37).padStart(12, '0'),
    tradeNames:
      branch === 0
        ? [company.name, `${company.name.split(' ')[0] ?? ''} Direct ${company.city}`]
        : [`${company.name} ${city} ${branch}`],
    isCommercial: branch % 5 !== 3,
    registeredOn: started,
    startedOn: started,
    fullTime: Math.ceil(people / 2),
    partTime: Math.floor(people / 2),
    addresses: [
      // A person at this branch is threatened, so its address is hidden.
      branch === 1 && number % 3 === 0
        ? { ...addressOf(random, 'bezoekadres', city), isShielded: true }
        : addressOf(random, 'bezoekadres', city),
      ...(branch === 0
        ? [
            {
              type: 'correspondentieadres' as const,
              poBox: random.integer(1, 999),
              postcode: postcodeOf(random, city),
              city,
            },
          ]
        : []),
    ],
  };
}

function addressOf(random: Random, type: SeedBranchAddress['type'], city: string): SeedBranchAddress {
  return {
    type,
    street: random.pick(streets),
    houseNumber: random.integer(1, 400),
    ...(random.chance(0.2) && { houseLetter: random.pick(['A', 'B', 'M']) }),
    postcode: postcodeOf(random, city),
    city,
  };
}

/** As the register writes it, without a blank. */
function postcodeOf(random: Random, city: string): string {
  const prefix = cities.find(({ name }) => name === city)?.postcodePrefix ?? '10';
  return `${prefix}${random.integer(10, 99)}${random.pick(postcodeLetters)}`;
}

function dayOf(random: Random, year: number): string {
  const two = (number: number) => String(number).padStart(2, '0');
  return `${year}${two(random.integer(1, 12))}${two(random.integer(1, 28))}`;
}

function formOf(name: string) {
  if (name.endsWith('B.V.'))
    return {
      legalForm: 'BeslotenVennootschap',
      inFull: 'Besloten vennootschap met gewone structuur',
      hasStatutes: true,
      isPerson: false,
    };
  if (name.endsWith('N.V.'))
    return {
      legalForm: 'NaamlozeVennootschap',
      inFull: 'Naamloze vennootschap',
      hasStatutes: true,
      isPerson: false,
    };
  if (name.endsWith('V.O.F.'))
    return {
      legalForm: 'VennootschapOnderFirma',
      inFull: 'Vennootschap onder firma',
      hasStatutes: false,
      isPerson: false,
    };
  return { legalForm: 'Eenmanszaak', inFull: 'Eenmanszaak', hasStatutes: false, isPerson: true };
}

/** A sole trader from the KvK's test service. Fields that the service does not have are made up. */
const sampleRegistration: SeedRegistration = {
  kvkNumber: '69599084',
  name: 'Test EMZ Dagobert',
  legalForm: 'Eenmanszaak',
  legalFormInFull: 'Eenmanszaak',
  registeredOn: '20170710',
  startedOn: '20170108',
  hasRefusedAdvertising: true,
  activities: [
    {
      code: '10110',
      description: 'Verwerking en conservering van vlees, met uitzondering van vlees van gevogelte',
    },
    { code: '10120', description: 'Verwerking en conservering van vlees van gevogelte' },
    { code: '10130', description: 'Vervaardiging van vleesproducten' },
  ],
  branches: [
    {
      number: '000038509504',
      tradeNames: [
        'Test EMZ Dagobert',
        'Tweede handelsnaam 1MZ',
        'Derde handelsnaam 1MZ',
        'Vierde handelsnaam 1MZ',
      ],
      isCommercial: true,
      registeredOn: '20200828',
      startedOn: '20150828',
      fullTime: 1,
      partTime: 0,
      addresses: [
        {
          type: 'bezoekadres',
          street: 'Abebe Bikilalaan',
          houseNumber: 17,
          houseLetter: 'M',
          postcode: '1034WL',
          city: 'Amsterdam',
        },
      ],
    },
    {
      number: '000038509520',
      tradeNames: [
        'Test EMZ Nevenvestiging Govert',
        'Tweede handelsnaam Vestiging2',
        'Derde handelsnaam Vestiging2',
        'Vierde handelsnaam Vestiging2',
      ],
      isCommercial: true,
      registeredOn: '20200828',
      startedOn: '20150828',
      fullTime: 0,
      partTime: 0,
      addresses: [
        { type: 'bezoekadres', street: 'Geneinde', houseNumber: 1, postcode: '6211AA', city: 'Maastricht' },
      ],
    },
  ],
};

/** Two companies with the same name in one town. */
function namesakes(): SeedRegistration[] {
  return ['90112233', '90112241'].map((kvkNumber, i) => {
    const random = createRandom('kvk-namesake', i);
    return {
      kvkNumber,
      name: 'Lunchroom De Hoek',
      legalForm: 'Eenmanszaak',
      legalFormInFull: 'Eenmanszaak',
      registeredOn: '20190401',
      startedOn: '20190401',
      hasRefusedAdvertising: false,
      activities: [
        { code: '56102', description: 'Fastfoodrestaurants, cafetaria’s, ijssalons, eetkramen e.d.' },
      ],
      branches: [
        {
          number: `00009011${i}001`,
          tradeNames: ['Lunchroom De Hoek'],
          isCommercial: true,
          registeredOn: '20190401',
          startedOn: '20190401',
          fullTime: 1,
          partTime: 2,
          addresses: [addressOf(random, 'bezoekadres', 'Utrecht')],
        },
      ],
    };
  });
}
