import type { Recording } from '../../src/recordings/recording.js';

/** A made-up system for tests: a cycling club, as a declaration, an SDL and a recording. */

export const CLUB_YAML = `source: cycling-club
connect: { rest: "\${CLUB_URL}", auth: { bearer: "\${CLUB_TOKEN}" }, ping: /v2/status }
limits: { timeout: 2 s, concurrency: 4, rate: { calls: 1, per: 1 s } }
namespaces:
  memberNumber: { pattern: '^M\\d{5}$', description: "The number of a member, such as M00017." }
identity:
  recordKey: memberNumber
  id: no
  foundBy:
    memberNumber: { call: byNumber, uniqueness: enforced }
    email: { call: byEmail, uniqueness: usual }
  yields: { email: { one: mail } }
  profile: { name: [name.given, name.family] }
calls:
  byEmail: { get: "/v2/members?mail={keys|csv}", maxBatch: 20, rows: data.members, matching: lower }
  byNumber: { get: "/v2/members/{key}", notFound: [404, empty] }
  rides:
    get: /v2/members/{key}/rides
    rows: items
    notFound: [empty, 404]
    page: { cursor: meta.next, as: after, maxItems: 50 }
  lockers: { post: /v2/lockers/search, body: { members: "{keys}" }, maxBatch: 10, rows: lockers, key: member }
  mailings: { get: "/v2/mailings?to={keys|csv}", maxBatch: 20, rows: ., key: to, matching: lower }
fields:
  Customer.membership: { call: byNumber }
  Customer.clubMailings: { call: mailings, key: email }
  Membership.number: no
  Membership.level: { from: level, enum: { G: GOLD, S: SILVER } }
  Membership.fee: { from: feeCents, money: { minorUnits: 2, currency: EUR } }
  Membership.joinedAt: { from: joined, dateTime: { zone: Europe/Amsterdam } }
  Membership.givenName: name.given
  Membership.familyName: name.family
  Membership.rides: { call: rides, key: no, order: [-startedAt, code] }
  Membership.lockers: { call: lockers, key: no }
  Ride.startedAt: { from: start, dateTime: seconds }
  ClubMailing.subject: title
heldIdentifiers: [email]
`;

export const CLUB_SDL = `type Customer {
  "The membership of the cycling club. Source: the cycling club, queried live."
  membership: Membership @personalData(category: TRANSACTION) @requiresScopes(scopes: [["orders:read"]])
  "Mailings of the club. Source: the cycling club, queried live."
  clubMailings: [ClubMailing!] @personalData(category: TRANSACTION) @requiresScopes(scopes: [["orders:read"]])
}

"A membership."
type Membership @personalData(category: TRANSACTION) {
  "The number of the member."
  number: ID!
  "The level of the membership."
  level: ClubLevel
  "What it costs in a month."
  fee: Money
  "When it began."
  joinedAt: DateTime
  "The first name."
  givenName: String
  "The last name."
  familyName: String
  "Rides, the newest first."
  rides("How many, 1 to 100." first: Int! = 10 "The endCursor of the page before." after: String): RideConnection
  "Lockers at the club."
  lockers: [Locker!]
}

"The level of a membership."
enum ClubLevel {
  "With a locker."
  GOLD
  "Without a locker."
  SILVER
}

"A ride."
type Ride @personalData(category: BEHAVIOUR) {
  "The code of the ride."
  code: ID!
  "When it began."
  startedAt: DateTime
  "In kilometres."
  distance: Decimal
}

"A locker."
type Locker @personalData(category: TRANSACTION) {
  "What is written on it."
  label: String!
}

"A mailing."
type ClubMailing @personalData(category: TRANSACTION) {
  "The subject."
  subject: String
}
`;

const PEOPLE = [
  {
    no: 'M00001',
    given: 'Roos',
    family: 'Timmer',
    level: 'G',
    feeCents: 1250,
    joined: '2026-03-01T09:30:00',
  },
  { no: 'M00002', given: 'Daan', family: 'Kuiper', level: 'S', feeCents: 995, joined: '2025-12-24T18:00:00' },
  {
    no: 'M00003',
    given: 'Fleur',
    family: 'Mulder',
    level: 'S',
    feeCents: 995,
    joined: '2026-07-15T12:15:00',
  },
];

