import * as made from '../made-up.js';
import { object, personal, plain, secret, type RightSystem } from '../right-answers.js';

const { each } = made;
const name = (samples: readonly unknown[]) => personal('IDENTITY', samples, { mask: 'INITIAL' });
const street = (samples: readonly unknown[]) => personal('CONTACT', samples, { mask: 'ALL' });
const device = (samples: readonly unknown[]) =>
  personal(['BEHAVIOUR', 'IDENTITY'], samples, { mask: 'LAST_FOUR' });
const ip = personal(['BEHAVIOUR', 'CONTACT'], made.ips, { mask: 'ALL' });
const url = (samples: readonly unknown[]) => personal('BEHAVIOUR', samples, { mask: 'ALL' });
const visitorIds = each((i) => made.hex(i, 16));

export const matomo: RightSystem = {
  source: 'matomo',
  kind: 'rest',
  customer: 'MatomoVisitor',
  finds: { visitorId: 'not unique', userId: 'not unique' },
  identity: {
    id: 'visitorId',
    yields: [['email', 'userId', 'one']],
    name: [],
  },
  types: {
    MatomoVisitor: {
      category: 'BEHAVIOUR',
      id: 'visitorId',
      fields: {
        visitorId: device(visitorIds),
        userId: personal(['CONTACT', 'IDENTITY'], made.emails, { mask: 'EMAIL' }),
        totalVisits: plain(made.counts),
        totalVisitDuration: plain(made.ids),
        totalActions: plain(made.counts),
        totalPageViews: plain(made.counts),
        totalGoalConversions: plain(made.counts),
        hasLatLong: plain(made.smallIds),
        visits: object('MatomoVisit', 'BEHAVIOUR', { isList: true, call: 'visits' }),
      },
    },
    MatomoVisit: {
      category: 'BEHAVIOUR',
      id: 'idVisit',
      fields: {
        idVisit: plain(made.otherIds),
        visitIp: ip,
        fingerprint: device(each((i) => made.hex(i, 16, 3))),
        visitorType: plain(each((i) => ['new', 'returning'][i % 2])),
        visitCount: plain(made.counts),
        visitDuration: plain(made.ids),
        daysSinceFirstVisit: plain(made.counts),
        lastActionDateTime: plain(made.localTimes),
        siteName: plain(each(() => 'Shop')),
        siteCurrency: plain(made.currencies),
        referrerType: plain(each((i) => ['direct', 'search'][i % 2])),
        referrerUrl: url(made.urls),
        referrerKeyword: personal(
          'BEHAVIOUR',
          each((i) => ['desk lamp', 'notebook'][i % 2]),
        ),
        deviceType: plain(each((i) => ['Desktop', 'Smartphone'][i % 2])),
        browserName: plain(each((i) => ['Firefox', 'Safari'][i % 2])),
        operatingSystem: plain(each((i) => ['Windows', 'iOS'][i % 2])),
        country: personal(
          ['CONTACT', 'BEHAVIOUR'],
          each(() => 'Netherlands'),
        ),
        countryCode: personal(
          ['CONTACT', 'BEHAVIOUR'],
          each(() => 'nl'),
        ),
        region: personal(['CONTACT', 'BEHAVIOUR'], made.regions),
        city: personal(['CONTACT', 'BEHAVIOUR'], made.cities),
        latitude: personal(
          ['CONTACT', 'BEHAVIOUR'],
          each((i) => `52.0${907 + i}`),
          { mask: 'ALL' },
        ),
        longitude: personal(
          ['CONTACT', 'BEHAVIOUR'],
          each((i) => `5.1${214 + i}`),
          { mask: 'ALL' },
        ),
        languageCode: personal(
          'TRAIT',
          each(() => 'nl-nl'),
        ),
        resolution: plain(each(() => '1920x1080')),
      },
    },
  },
};

