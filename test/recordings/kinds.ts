import type { Recording } from '../../src/recordings/recording.js';

/** Recordings of the example systems of other kinds than REST. */

const base = { version: 1, recordedAt: '2026-11-30T09:00:00Z' } as const;

const readers = [
  { id: 'M001', email: 'Sanne@Example.nl', name: { given: 'Sanne', family: 'Prins' }, active: true },
  { id: 'M002', email: 'Teun@Example.nl', name: { given: 'Teun', family: 'Vos' }, active: false },
  { id: 'M003', email: 'Lotte@Example.nl', name: { given: 'Lotte', family: 'Bos' }, active: true },
];

export const BOOKSHOP_RECORDING: Recording = {
  ...base,
  source: 'bookshop',
  kind: 'graphql',
  system: {
    description: `
      type Query { members(ids: [ID!]!): [Member]! member(by: MemberBy!): Member }
      input MemberBy { id: ID email: String }
      type Member {
        id: ID! email: String name: Name active: Boolean
        purchases(status: Status, first: Int!, after: String): PurchaseConnection!
      }
      enum Status { PAID OPEN }
      type Name { given: String family: String }
      type PurchaseConnection { edges: [PurchaseEdge!]! pageInfo: PageInfo! }
      type PurchaseEdge { cursor: String! node: Purchase! }
      type PageInfo { hasNextPage: Boolean! endCursor: String }
      type Purchase { number: ID! boughtOn: String! total: Total items: [Book!]! }
      type Total { amount: Float currency: String }
      type Book { title: String! author: Author }
      type Author { name: String }
    `,
  },
  calls: {
    membersById: {
      call: { field: 'members(ids: $keys)', maxBatch: 50 },
      answers: Object.fromEntries(readers.map((reader) => [reader.id, [reader]])),
    },
    memberByEmail: {
      call: {
        field: 'member(by: { email: $key })',
        keys: 'String',
        maxBatch: 10,
        matching: 'lower',
      },
      answers: Object.fromEntries(readers.map((reader) => [reader.email, [reader]])),
    },
    purchases: {
      call: {
        field: 'member(by: { id: $key }).purchases(status: PAID, first: 20, after: $after)',
        rows: 'edges.node',
        page: { maxItems: 100 },
      },
      answers: {
        M001: ['02', '03'].map((month) => ({
          number: `P${month}`,
          boughtOn: `2026-${month}-01`,
          total: { amount: 12.5, currency: 'EUR' },
          items: [{ title: 'Eline Vere', author: { name: 'L. Couperus' } }],
        })),
      },
    },
  },
  examples: [
    {
      query: `query($by: CustomerKey!) { customer(by: $by) {
        name readsBooks
        bookPurchases(first: 100) { nodes { number boughtOn total { amount currency } books { title author } } }
      } }`,
      variables: { by: { memberId: 'M001' } },
      data: {
        customer: {
          name: 'Sanne Prins',
          readsBooks: true,
          bookPurchases: {
            nodes: ['03', '02'].map((month) => ({
              number: `P${month}`,
              boughtOn: `2026-${month}-01`,
              total: { amount: '12.5', currency: 'EUR' },
              books: [{ title: 'Eline Vere', author: 'L. Couperus' }],
            })),
          },
        },
      },
    },
  ],
};

const accounts = [
  { No: 'A1', Email: 'Info@Molen.example.nl' },
  { No: 'A2', Email: 'Kantoor@Brug.example.nl' },
];

