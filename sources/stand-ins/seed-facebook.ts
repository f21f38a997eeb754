import { createRandom } from './random.js';
import { after, before, dayMs, minuteMs, worldNow } from './seed-time.js';

/** Meta's data about a person, as far as the shop's page may see them. */
export interface FacebookPart {
  /** The id is valid for the shop's page only. */
  userId: string;
  pictureUrl: string;
  conversations: {
    id: string;
    updatedAt: string;
    unreadCount: number;
    /** Oldest first. */
    messages: { id: string; byCustomer: boolean; text: string; createdAt: string }[];
  }[];
  leads: { id: string; formId: string; campaign?: string; interest: string; createdAt: string }[];
}

/** The shop's page, and its forms. */
export const pageId = '104567890123456';
export const leadForms = [
  { id: '880001112223331', name: 'Nieuwsbrief' },
  { id: '880001112223332', name: 'Offerte zakelijk' },
  { id: '880001112223333', name: 'Prijsvraag' },
] as const;

const questions = [
  'Zijn jullie zondag open?',
  'Is de blauwe nog leverbaar?',
  'Mijn pakket is er nog niet.',
  'Dank!',
];
const replies = ['Goedemiddag, dat zoeken we uit.', 'Ja hoor!', 'Fijn, tot ziens.'];
const interests = ['Fietsen', 'Tuin', 'Keuken'];

/** A unique id per place, above the integers that a JavaScript number represents exactly. */
export function facebookUserId(place: number): string {
  return String(24_100_000_000_000_000n + BigInt(place) * 7_919n);
}

export function createFacebookPart(place: number, { isRich }: { isRich: boolean }): FacebookPart {
  const random = createRandom('facebook', place);
  const isTalkative = isRich || random.chance(0.6);
  const startedAt = before(worldNow, random.integer(2, 300) * dayMs);
  let moment = startedAt;
  const messages = Array.from({ length: isTalkative ? random.integer(3, 8) : 0 }, (_, index) => {
    const byCustomer = index % 2 === 0;
    moment = after(moment, random.integer(1, 600) * minuteMs);
    return {
      id: `m_${place}_${index}`,
      byCustomer,
      text: random.pick(byCustomer ? questions : replies),
      createdAt: moment,
    };
  });
  const leadCount = isRich ? 2 : random.integer(0, 1);
  return {
    userId: facebookUserId(place),
    pictureUrl: `https://platform-lookaside.fbsbx.com/platform/profilepic/?psid=${facebookUserId(place)}`,
    conversations:
      messages.length === 0
        ? []
        : [{ id: `t_${place}0001`, updatedAt: moment, unreadCount: random.integer(0, 2), messages }],
    leads: Array.from({ length: leadCount }, (_, index) => ({
      id: String(770_000_000_000_000n + BigInt(place * 4 + index)),
      formId: random.pick(leadForms).id,
      ...(random.chance(0.6) && { campaign: 'Najaar 2026' }),
      interest: random.pick(interests),
      createdAt: before(worldNow, random.integer(1, 80) * dayMs + index * minuteMs),
    })),
  };
}
