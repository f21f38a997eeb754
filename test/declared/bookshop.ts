import type { ServerResponse } from 'node:http';
import { buildSchema, graphql, GraphQLError } from 'graphql';
import { sendJson, type SeenRequest } from '../connectors/server.js';

/** The example of a declared source that speaks GraphQL: a bookshop with members. */
export const BOOKSHOP_YAML = `source: bookshop
connect:
  graphql: "\${BOOKSHOP_URL}"
  auth: { bearer: "\${BOOKSHOP_TOKEN}" }
  errors: { NO_SUCH_MEMBER: nothing, THROTTLED: rate-limited }
  points: { cost: cost.requested, available: cost.available, perSecond: cost.perSecond }
limits: { timeout: 1 s, concurrency: 5 }
namespaces:
  memberId: { pattern: '^M\\d{3,9}$', description: "The number of a member, such as M017." }
identity:
  recordKey: memberId
  id: id
  foundBy:
    memberId: { call: membersById, uniqueness: enforced }
    email: { call: memberByEmail, uniqueness: enforced }
  yields: { email: { one: email } }
  profile: { name: [name.given, name.family] }
calls:
  membersById: { field: "members(ids: $keys)", maxBatch: 50 }
  memberByEmail: { field: "member(by: { email: $key })", keys: String, maxBatch: 10 }
  purchases:
    field: "member(by: { id: $key }).purchases(status: PAID, first: 20, after: $after)"
    rows: edges.node
    page: { maxItems: 100 }
fields:
  Customer.readsBooks: active
  Customer.bookPurchases: { call: purchases, order: [-boughtOn, number] }
  BookPurchase.total: { from: total.amount, money: { currency: { from: total.currency } } }
  BookPurchase.books: items
  Book.author: author.name
`;

export const BOOKSHOP_SDL = `type Customer {
  "Whether the customer borrows and buys books. Source: the bookshop, up to a minute old."
  readsBooks: Boolean @personalData(category: TRANSACTION) @requiresScopes(scopes: [["orders:read"]])
  "Purchases of books, the newest first. Source: the bookshop, queried live."
  bookPurchases(
    "How many, 1 to 100."
    first: Int! = 10
    "The endCursor of the page before."
    after: String
  ): BookPurchaseConnection
    @personalData(category: TRANSACTION)
    @purpose(any: [SERVICE, CUSTOMER_CARE, ANALYTICS])
    @requiresScopes(scopes: [["orders:read"]])
}

"A purchase of books."
type BookPurchase @personalData(category: TRANSACTION) {
  "The number of the purchase."
  number: ID! @personalData(category: TRANSACTION, mask: LAST_FOUR)
  "The day of the purchase."
  boughtOn: Date!
  "The total with taxes."
  total: Money
  "The books, as on the receipt."
  books: [Book!]
}

"A book."
type Book @personalData(category: TRANSACTION) {
  "The title."
  title: String!
  "The name of the author."
  author: String
}
`;

const VENDOR_SCHEMA = buildSchema(`
  type Query { members(ids: [ID!]!): [Member]! member(by: MemberBy!): Member }
  input MemberBy { id: ID email: String }
  type Member {
    id: ID!
    email: String
    name: Name
    active: Boolean
    purchases(status: Status, first: Int!, after: String): PurchaseConnection!
  }
  enum Status { PAID OPEN }
  type Name { given: String family: String }
  type PurchaseConnection { edges: [PurchaseEdge!]! nodes: [Purchase!]! pageInfo: PageInfo! }
  type PurchaseEdge { cursor: String! node: Purchase! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type Purchase { number: ID! boughtOn: String! total: Total items: [Book!]! }
  type Total { amount: Float currency: String }
  type Book { title: String! author: Author }
  type Author { name: String }
`);

export interface Purchase {
  number: string;
  boughtOn: string;
  total: { amount: number; currency: string };
  items: { title: string; author: { name: string } | null }[];
}

interface Member {
  id: string;
  email: string;
  name: { given: string; family: string };
  active: boolean;
  purchases: readonly Purchase[];
}

/** The members of the bookshop. The member with number n has n purchases. */
export const MEMBERS: readonly Member[] = Array.from({ length: 45 }, (_, i) => {
  const id = `M${String(i + 1).padStart(3, '0')}`;
  return {
    id,
    email: `Reader${i + 1}@Example.nl`,
    name: { given: 'Anna', family: `de Vries ${i + 1}` },
    active: i % 2 === 0,
    purchases: Array.from({ length: i + 1 }, (__, n) => ({
      number: `${id}-${String(n).padStart(4, '0')}`,
      boughtOn: `2026-0${1 + Math.floor(n / 28)}-${String(1 + (n % 28)).padStart(2, '0')}`,
      total: { amount: 10 + n / 4, currency: 'EUR' },
      items: [{ title: `Book ${n}`, author: n % 2 === 0 ? { name: 'M. Vasalis' } : null }],
    })),
  };
});

/** The faults of the bookshop. */
export interface BookshopFaults {
  /** The error code for each e-mail address that fails. */
  failing?: Readonly<Record<string, string>>;
}

interface By {
  by: { id?: string; email?: string };
}
interface PageOf {
  first: number;
  after?: string | null;
}

function recordOf({ purchases, ...member }: Member) {
  return {
    ...member,
    purchases: ({ first, after }: PageOf) => {
      const start = after == null ? 0 : Number(Buffer.from(after, 'base64').toString());
      const nodes = purchases.slice(start, start + first);
      const end = start + nodes.length;
      const cursor = Buffer.from(String(end)).toString('base64');
      return {
        nodes,
        edges: nodes.map((node) => ({ node, cursor })),
        pageInfo: { hasNextPage: end < purchases.length, endCursor: nodes.length === 0 ? null : cursor },
      };
    },
  };
}

/** Answers like the bookshop: lists have another order than the request, and a missing member is null. */
export function bookshop({ failing = {} }: BookshopFaults = {}) {
  const rootValue = {
    members: ({ ids }: { ids: readonly string[] }) => [
      ...MEMBERS.filter(({ id }) => ids.includes(id)).map(recordOf),
      ...ids.filter((id) => !MEMBERS.some((member) => member.id === id)).map(() => null),
    ],
    member: ({ by }: By) => {
      const code = failing[by.email ?? by.id ?? ''];
      if (code !== undefined) throw new GraphQLError('It is about Jan.', { extensions: { code } });
      const found = MEMBERS.find(({ id, email }) => id === by.id || email.toLowerCase() === by.email);
      return found === undefined ? null : recordOf(found);
    },
  };
  return async ({ headers, body }: SeenRequest, response: ServerResponse): Promise<void> => {
    if (headers.authorization !== 'Bearer secret-token') {
      sendJson(response, { errors: [{ message: 'Who are you?', extensions: { code: 'UNAUTHENTICATED' } }] });
      return;
    }
    const { query, variables } = JSON.parse(body) as { query: string; variables: Record<string, unknown> };
    const answer = await graphql({
      ...{ schema: VENDOR_SCHEMA, source: query, rootValue },
      variableValues: variables,
    });
    sendJson(response, { ...answer, extensions: { cost: { requested: 10, available: 990, perSecond: 50 } } });
  };
}

export const BOOKSHOP_SETTINGS = { BOOKSHOP_TOKEN: 'secret-token' };
