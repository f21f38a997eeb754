import { createRandom, type Random } from './random.js';
import { after, dayMs, minuteMs, worldNow } from './seed-time.js';
import { dealNames, jobTitles } from './seed-words.js';
import type { SeedCompany } from './world.js';

/** A person's part of Salesforce: a contact and its related records. */
export interface SalesforcePart {
  contactId: string;
  /** The index in `World.companies`. */
  companyId?: string;
  title: string;
  /** The order system's customer number, as a sync would write it. No sync has written one yet. */
  customerNumber?: string;
  hasOptedOutOfEmail: boolean;
  doNotCall: boolean;
  /** ISO date-time with Z, as all times here. */
  createdAt: string;
  updatedAt: string;
  opportunities: {
    /** The id of the opportunity, and that of the contact's role in it. */
    id: string;
    roleId: string;
    role: 'Decision Maker' | 'Evaluator' | 'Business User' | null;
    name: string;
    amountCents: number | null;
    stage: 'Prospecting' | 'Negotiation/Review' | 'Closed Won' | 'Closed Lost';
    /** ISO date. */
    closeDate: string;
    createdAt: string;
  }[];
  cases: {
    id: string;
    caseNumber: string;
    subject: string;
    status: 'New' | 'Working' | 'Escalated' | 'Closed';
    priority: 'Low' | 'Medium' | 'High';
    origin: 'Phone' | 'Email' | 'Web';
    createdAt: string;
    closedAt: string | null;
    updatedAt: string;
  }[];
  campaigns: {
    /** The id of the membership. */
    id: string;
    /** The index in `seedCampaigns`. */
    campaignId: string;
    status: 'Sent' | 'Responded';
    /** ISO date. */
    respondedOn: string | null;
    createdAt: string;
  }[];
}

export interface SeedCampaign {
  id: string;
  name: string;
  type: 'Email' | 'Trade Show' | 'Webinar';
  status: 'Completed' | 'In Progress';
  startDate: string;
  endDate: string | null;
}

const letters = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The three characters with which the ids of each object begin. */
const prefixes = {
  account: '001',
  contact: '003',
  opportunity: '006',
  opportunityContactRole: '00K',
  case: '500',
  campaign: '701',
  campaignMember: '00v',
};

/** Eighteen characters: fifteen that are case-sensitive, and three that encode which of them are capitals. */
export function salesforceId(object: keyof typeof prefixes, number: number): string {
  if (number < 0 || number >= 10_000_000) throw new RangeError(`no identifier left for number ${number}`);
  let rest = (number * 618_033_989 + 271_828) % 56_800_235_584;
  let digits = '';
  for (let place = 0; place < 6; place++) {
    digits += letters[rest % 62] ?? '';
    rest = Math.floor(rest / 62);
  }
  const short = `${prefixes[object]}5g0000${digits}`;
  const suffix = [0, 5, 10].map((start) => {
    const capitals = Array.from(short.slice(start, start + 5), (letter) => /[A-Z]/.test(letter));
    return 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'[
      capitals.reduce((sum, isCapital, bit) => sum + (isCapital ? 2 ** bit : 0), 0)
    ];
  });
  return short + suffix.join('');
}

export const seedCampaigns: readonly SeedCampaign[] = (
  [
    ['Voorjaarsactie 2025', 'Email', 'Completed', '2025-03-01', '2025-04-15'],
    ['Vakbeurs Utrecht', 'Trade Show', 'Completed', '2025-09-10', '2025-09-12'],
    ['Webinar slim inkopen', 'Webinar', 'Completed', '2026-02-04', '2026-02-04'],
    ['Zomerbrief 2026', 'Email', 'Completed', '2026-06-01', '2026-08-31'],
    ['Najaarsbrief 2026', 'Email', 'In Progress', '2026-10-01', null],
  ] as const
).map(([name, type, status, startDate, endDate], index) => ({
  id: salesforceId('campaign', index + 1),
  name,
  type,
  status,
  startDate,
  endDate,
}));

const subjects = [
  'Offerte klopt niet met de afspraak',
  'Vraag over het servicecontract',
  'Nieuwe contactpersoon doorgeven',
  'Levering op een andere locatie',
  'Klacht over de vertegenwoordiger',
  'Factuur op een andere naam',
];

const perPlace = 8;

export function createSalesforcePart(
  { place, createdAt: knownSince }: { place: number; createdAt: string },
  companies: readonly SeedCompany[],
  { isRich = false }: { isRich?: boolean } = {},
): SalesforcePart {
  const random = createRandom('salesforce', place);
  const createdAt = after(knownSince, random.fraction() * 20 * dayMs);
  const lifeMs = Date.parse(worldNow) - Date.parse(createdAt);
  const moment = (): string => after(createdAt, random.fraction() * lifeMs);
  const company = random.pick(companies);
  const number = (index: number): number => place * perPlace + index;
  return {
    contactId: salesforceId('contact', place),
    ...((isRich || random.chance(0.6)) && { companyId: company.id }),
    title: random.pick(jobTitles),
    hasOptedOutOfEmail: !isRich && random.chance(0.1),
    doNotCall: isRich || random.chance(0.2),
    createdAt,
    updatedAt: moment(),
    opportunities: Array.from({ length: isRich ? 3 : random.integer(0, 2) }, (_, index) =>
      createOpportunity(random, moment(), number(index)),
    ),
    cases: Array.from({ length: isRich ? 4 : random.integer(0, 3) }, (_, index) =>
      createCase(random, moment(), number(index)),
    ),
    campaigns: seedCampaigns
      .filter(() => random.chance(isRich ? 0.8 : 0.4))
      .map(({ id, startDate }, index) => {
        const hasResponded = random.chance(0.4);
        return {
          id: salesforceId('campaignMember', number(index)),
          campaignId: id,
          status: hasResponded ? 'Responded' : 'Sent',
          respondedOn: hasResponded ? after(`${startDate}T09:00:00Z`, 3 * dayMs).slice(0, 10) : null,
          createdAt: `${startDate}T08:00:00Z`,
        };
      }),
  };
}

function createOpportunity(
  random: Random,
  createdAt: string,
  number: number,
): SalesforcePart['opportunities'][number] {
  return {
    id: salesforceId('opportunity', number),
    roleId: salesforceId('opportunityContactRole', number),
    role: random.pick(['Decision Maker', 'Evaluator', 'Business User', null]),
    name: random.pick(dealNames),
    amountCents: random.chance(0.15) ? null : random.integer(4, 900) * 1_250,
    stage: random.pick(['Prospecting', 'Negotiation/Review', 'Closed Won', 'Closed Lost']),
    closeDate: after(createdAt, random.integer(7, 90) * dayMs).slice(0, 10),
    createdAt,
  };
}

function createCase(random: Random, createdAt: string, number: number): SalesforcePart['cases'][number] {
  const status = random.pick(['New', 'Working', 'Escalated', 'Closed', 'Closed'] as const);
  const updatedAt = after(createdAt, random.integer(10, 5 * 24 * 60) * minuteMs);
  return {
    id: salesforceId('case', number),
    caseNumber: String(number).padStart(8, '0'),
    subject: random.pick(subjects),
    status,
    priority: random.pick(['Low', 'Medium', 'High']),
    origin: random.pick(['Phone', 'Email', 'Email', 'Web']),
    createdAt,
    closedAt: status === 'Closed' ? updatedAt : null,
    updatedAt,
  };
}
