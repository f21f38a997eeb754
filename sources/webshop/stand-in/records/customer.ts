import { connection, type PageArguments } from '../connection.js';
import { gid } from '../gid.js';
import type { ShopCustomer } from '../shop.js';
import { moneyV2 } from './money.js';

export function customerRecord(customer: ShopCustomer): object {
  const { id, person, webshop, updatedAt } = customer;
  return {
    __typename: 'Customer',
    id: gid('Customer', id),
    legacyResourceId: id,
    displayName: `${person.firstName} ${person.lastName}`,
    firstName: person.firstName,
    lastName: person.lastName,
    email: person.email,
    phone: person.phone,
    verifiedEmail: true,
    validEmailAddress: true,
    state: webshop.numberOfOrders > 0 ? 'ENABLED' : 'DISABLED',
    locale: 'nl',
    tags: () => (webshop.emailConsent.state === 'SUBSCRIBED' ? ['nieuwsbrief'] : []),
    note: null,
    taxExempt: false,
    dataSaleOptOut: false,
    canDelete: webshop.numberOfOrders === 0,
    createdAt: person.createdAt,
    updatedAt,
    lifetimeDuration: () => lifetime(person.createdAt),
    amountSpent: moneyV2(webshop.amountSpentCents),
    numberOfOrders: String(webshop.numberOfOrders),
    defaultAddress: () => addressRecord(customer),
    addresses: ({ first }: { first?: number | null }) =>
      [addressRecord(customer)].slice(0, first ?? undefined),
    addressesV2: (page: PageArguments) =>
      connection([customer], page, { idOf: () => id, record: addressRecord }),
    // Read each time, because it may change.
    emailMarketingConsent: () => consentState(webshop.emailConsent),
    smsMarketingConsent: () => ({
      ...consentState(webshop.smsConsent),
      // Unlike that of e-mail, it is never null.
      marketingOptInLevel: webshop.smsConsent.optInLevel ?? 'SINGLE_OPT_IN',
      consentCollectedFrom: 'OTHER',
    }),
    productSubscriberStatus: 'NEVER_SUBSCRIBED',
  };
}

function consentState({ state, optInLevel, updatedAt }: ShopCustomer['webshop']['emailConsent']): object {
  return { marketingState: state, marketingOptInLevel: optInLevel, consentUpdatedAt: updatedAt };
}

function lifetime(since: string): string {
  const years = Math.floor((Date.now() - Date.parse(since)) / (365.25 * 24 * 60 * 60 * 1000));
  return years < 1 ? 'less than a year' : `about ${years} ${years === 1 ? 'year' : 'years'}`;
}

export function addressRecord({ id, person }: ShopCustomer): object {
  const { firstName, lastName, address, phone } = person;
  const name = `${firstName} ${lastName}`;
  const address1 = `${address.street} ${address.houseNumber}`;
  return {
    __typename: 'MailingAddress',
    id: gid('MailingAddress', `${id}?model_name=CustomerAddress`),
    firstName,
    lastName,
    name,
    company: null,
    address1,
    address2: null,
    zip: address.postcode,
    city: address.city,
    // The vendor stores no province in Dutch addresses.
    province: null,
    provinceCode: null,
    country: 'Netherlands',
    countryCode: address.country,
    countryCodeV2: address.country,
    phone,
    formatted: ({ withName }: { withName: boolean }) => [
      ...(withName ? [name] : []),
      address1,
      `${address.postcode} ${address.city}`,
      'Netherlands',
    ],
    formattedArea: `${address.city}, Netherlands`,
    latitude: null,
    longitude: null,
    coordinatesValidated: false,
    timeZone: 'Europe/Amsterdam',
  };
}