export const segment: RightSystem = {
  source: 'segment',
  kind: 'rest',
  customer: 'SegmentProfile',
  finds: { userId: 'unique', 'traits.email': 'not unique' },
  identity: {
    id: 'userId',
    yields: [
      ['visitorId', 'anonymousId', 'shown'],
      ['email', 'traits.email', 'one'],
      ['phone', 'traits.phone', 'shown'],
    ],
    name: ['traits.firstName', 'traits.lastName'],
  },
  types: {
    SegmentProfile: {
      category: 'RELATION',
      id: 'userId',
      fields: {
        userId: personal(
          'IDENTITY',
          each((i) => made.hex(i, 13, 5)),
          { mask: 'LAST_FOUR' },
        ),
        anonymousId: device(each((i) => made.hex(i, 24, 7))),
        'traits.name': name(made.fullNames),
        'traits.firstName': name(made.givenNames),
        'traits.lastName': name(made.familyNames),
        'traits.email': personal('CONTACT', made.emails, { mask: 'EMAIL' }),
        'traits.phone': personal('CONTACT', made.mobiles, { mask: 'LAST_FOUR' }),
        'traits.birthday': personal('TRAIT', made.birthDates, { mask: 'YEAR' }),
        'traits.gender': personal(
          'TRAIT',
          each((i) => ['female', 'male'][i % 2]),
        ),
        'traits.age': personal(
          'TRAIT',
          each((i) => 31 + i),
        ),
        'traits.title': personal(['TRAIT', 'IDENTITY'], made.jobTitles),
        'traits.avatar': personal(['SOCIAL', 'IDENTITY'], made.avatars, { mask: 'ALL' }),
        'traits.username': personal('IDENTITY', made.usernames, { mask: 'ALL' }),
        'traits.plan': personal(
          'RELATION',
          each((i) => ['free', 'premium'][i % 2]),
        ),
        'traits.logins': personal(['BEHAVIOUR', 'RELATION'], made.counts),
        'traits.createdAt': plain(made.createdAt, 'DateTime'),
        'traits.address.street': street(made.streets),
        'traits.address.city': personal('CONTACT', made.cities),
        'traits.address.state': personal('CONTACT', made.regions),
        'traits.address.postalCode': personal('CONTACT', made.postcodes, { mask: 'INITIAL' }),
        'traits.address.country': personal('CONTACT', made.countries),
        'context.ip': ip,
        'context.locale': personal(
          'TRAIT',
          each(() => 'nl-NL'),
        ),
        'context.timezone': personal(
          ['TRAIT', 'BEHAVIOUR', 'CONTACT'],
          each(() => 'Europe/Amsterdam'),
        ),
        'context.userAgent': personal('BEHAVIOUR', made.userAgents),
        receivedAt: plain(made.createdAt, 'DateTime'),
        version: plain(each(() => '1.1')),
        events: object('SegmentTrack', 'BEHAVIOUR', { isList: true, call: 'events' }),
      },
    },
    SegmentTrack: {
      category: 'BEHAVIOUR',
      id: 'messageId',
      fields: {
        messageId: plain(made.otherUuids),
        event: plain(each((i) => ['Product Viewed', 'Order Completed'][i % 2])),
        type: plain(each(() => 'track')),
        anonymousId: device(each((i) => made.hex(i, 24, 7))),
        userId: personal(
          'IDENTITY',
          each((i) => made.hex(i, 13, 5)),
          { mask: 'LAST_FOUR' },
        ),
        timestamp: plain(made.createdAt, 'DateTime'),
        'context.page.url': url(made.urls),
        'context.page.path': personal(
          'BEHAVIOUR',
          each((i) => `/offers/${40 + i}`),
        ),
        'context.page.title': personal(
          'BEHAVIOUR',
          each((i) => ['Offers', 'Cart'][i % 2]),
        ),
        'context.page.referrer': url(made.urls),
        'context.page.search': url(each((i) => `?q=lamp-${i}`)),
        'context.campaign.name': plain(each(() => 'Spring')),
        'context.device.id': device(made.uuids),
        'context.device.advertisingId': device(made.otherUuids),
        'context.device.token': secret(each((i) => made.hex(i, 64))),
        'context.device.model': plain(each(() => 'iPhone15,2')),
        'context.os.name': plain(each(() => 'iOS')),
        'context.ip': ip,
        'context.userAgent': personal('BEHAVIOUR', made.userAgents),
      },
    },
  },
};