export const INVOICING_RECORDING: Recording = {
  ...base,
  source: 'invoicing',
  kind: 'odata',
  system: {},
  calls: {
    accountsById: {
      call: { set: 'Accounts', by: 'No', maxBatch: 50 },
      answers: Object.fromEntries(accounts.map((account) => [account.No, [account]])),
    },
    accountsByEmail: {
      call: { set: 'Accounts', by: 'Email', maxKeyLength: 80, maxBatch: 50, matching: 'collation' },
      answers: Object.fromEntries(accounts.map((account) => [account.Email, [account]])),
    },
    bills: {
      call: {
        set: 'Bills',
        by: 'AccountNo',
        where: { Status: ['Open', 'Paid'], Draft: false },
        expand: ['Lines'],
        order: ['-Date', 'No'],
        page: { size: 100, maxPages: 3 },
      },
      answers: {
        A1: [
          {
            AccountNo: 'A1',
            No: 'B7',
            Date: '2026-05-01',
            Total: 1250.75,
            Status: 'Open',
            Draft: false,
            Lines: [{ Text: 'Repair of the mill' }],
          },
          {
            AccountNo: 'A1',
            No: 'B6',
            Date: '2026-04-01',
            Total: 80,
            Status: 'Paid',
            Draft: false,
            Lines: [],
          },
        ],
        A2: [
          {
            AccountNo: 'A2',
            No: 'B8',
            Date: '2026-06-01',
            Total: 5,
            Status: 'Open',
            Draft: false,
            Lines: [],
          },
        ],
      },
    },
  },
  examples: [
    {
      query: `query($by: CustomerKey!) { customer(by: $by) {
        bills(first: 100) { nodes { number date total { amount currency } lines { text } } }
      } }`,
      variables: { by: { email: 'info@molen.example.nl' } },
      data: {
        customer: {
          bills: {
            nodes: [
              {
                number: 'B7',
                date: '2026-05-01',
                total: { amount: '1250.75', currency: 'EUR' },
                lines: [{ text: 'Repair of the mill' }],
              },
              { number: 'B6', date: '2026-04-01', total: { amount: '80', currency: 'EUR' }, lines: [] },
            ],
          },
        },
      },
    },
  ],
};

const pupils = [
  { id: 1, given_name: 'Noor', family_name: 'Smit', mail: 'Noor@Example.nl', active: true },
  { id: 2, given_name: 'Bram', family_name: 'Dekker', mail: 'Bram@Example.nl', active: false },
];

const column = (name: string, type: string) => ({ name, type, isNullable: false });

export const SCHOOL_RECORDING: Recording = {
  ...base,
  source: 'driving-school',
  kind: 'sql',
  system: { database: 'postgresql' },
  calls: {
    pupilsByNumber: { call: { from: 'pupil', by: 'id', keys: 'integer' }, answers: {} },
    pupilsByEmail: { call: { from: 'pupil', by: 'mail', matching: 'lower' }, answers: {} },
    lessons: { call: { from: 'lesson', by: 'pupil_id', keys: 'integer' }, answers: {} },
  },
  tables: {
    pupil: {
      columns: [
        column('id', 'integer'),
        column('given_name', 'text'),
        column('family_name', 'text'),
        column('mail', 'character varying(254)'),
        column('active', 'boolean'),
      ],
      primaryKey: ['id'],
      indexes: [{ columns: ['lower(mail)'], isUnique: false }],
      foreignKeys: [],
      rows: pupils,
    },
    lesson: {
      columns: [
        column('id', 'integer'),
        column('pupil_id', 'integer'),
        column('starts_at', 'timestamp with time zone'),
      ],
      primaryKey: ['id'],
      indexes: [{ columns: ['pupil_id', 'starts_at', 'id'], isUnique: false }],
      foreignKeys: [{ columns: ['pupil_id'], table: 'pupil', references: ['id'] }],
      rows: [7, 8].map((id) => ({ id, pupil_id: 1, starts_at: `2026-05-0${id}T09:00:00+02:00` })),
    },
    payment: {
      columns: [
        column('id', 'integer'),
        column('lesson_id', 'integer'),
        column('amount', 'numeric(12,2)'),
        column('paid_on', 'date'),
      ],
      primaryKey: ['id'],
      indexes: [{ columns: ['lesson_id'], isUnique: false }],
      foreignKeys: [],
      rows: [{ id: 1, lesson_id: 7, amount: '62.50', paid_on: '2026-05-01' }],
    },
  },
  examples: [
    {
      query: `query($by: CustomerKey!) { customer(by: $by) {
        name isLearning
        lessons(first: 100) { nodes { number startsAt payments { amount { amount currency } paidOn } } }
      } }`,
      variables: { by: { email: 'noor@example.nl' } },
      data: {
        customer: {
          name: 'Noor Smit',
          isLearning: true,
          lessons: {
            nodes: [
              { number: '8', startsAt: '2026-05-08T07:00:00.000Z', payments: [] },
              {
                number: '7',
                startsAt: '2026-05-07T07:00:00.000Z',
                payments: [{ amount: { amount: '62.50', currency: 'EUR' }, paidOn: '2026-05-01' }],
              },
            ],
          },
        },
      },
    },
  ],
};

