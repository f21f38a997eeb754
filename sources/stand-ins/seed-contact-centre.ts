import { createRandom, type Random } from './random.js';
import { zendeskUserId } from './seed-ids.js';
import type { Person, SeedTicket } from './world.js';

/** What a customer thought of how a ticket was dealt with, once it was asked. */
export interface SeedRating {
  score: 'offered' | 'good' | 'bad';
  comment: string | null;
}

const praise = ['Snel en vriendelijk geholpen.', 'Prima, dank u wel!', 'Duidelijk antwoord, opgelost.'];
const complaints = ['Moest er drie keer achteraan bellen.', 'Het duurde veel te lang.'];

/**
 * Adds what hangs on tickets and users: ratings, who is copied in, and the organisation. By chance of its own, so that
 * nothing else of a person depends on it.
 */
export function addSupportRelations(person: Person, place: number, { isRich }: { isRich: boolean }): void {
  const { contactCentre, crm } = person;
  if (contactCentre === undefined) return;
  const random = createRandom('contact-centre-relations', place);
  // Whom sales knows by a company is not always put under it by the help desk.
  const isOfCompany = random.chance(0.7) || isRich;
  const copiedPlace = copiedPlaceOf(place);
  const firstDone = contactCentre.tickets.findIndex(isDone);
  person.contactCentre = {
    ...contactCentre,
    ...(isOfCompany && crm?.companyId !== undefined && { companyId: crm.companyId }),
    tickets: contactCentre.tickets.map((ticket, index) => {
      const rating = createRating(random, isRich && index === firstDone);
      const isCopied = random.chance(0.2) || place < firstOrdinaryPlace;
      return {
        ...ticket,
        ...(isDone(ticket) && { rating }),
        ...(copiedPlace !== undefined && isCopied && { copiedTo: [zendeskUserId(copiedPlace)] }),
      };
    }),
  };
}

/** As seed.ts gives places. */
const firstOrdinaryPlace = 1_000;
const everywhere = 1;
const shared = 401;

/** Whoever comes before in the list of customers, when the contact centre knows them; hardly any special person. */
function copiedPlaceOf(place: number): number | undefined {
  if (place === shared) return everywhere;
  const number = place - firstOrdinaryPlace;
  return number > 1 && number % 11 !== 7 ? place - 1 : undefined;
}

function isDone({ status }: SeedTicket): boolean {
  return status === 'solved' || status === 'closed';
}

function createRating(random: Random, isPraised: boolean): SeedRating {
  const chance = random.pick(['offered', 'offered', 'good', 'good', 'bad'] as const);
  const score = isPraised ? 'good' : chance;
  const comment = random.pick(score === 'bad' ? complaints : praise);
  const isSilent = random.chance(0.4) && !isPraised;
  return { score, comment: score === 'offered' || isSilent ? null : comment };
}
