import type { ServerResponse } from 'node:http';
import { buildSchema, graphql, GraphQLError, parse, Source, visit } from 'graphql';
import { sendJson, type SeenRequest } from '../../../src/testing/small-server.js';

/** A GraphQL system for tests of connecting one: a club with members. */

export const CLUB_SDL = `
  scalar DateTime
  scalar Cents
  scalar Anything
  type Query {
    "Members by their numbers."
    membersByIds(ids: [ID!]!): [Member]!
    member(id: ID!): Member
    memberByEmail(email: String!): Member
    members(first: Int!, after: String): MemberConnection!
    me: Member
    club: Club!
  }
  type Mutation { removeMember(id: ID!): Boolean }
  type Club { name: String }
  "A member of the club."
  type Member {
    id: ID!
    "Where letters are sent."
    email: String
    phone: String
    name: Name!
    status: Status!
    joinedAt: DateTime!
    birthDate: String
    points: Int
    extra: Anything
    address: Address
    payments(first: Int!, after: String): PaymentConnection!
    badges: [Badge!]!
    club: Club
    oldNumber: String @deprecated(reason: "gone")
    picture(size: Int!): String
  }
  enum Status { ACTIVE ENDED }
  type Name { given: String family: String }
  type Address { id: ID! street: String postcode: String city: String member: Member }
  type Badge { code: ID! awardedOn: String tags: [String!] }
  type MemberConnection { nodes: [Member!]! pageInfo: PageInfo! }
  type PaymentConnection { edges: [PaymentEdge!]! pageInfo: PageInfo! }
  type PaymentEdge { cursor: String! node: Payment! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type Payment { number: ID! paidAt: DateTime total: Amount note: String }
  type Amount { amount: String! currency: String! }
`;

export interface ClubRules {
  hasIntrospection?: boolean;
  maxKeys?: number;
  maxAliases?: number;
  /** Truncates lists of keys that are too long, without an error. */
  cutsOff?: boolean;
  /** The code of the error for a member that does not exist. Default: null without an error. */
  unknownKeyCode?: string;
  /** Answers an unknown key with the first member. */
  returnsOtherRecord?: boolean;
  /** Finds addresses without their last letters. */
  findsSimilar?: boolean;
  maxPage?: number;
  hasPoints?: boolean;
  /** Default: CLUB_MEMBERS. */
  members?: readonly ClubMember[];
}

export const CLUB_TOKEN = 'secret-club-token';

const PAYMENTS = Array.from({ length: 70 }, (_, n) => ({
  number: `P${1000 + n}`,
  paidAt: new Date(Date.UTC(2026, 0, 1 + n)).toISOString(),
  total: { amount: `${10 + n}.50`, currency: 'EUR' },
  note: 'Thanks',
}));

export const CLUB_MEMBERS = Array.from({ length: 30 }, (_, i) => ({
  id: `M-${10_017 + i * 3}`,
  email: `reader${i}@example.nl`,
  phone: `+3161234${String(1000 + i)}`,
  name: { given: 'Anna', family: `de Vries ${i}` },
  status: i % 3 === 0 ? 'ENDED' : 'ACTIVE',
  joinedAt: `2025-0${1 + (i % 9)}-01T10:00:00Z`,
  birthDate: `19${60 + i}-02-03`,
  points: i,
  extra: { a: i },
  address: { id: `A${i}`, street: `Kade ${i}`, postcode: '1234 AB', city: 'Utrecht' },
  badges: [{ code: `B${i}`, awardedOn: '2026-01-02', tags: ['gold'] }],
  club: { name: 'Club' },
  oldNumber: 'x',
  payments: i === 0 ? PAYMENTS : PAYMENTS.slice(0, i),
}));

export type ClubMember = (typeof CLUB_MEMBERS)[number];

interface PageOf {
  first: number;
  after?: string | null;
}

function pageOf<T>(items: readonly T[], { first, after }: PageOf, most: number) {
  if (first > most) throw new GraphQLError(`first must be at most ${most}.`);
  const start = after == null ? 0 : Number(after);
  const nodes = items.slice(start, start + first);
  const pageInfo = { hasNextPage: start + first < items.length, endCursor: String(start + nodes.length) };
  return { nodes, edges: nodes.map((node) => ({ node, cursor: '' })), pageInfo };
}

export function clubSystem({
  hasIntrospection = true,
  maxKeys = 40,
  maxAliases = 15,
  cutsOff = false,
  unknownKeyCode,
  returnsOtherRecord = false,
  findsSimilar = false,
  maxPage = 100,
  hasPoints = false,
  members = CLUB_MEMBERS,
}: ClubRules = {}) {
  const schema = buildSchema(CLUB_SDL);
  const wire = (member: ClubMember) => ({
    ...member,
    payments: (page: PageOf) => pageOf(member.payments, page, maxPage),
  });
  const resultOf = (found: ClubMember | undefined) => {
    if (found !== undefined) return wire(found);
    if (unknownKeyCode !== undefined) throw new GraphQLError('No.', { extensions: { code: unknownKeyCode } });
    return returnsOtherRecord && members[0] !== undefined ? wire(members[0]) : null;
  };
  const rootValue = {
    membersByIds: ({ ids }: { ids: readonly string[] }) => {
      if (ids.length > maxKeys && !cutsOff) throw new GraphQLError(`Too many ids.`);
      return ids.slice(0, maxKeys).flatMap((id) => {
        const found = members.find((member) => member.id === id);
        return found === undefined ? [] : [wire(found)];
      });
    },
    member: ({ id }: { id: string }) => resultOf(members.find((member) => member.id === id)),
    memberByEmail: ({ email }: { email: string }) =>
      resultOf(
        members.find(
          (member) =>
            member.email === email.toLowerCase() ||
            (findsSimilar && member.email.replace('@', '').startsWith(email.split('@')[0] ?? '')),
        ),
      ),
    members: (page: PageOf) => {
      const { nodes, ...rest } = pageOf(members, page, maxPage);
      return { ...rest, nodes: nodes.map(wire) };
    },
    me: null,
    club: { name: 'Club' },
  };
  return async ({ headers, body }: SeenRequest, response: ServerResponse): Promise<void> => {
    if (headers.authorization !== `Bearer ${CLUB_TOKEN}`) {
      sendJson(response, { errors: [{ message: 'Log in.' }] }, { status: 401 });
      return;
    }
    const { query, variables } = JSON.parse(body) as { query: string; variables: Record<string, unknown> };
    const document = parse(new Source(query));
    if (!hasIntrospection && query.includes('__schema')) {
      const error = { message: 'Off.', extensions: { code: 'INTROSPECTION_DISABLED' } };
      sendJson(response, { errors: [error] }, { status: 400 });
      return;
    }
    let aliases = 0;
    visit(document, { Field: ({ alias }) => void (aliases += alias === undefined ? 0 : 1) });
    if (aliases > maxAliases) {
      sendJson(response, { errors: [{ message: 'Too complex.' }] }, { status: 400 });
      return;
    }
    const answer = await graphql({ schema, source: query, rootValue, variableValues: variables });
    const cost = {
      requestedQueryCost: 10,
      throttleStatus: { maximumAvailable: 1000, currentlyAvailable: 900, restoreRate: 50 },
    };
    sendJson(response, { ...answer, ...(hasPoints ? { extensions: { cost } } : {}) });
  };
}
