import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import {
  bearer,
  defineLoader,
  defineSource,
  idNamespace,
  noAuth,
  pages,
  rest,
  secretSetting,
  SourceContractError,
  uniqueById,
  urlSetting,
  alignMany,
  type CallScope,
  type Context,
  type Customer,
  type CustomerRecord,
  type RestClient,
  type SourceDefinition,
} from '../../src/index.js';
import { sendJson, type SeenRequest } from '../connectors/server.js';

/** A small source about the loans of a library. A test can replace a part of it with a defect. */

export const LIBRARY_SDL = `type Customer @foundBy(identifier: "card") {
  "The member's name."
  memberName: String @personalData(category: TRANSACTION) @requiresScopes(scopes: [["orders:read"]])
  "What the member wrote on the card."
  motto: String @personalData(category: TRANSACTION) @requiresScopes(scopes: [["orders:read"]])
  "The titles of all lent books."
  loans: [String!] @personalData(category: TRANSACTION) @requiresScopes(scopes: [["orders:read"]])
}
`;

export const TOKEN = 'right-token';
/** The maximum number of cards in one call. */
export const MAX_CARDS = 3;
/** The number of loans on a page. */
const PAGE_SIZE = 2;

/** The members of the library. Only the first has no motto. */
export const MEMBERS = Array.from({ length: 7 }, (_, i) => ({
  card: `C${i + 1}`,
  name: `Member ${i + 1}`,
  motto: i === 0 ? null : `Motto ${i + 1}`,
}));
const LOANS = Array.from({ length: 5 }, (_, i) => ({ id: i + 1, title: `Book ${i + 1}` }));
export const TITLES = LOANS.map(({ title }) => title);

/** The system. It returns members in another order, and repeats the last loan of a page on the next page. */
export function answerAsLibrary(
  { url, headers }: Pick<SeenRequest, 'url' | 'headers'>,
  response: ServerResponse,
): void {
  const { pathname, searchParams } = new URL(url, 'http://library');
  if (headers.authorization !== undefined && headers.authorization !== `Bearer ${TOKEN}`)
    sendJson(response, { error: 'unknown token' }, { status: 401 });
  else if (pathname === '/v1/loans') {
    const page = Number(searchParams.get('page'));
    const from = page * PAGE_SIZE;
    const isLast = from + PAGE_SIZE >= LOANS.length;
    const loans = searchParams.get('card') === 'C1' ? LOANS.slice(from, from + PAGE_SIZE + 1) : [];
    sendJson(response, { loans, next: isLast || loans.length === 0 ? null : page + 1 });
  } else {
    const cards = (searchParams.get('cards') ?? '').split(',').map(decodeURIComponent);
    sendJson(response, { members: MEMBERS.filter(({ card }) => cards.includes(card)).reverse() });
  }
}

const membersAnswer = z.object({
  members: z.array(z.object({ card: z.string(), name: z.string(), motto: z.string().nullable() })),
  /** The cards that cannot be read temporarily. */
  failed: z.array(z.string()).default([]),
});
const loansAnswer = z.object({
  loans: z.array(z.object({ id: z.number(), title: z.string() })),
  next: z.number().nullable(),
});

export interface Member extends CustomerRecord {
  memberName: string;
  motto: string | null;
}
type MembersOfCards = readonly (readonly Member[] | Error)[];

export const toMember = ({ card, name, motto }: (typeof MEMBERS)[number]): Member => ({
  id: card,
  identifiers: [],
  memberName: name,
  motto,
});

/** A defect of the source: functions that replace the correct ones. */
export interface Mistake {
  /** Finds the members of cards. */
  find?: (
    right: () => Promise<MembersOfCards>,
    cards: readonly string[],
    client: RestClient,
  ) => Promise<MembersOfCards>;
  /** Reads the titles of the loans of a card. */
  lend?: (right: () => Promise<readonly string[]>) => Promise<readonly string[]>;
  motto?: (member: Member) => string | null;
  maxCards?: number;
  /** Changes how the calls of a batch run. */
  scope?: (right: CallScope) => CallScope;
}

/** Creates the library as a source, with or without a token. */
export function librarySource(
  {
    find,
    lend,
    motto = (member) => member.motto,
    maxCards = MAX_CARDS,
    scope = (right) => right,
  }: Mistake = {},
  { hasToken = true }: { hasToken?: boolean } = {},
): SourceDefinition {
  const findRightly = async (cards: readonly string[], client: RestClient): Promise<MembersOfCards> => {
    const found = await client.get(membersAnswer, '/members', {
      cards: cards.map(encodeURIComponent).join(','),
    });
    const members = (found?.members ?? []).map(toMember);
    const options = {
      source: 'library',
      keyOf: ({ id }: Member) => id,
      idOf: ({ id }: Member) => id,
    };
    return alignMany(cards, members, options).map((aligned, i) =>
      found?.failed.includes(cards[i] ?? '') === true
        ? new SourceContractError('library', 'library cannot read a card.')
        : aligned,
    );
  };
  const lendRightly = async (card: string, client: RestClient): Promise<readonly string[]> => {
    const { items } = await pages({
      source: 'library',
      what: 'loans',
      read: (page: number | undefined) => client.get(loansAnswer, '/loans', { card, page: page ?? 0 }),
      items: ({ loans }) => loans,
      next: (page) => page.next,
    });
    return uniqueById(items, ({ id }) => id).map(({ title }) => title);
  };
  const members = defineLoader<RestClient, string, readonly Member[]>({
    name: 'members',
    maxBatch: maxCards,
    load: (cards, client) => {
      const right = () => findRightly(cards, client);
      return find === undefined ? right() : find(right, cards, client);
    },
  });
  const loans = defineLoader<RestClient, string, readonly string[]>({
    name: 'loans',
    loadEach: (cards, client) =>
      cards.map((card) => {
        const right = () => lendRightly(card, client);
        return lend === undefined ? right() : lend(right);
      }),
  });
  const identity = {
    recordKey: 'card',
    foundBy: { card: { uniqueness: 'enforced', loader: members } },
    yields: {},
  } as const;
  const connector = rest({
    baseUrl: urlSetting('LIBRARY_URL', 'https://library.example'),
    auth: hasToken ? bearer(secretSetting('LIBRARY_TOKEN')) : noAuth,
    pingPath: '/members',
  });
  const connect: typeof connector.connect = (settings, options) => {
    const connection = connector.connect(settings, options);
    return { ...connection, client: (right) => connection.client(scope(right)) };
  };
  return defineSource({
    name: 'library',
    connector: { ...connector, connect },
    namespaces: [idNamespace('card', 'Number of a library card, any text.', /^[^]*$/)],
    identity,
    loaders: [loans],
    resolvers: {
      Customer: {
        motto: async (customer: Customer) => {
          const member = await customer.record(identity);
          return member === null ? null : motto(member);
        },
        loans: async (customer: Customer, _: unknown, { load }: Context) => {
          const card = await customer.identifier('card');
          return card === null ? [] : load(loans, card);
        },
      },
    },
  });
}