/** A source that is queried by identifiers of other systems. */
export const POST_YAML = `source: post-office
connect: { rest: "\${POST_URL}", ping: /status }
limits: { timeout: 1 s, concurrency: 4 }
heldIdentifiers: [email]
calls:
  letters: { get: "/letters?to={keys|csv}", maxBatch: 5, rows: letters, key: to, matching: lower }
fields:
  Customer.letters: { call: letters, key: email }
  Letter.weight: { from: grams, number: fromText }
`;

export const POST_SDL = `type Customer {
  "Letters. Source: the post office, queried live."
  letters: [Letter!] @personalData(category: TRANSACTION) @requiresScopes(scopes: [["orders:read"]])
}

"A letter."
type Letter @personalData(category: TRANSACTION) {
  "The code on the letter."
  code: ID!
  "In grams."
  weight: Int
}
`;

const letterOf = (name: string, code: string) => ({ to: `${name}@Example.nl`, code, grams: '20' });

export const POST_RECORDING: Recording = {
  ...base,
  source: 'post-office',
  kind: 'rest',
  system: {},
  calls: {
    letters: {
      call: {
        get: '/letters?to={keys|csv}',
        maxBatch: 5,
        rows: 'letters',
        key: 'to',
        matching: 'lower',
      },
      answers: {
        'Anna@Example.nl': [letterOf('Anna', 'L1'), letterOf('Anna', 'L2')],
        'Koen@Example.nl': [letterOf('Koen', 'L3')],
      },
    },
  },
  examples: [
    {
      query: 'query($by: CustomerKey!) { customer(by: $by) { letters { code weight } } }',
      variables: { by: { email: 'anna@example.nl' } },
      data: {
        customer: {
          letters: [
            { code: 'L1', weight: 20 },
            { code: 'L2', weight: 20 },
          ],
        },
      },
    },
  ],
};

export const PARKING_RECORDING: Recording = {
  ...base,
  source: 'parking',
  kind: 'files',
  system: {},
  calls: {
    permitsByNumber: { call: { from: 'permit', by: 'number' }, answers: {} },
    permitsByEmail: { call: { from: 'permit', by: 'mail', matching: 'lower' }, answers: {} },
  },
  tables: {
    permit: {
      files: 'permits.csv',
      columns: ['number', 'mail', 'active'].map((name) => column(name, 'VARCHAR')),
      primaryKey: [],
      indexes: [],
      foreignKeys: [],
      rows: [
        { number: 'P0001', mail: 'Gijs@Example.nl', active: 'yes' },
        { number: 'P0002', mail: 'Saar@Example.nl', active: 'no' },
      ],
    },
    visit: {
      files: 'visits/day=*/*.parquet',
      columns: [
        column('id', 'BIGINT'),
        column('permit', 'VARCHAR'),
        column('entered_at', 'TIMESTAMP WITH TIME ZONE'),
        column('paid', 'DECIMAL(8,2)'),
        column('day', 'VARCHAR'),
      ],
      primaryKey: [],
      indexes: [],
      foreignKeys: [],
      rows: ['2026-10-01', '2026-10-02'].map((day, i) => ({
        ...{ id: i + 1, permit: 'P0001', entered_at: `${day}T10:00:00+00:00`, paid: '2.50', day },
      })),
    },
  },
  examples: [
    {
      query: `query($by: CustomerKey!) { customer(by: $by) {
        hasPermit parkingVisits(first: 100) { nodes { number enteredAt paid { amount } note } }
      } }`,
      variables: { by: { email: 'gijs@example.nl' } },
      data: {
        customer: {
          hasPermit: true,
          parkingVisits: {
            nodes: ['2', '1'].map((number) => ({
              ...{ number, enteredAt: `2026-10-0${number}T10:00:00.000Z` },
              ...{ paid: { amount: '2.50' }, note: null },
            })),
          },
        },
      },
    },
  ],
};
