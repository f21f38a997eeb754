import { after, dayMs } from './seed-time.js';

/** The shop's record about one purpose and channel. */
export interface SeedConsent {
  purpose: 'PERSONALISATION' | 'MARKETING' | 'ANALYTICS';
  /** Null is all channels. */
  channel: 'EMAIL' | 'SMS' | null;
  status: 'GIVEN' | 'REFUSED' | 'WITHDRAWN' | 'ASKED';
  /** ISO date-time with Z. */
  changedAt: string;
  expiresAt: string | null;
  evidence: string | null;
}

/** The webshop's record about one channel, with the values of Shopify. */
export interface ShopConsent {
  state: 'SUBSCRIBED' | 'NOT_SUBSCRIBED' | 'UNSUBSCRIBED' | 'PENDING';
  optInLevel: 'SINGLE_OPT_IN' | 'CONFIRMED_OPT_IN' | null;
  /** ISO date-time with Z. Null if there never was a statement. */
  updatedAt: string | null;
}

type Noted = SeedConsent['status'] | 'EXPIRED' | undefined;

/** A person's statements by system. A system without a statement is left out. */
export interface ConsentPlan {
  personalisation?: Noted;
  analytics?: Noted;
  /** Marketing, by any channel. */
  marketing?: Noted;
  email?: Noted;
  sms?: Noted;
  shopEmail?: ShopConsent['state'];
  shopSms?: ShopConsent['state'];
  /** The statement in the CRM about all marketing mail. If it is left out, it is pseudo-random. */
  mailOptOut?: boolean;
}

/** The consents of special people without consents of their own. */
export const willing: ConsentPlan = {
  personalisation: 'GIVEN',
  email: 'GIVEN',
  shopEmail: 'SUBSCRIBED',
};

/** The rules are fixed, so that each case is easy to find: see README.md. */
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

/** A day before every day on which these data are used. */
const longAgo = { changedAt: '2018-06-01T08:00:00Z', expiresAt: '2019-06-01T08:00:00Z' };

export function createConsents(plan: ConsentPlan, createdAt: string): SeedConsent[] {
  const noted = (
    purpose: SeedConsent['purpose'],
    channel: SeedConsent['channel'],
    status: Noted,
    evidence: string,
  ): SeedConsent[] => {
    if (status === undefined) return [];
    // A no is later than the yes that it revokes.
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