const mailOf = (person: { given: string; family: string }) => `${person.given}.${person.family}@Example.nl`;

const members = PEOPLE.map(({ no, given: givenName, family, ...others }) => ({
  no,
  name: { given: givenName, family },
  mail: mailOf({ given: givenName, family }),
  ...others,
}));
const byKey = <T>(rows: readonly T[], keyOf: (row: T, i: number) => string) =>
  Object.fromEntries(rows.map((row, i) => [keyOf(row, i), [row]]));

/** The calls as they were measured. */
export const CLUB_RECORDING: Recording = {
  version: 1,
  source: 'cycling-club',
  kind: 'rest',
  recordedAt: '2026-11-30T09:00:00Z',
  system: {
    rateLimit: { headers: { 'ratelimit-remaining': '58', 'ratelimit-reset': '30' }, perMinute: 60 },
    refused: { status: 401, body: { message: 'Who are you?' } },
  },
  calls: {
    byEmail: {
      call: { get: '/v2/members?mail={keys|csv}', maxBatch: 20, rows: 'data.members', matching: 'lower' },
      envelope: { data: { members: [], total: 0 }, took: 3 },
      answers: byKey(members, ({ mail }) => mail),
    },
    byNumber: {
      call: { get: '/v2/members/{key}', notFound: [404, 'empty'] },
      answers: byKey(members, ({ no }) => no),
    },
    rides: {
      call: {
        get: '/v2/members/{key}/rides',
        rows: 'items',
        notFound: ['empty', 404],
        page: { cursor: 'meta.next', as: 'after', maxItems: 50 },
      },
      envelope: { items: [], meta: { next: null } },
      answers: {
        M00001: [0, 1, 2, 3, 4].map((i) => ({
          code: `R${i}`,
          start: 1_767_225_600 + i * 86_400,
          distance: `4${i}.50`,
        })),
        M00002: [{ code: 'R9', start: 1_767_225_600, distance: '12.00' }],
      },
    },
    lockers: {
      call: {
        post: '/v2/lockers/search',
        body: { members: '{keys}' },
        maxBatch: 10,
        rows: 'lockers',
        key: 'member',
      },
      answers: {
        M00001: [
          { member: 'M00001', label: 'A 12' },
          { member: 'M00001', label: 'A 13' },
        ],
        M00003: [{ member: 'M00003', label: 'C 2' }],
      },
    },
    mailings: {
      call: { get: '/v2/mailings?to={keys|csv}', maxBatch: 20, rows: '.', key: 'to', matching: 'lower' },
      answers: byKey(
        members.slice(0, 2).map(({ mail }) => ({ to: mail, title: 'Spring tour' })),
        ({ to }) => to,
      ),
    },
  },
  examples: [
    {
      query: `query($by: CustomerKey!) {
        customer(by: $by) {
          name
          membership {
            number level fee { amount currency } joinedAt givenName familyName
            rides(first: 100) { nodes { code startedAt distance } }
            lockers { label }
          }
          clubMailings { subject }
        }
      }`,
      variables: { by: { email: 'roos.timmer@example.nl' } },
      data: {
        customer: {
          name: 'Roos Timmer',
          membership: {
            number: 'M00001',
            level: 'GOLD',
            fee: { amount: '12.50', currency: 'EUR' },
            joinedAt: '2026-03-01T08:30:00.000Z',
            givenName: 'Roos',
            familyName: 'Timmer',
            rides: {
              nodes: [4, 3, 2, 1, 0].map((i) => ({
                code: `R${i}`,
                startedAt: `2026-01-0${i + 1}T00:00:00.000Z`,
                distance: `4${i}.50`,
              })),
            },
            lockers: [{ label: 'A 12' }, { label: 'A 13' }],
          },
          clubMailings: [{ subject: 'Spring tour' }],
        },
      },
    },
  ],
};
