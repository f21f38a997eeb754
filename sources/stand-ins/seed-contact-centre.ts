import { createRandom, type Random } from './random.js';
import { zendeskUserId } from './seed-ids.js';
import type { Person, SeedTicket } from './world.js';

/** A customer's rating of a solved ticket. */
export interface SeedRating {
  score: 'offered' | 'good' | 'bad';
  comment: string | null;
}

const praise = ['Snel en vriendelijk geholpen.', 'Prima, dank u wel!', 'Duidelijk antwoord, opgelost.'];
const complaints = ['Moest er drie keer achteraan bellen.', 'Het duurde veel te lang.'];

/**
 * Adds the relations of tickets and users: ratings, copied users, and the organisation. It has its own pseudo-random numbers,
 * so that no other data of a person depend on it.
 */
export function addSupportRelations(person: Person, place: number, { isRich }: { isRich: boolean }): void {
  const { contactCentre, crm } = person;
  if (contactCentre === undefined) return;
  const random = createRandom('contact-centre-relations', place);
  // The help desk does not assign every person to the company that sales knows.
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

/** The places that seed.ts assigns. */
const firstOrdinaryPlace = 1_000;
const everywhere = 1;
const shared = 401;

/** The customer before this one in the list, if the contact centre knows that customer. It is hardly ever a special person. */
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
