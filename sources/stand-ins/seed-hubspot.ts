import { createRandom } from './random.js';
import { hubspotTicketId } from './seed-ids.js';
import { after, before, dayMs, worldNow } from './seed-time.js';

/** The kinds of mail that people can unsubscribe from in the shop's CRM. */
export const mailKinds = [
  { id: '482110071', name: 'Nieuwsbrief' },
  { id: '482110072', name: 'Aanbiedingen' },
  { id: '482110079', name: 'Klantonderzoek' },
] as const;

/** A person's statements about marketing mail, newest first. */
export interface MailChoice {
  /** The kind of mail. Without it, the statement is about all kinds. */
  kindId?: string;
  changes: { isOut: boolean; at: string; source: 'EMAIL' | 'FORM' | 'CRM_UI' }[];
}

export interface MarketingPart {
  isMarketable: boolean;
  legalBases: string[];
  choices: MailChoice[];
}

const legalBases = [
  'Freely given consent from contact',
  'Legitimate interest – existing customer',
  'Performance of a contract',
];

export function createMarketingPart(
  { place, createdAt }: { place: number; createdAt: string },
  { isRich }: { isRich: boolean },
): MarketingPart {
  const random = createRandom('marketing', place);
  const lifeMs = Date.parse(worldNow) - Date.parse(createdAt);
  const choice = (kindId?: string): MailChoice => {
    const outAt = after(createdAt, random.fraction() * lifeMs);
    const out = { isOut: true, at: outAt, source: random.pick(['EMAIL', 'FORM', 'CRM_UI'] as const) };
    // Some people changed their mind.
    const back =
      !isRich && random.chance(0.2)
        ? [{ isOut: false, at: after(outAt, random.integer(1, 90) * dayMs), source: 'FORM' as const }]
        : [];
    return { ...(kindId !== undefined && { kindId }), changes: [...back, out] };
  };
  return {
    isMarketable: random.chance(0.8),
    legalBases: legalBases.filter((_, index) => random.chance(index === 0 ? 0.6 : 0.3)),
    choices: [
      ...(!isRich && random.chance(0.08) ? [choice()] : []),
      ...mailKinds.flatMap(({ id }, index) =>
        (isRich ? index === 1 : random.chance(0.15)) ? [choice(id)] : [],
      ),
    ],
  };
}

/** Without a statement the list is empty. A no to all marketing mail is later than the statements in the shop. */
export function mailOptOut(isOut: boolean, createdAt: string): MailChoice[] {
  return isOut ? [{ changes: [{ isOut, at: after(createdAt, 28 * dayMs), source: 'EMAIL' }] }] : [];
}

/** A question or complaint of a company. */
export interface SeedServiceTicket {
  id: string;
  subject: string;
  content: string;
  /** A stage of HubSpot's default pipeline: new, waiting on contact, waiting on us, closed. */
  stage: '1' | '2' | '3' | '4';
  priority: 'LOW' | 'MEDIUM' | 'HIGH' | null;
  createdAt: string;
  closedAt?: string;
}

const ticketsPerCompany = 8;
const subjects = [
  'Factuur klopt niet',
  'Levering op meerdere adressen',
  'Nieuwe contactpersoon doorgeven',
  'Prijsafspraak niet toegepast',
  'Retour van een deelzending',
];

/** Most companies have some tickets, and some have none. */
export function createServiceTickets(company: number): SeedServiceTicket[] {
  const random = createRandom('service-tickets', company);
  return Array.from({ length: company % 5 === 2 ? 0 : random.integer(1, 6) }, (_, index) => {
    const subject = random.pick(subjects);
    const createdAt = before(worldNow, random.integer(1, 500 * 24) * (dayMs / 24));
    const isClosed = random.chance(0.7);
    return {
      id: hubspotTicketId(company * ticketsPerCompany + index),
      subject,
      content: `${subject}. Graag terugbellen.`,
      stage: isClosed ? '4' : random.pick(['1', '2', '3']),
      priority: random.pick(['LOW', 'MEDIUM', 'MEDIUM', 'HIGH', null]),
      createdAt,
      ...(isClosed && { closedAt: after(createdAt, random.integer(1, 20) * dayMs) }),
    };
  });
}
