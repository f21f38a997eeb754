import { after, dayMs } from './seed-time.js';

/** What the shop noted of one purpose and channel. */
export interface SeedConsent {
  purpose: 'PERSONALISATION' | 'MARKETING' | 'ANALYTICS';
  /** Null: for all. */
  channel: 'EMAIL' | 'SMS' | null;
  status: 'GIVEN' | 'REFUSED' | 'WITHDRAWN' | 'ASKED';
  /** ISO date-time with Z. */
  changedAt: string;
  expiresAt: string | null;
  evidence: string | null;
}

/** What the webshop noted of one channel, in the vendor's words. */
export interface ShopConsent {
  state: 'SUBSCRIBED' | 'NOT_SUBSCRIBED' | 'UNSUBSCRIBED' | 'PENDING';
  optInLevel: 'SINGLE_OPT_IN' | 'CONFIRMED_OPT_IN' | null;
  /** ISO date-time with Z; null when nothing was ever said. */
  updatedAt: string | null;
}

type Noted = SeedConsent['status'] | 'EXPIRED' | undefined;

/** What a person said, by system; left out is nothing. */
export interface ConsentPlan {
  personalisation?: Noted;
  analytics?: Noted;
  /** Marketing, by any channel. */
  marketing?: Noted;
  email?: Noted;
  sms?: Noted;
  shopEmail?: ShopConsent['state'];
  shopSms?: ShopConsent['state'];
  /** In the CRM, of all marketing mail; else it is as chance has it. */
  mailOptOut?: boolean;
}

/** Of special people of whom nothing else is said. */
export const willing: ConsentPlan = {
  personalisation: 'GIVEN',
  email: 'GIVEN',
  shopEmail: 'SUBSCRIBED',
};

/** By fixed rules, so that each case is easy to find; they are in README.md. */
export function ordinaryConsents(number: number): ConsentPlan {
  const of = <T>(modulus: number, cases: Partial<Record<number, T>>): T | undefined =>
    cases[number % modulus];
  return {
    personalisation:
      number % 20 === 19
        ? undefined
        : (of<Noted>(10, { 7: 'REFUSED', 8: 'WITHDRAWN', 9: 'EXPIRED' }) ?? 'GIVEN'),
    analytics: number % 4 === 0 ? 'REFUSED' : 'GIVEN',
    marketing: number % 30 === 16 ? 'WITHDRAWN' : undefined,
    email: of(6, { 0: 'WITHDRAWN', 1: 'ASKED', 3: 'GIVEN', 4: 'GIVEN', 5: 'GIVEN' }),
    sms: of(7, { 3: 'REFUSED', 5: 'GIVEN', 6: 'GIVEN' }),
    shopEmail:
      of(15, { 3: 'NOT_SUBSCRIBED', 4: 'UNSUBSCRIBED', 9: 'PENDING', 14: 'NOT_SUBSCRIBED' }) ?? 'SUBSCRIBED',
    shopSms: of(8, { 5: 'SUBSCRIBED', 6: 'UNSUBSCRIBED' }) ?? 'NOT_SUBSCRIBED',
  };
}

/** Before any day on which these data may be looked at. */
const longAgo = { changedAt: '2018-06-01T08:00:00Z', expiresAt: '2019-06-01T08:00:00Z' };

export function createConsents(plan: ConsentPlan, createdAt: string): SeedConsent[] {
  const noted = (
    purpose: SeedConsent['purpose'],
    channel: SeedConsent['channel'],
    status: Noted,
    evidence: string,
  ): SeedConsent[] => {
    if (status === undefined) return [];
    // A no comes after the yes that it takes back.
    const changedAt = after(createdAt, (status === 'WITHDRAWN' ? 20 : 1) * dayMs);
    return status === 'EXPIRED'
      ? [{ purpose, channel, status: 'GIVEN', evidence, ...longAgo }]
      : [{ purpose, channel, status, changedAt, expiresAt: null, evidence }];
  };
  return [
    ...noted('PERSONALISATION', null, plan.personalisation, 'Privacykeuzes op de website'),
    ...noted('ANALYTICS', null, plan.analytics, 'Privacykeuzes op de website'),
    ...noted('MARKETING', null, plan.marketing, 'Klantenservice'),
    ...noted('MARKETING', 'EMAIL', plan.email, 'Aankruisvakje bij het bestellen'),
    ...noted('MARKETING', 'SMS', plan.sms, 'Aankruisvakje bij het bestellen'),
  ];
}

export function createShopConsent(
  state: ShopConsent['state'] = 'NOT_SUBSCRIBED',
  createdAt: string,
): ShopConsent {
  if (state === 'NOT_SUBSCRIBED') return { state, optInLevel: null, updatedAt: null };
  return {
    state,
    optInLevel: state === 'SUBSCRIBED' ? 'CONFIRMED_OPT_IN' : 'SINGLE_OPT_IN',
    updatedAt: after(createdAt, (state === 'UNSUBSCRIBED' ? 30 : 2) * dayMs),
  };
}
