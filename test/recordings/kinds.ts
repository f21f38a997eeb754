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
