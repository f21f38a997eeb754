import { alignMany, defineLoader, SourceContractError, uniqueById, type PagedList } from '../../src/index.js';
import { MAX_BATCH, readBatch, readLists, type FacebookClient } from './batch.js';
import {
  CONVERSATION_FIELDS,
  LEAD_FIELDS,
  MESSAGE_FIELDS,
  toConversation,
  toFormSubmission,
  toMessage,
  toUser,
  USER_FIELDS,
  type ConversationRecord,
  type FormSubmissionRecord,
  type MessageRecord,
  type UserRecord,
} from './mapping.js';
import {
  conversationsPage,
  formsPage,
  leadsPage,
  messagesPage,
  nextCursor,
  user,
  type GraphPage,
} from './wire.js';

/** Meta sends at most 100 items of most edges in one page. */
const ITEMS_PER_PAGE = 100;
const MAX_FORM_PAGES = 5;

/** One page of a list as Meta sends it. It may be empty although there is a next page. */
export interface ListPage<Item> {
  items: readonly Item[];
  /** Meta's cursor of the next page. Null after the last page. */
  next: string | null;
}

/**
 * Matches items with the key that requested them. The answers of a batch come in the order of its requests, so each item is
 * compared with its key by the keys that the item names. An item that names none is accepted. Each item counts once.
 */
function matchItems<Item extends { id: string }>(
  items: readonly Item[],
  key: string,
  keysOf: (item: Item) => readonly string[],
): Item[] | Error {
  try {
    const [matched = []] = alignMany([key], items, {
      source: 'facebook',
      keyOf: (item) => {
        const named = keysOf(item);
        return named.length === 0 ? key : named;
      },
      idOf: ({ id }) => id,
    });
    return matched;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/**
 * The page of one key with its items mapped. A list that does not exist is an empty page. Meta reports a cursor that it no
 * longer accepts by the same code, so without a page at a cursor the rest of the list is unknown, and not empty.
 */
function toListPage<Item extends { id: string }, Mapped>(
  page: GraphPage<Item> | Error | null | undefined,
  { key, cursor }: { key: string; cursor: string | null },
  keysOf: (item: Item) => readonly string[],
  map: (item: Item) => Mapped,
): ListPage<Mapped> | Error {
  if (page === undefined) return missingAnswer();
  if (page === null) return cursor === null ? { items: [], next: null } : missingPage();
  if (page instanceof Error) return page;
  const items = matchItems(page.data, key, keysOf);
  return items instanceof Error ? items : { items: items.map(map), next: nextCursor(page) };
}

function missingPage(): SourceContractError {
  return new SourceContractError('facebook', 'facebook has no page of a list at this cursor.', {
    kind: 'incomplete',
  });
}

function missingAnswer(): SourceContractError {
  return new SourceContractError('facebook', 'facebook did not answer a request of a batch.');
}

export const usersById = defineLoader<FacebookClient, string, readonly UserRecord[]>({
  name: 'usersById',
  maxBatch: MAX_BATCH,
  load: async (ids, client) => {
    const requests = ids.map((id) => ({ path: [id], query: { fields: USER_FIELDS } }));
    const answers = await readBatch(client, user, requests);
    return answers.map((answer, i) => {
      if (answer instanceof Error) return answer;
      const matched = matchItems(answer === null ? [] : [answer], ids[i] ?? '', ({ id }) => [id]);
      return matched instanceof Error ? matched : matched.map(toUser);
    });
  },
});

/** A page of a user's conversations. */
export interface ConversationPageKey {
  userId: string;
  /** Meta's cursor of the page. Null for the first page. */
  cursor: string | null;
}

/** The conversation that changed last comes first. */
export const conversationPages = defineLoader<
  FacebookClient,
  ConversationPageKey,
  ListPage<ConversationRecord>
>({
  name: 'conversationPages',
  maxBatch: MAX_BATCH,
  keyText: ({ userId, cursor }) => JSON.stringify([userId, cursor]),
  about: ({ userId }) => [{ namespace: 'facebookUserId', value: userId }],
  load: async (keys, client) => {
    const pages = await readBatch(
      client,
      conversationsPage,
      keys.map(({ userId, cursor }) => ({
        path: [client.page.value, 'conversations'],
        query: { user_id: userId, fields: CONVERSATION_FIELDS, ...pageQuery(cursor) },
      })),
    );
    return keys.map(({ userId, cursor }, i) =>
      toListPage(
        pages[i],
        { key: userId, cursor },
        ({ participants }) => (participants?.data ?? []).map(({ id }) => id),
        (conversation) => toConversation(conversation, userId),
      ),
    );
  },
});

/** A page of the messages in a user's conversation. */
export interface MessagePageKey {
  conversationId: string;
  userId: string;
  /** Meta's cursor of the page. Null for the first page. */
  cursor: string | null;
}

/** The newest message comes first. */
export const messagePages = defineLoader<FacebookClient, MessagePageKey, ListPage<MessageRecord>>({
  name: 'messagePages',
  maxBatch: MAX_BATCH,
  keyText: ({ conversationId, userId, cursor }) => JSON.stringify([conversationId, userId, cursor]),
  about: ({ userId }) => [{ namespace: 'facebookUserId', value: userId }],
  load: async (keys, client) => {
    const pages = await readBatch(
      client,
      messagesPage,
      keys.map(({ conversationId, cursor }) => ({
        path: [conversationId, 'messages'],
        query: { fields: MESSAGE_FIELDS, ...pageQuery(cursor) },
      })),
    );
    const pageId = client.page.value;
    return keys.map(({ userId, cursor }, i) =>
      toListPage(
        pages[i],
        { key: userId, cursor },
        // A message names the page and the user. Either of them may have written it.
        ({ from, to }) =>
          [from, ...(to?.data ?? [])].flatMap((party) =>
            party == null || party.id === pageId ? [] : [party.id],
          ),
        (message) => toMessage(message, userId),
      ),
    );
  },
});

function pageQuery(cursor: string | null): Record<string, string | number> {
  return { limit: ITEMS_PER_PAGE, ...(cursor !== null && { after: cursor }) };
}

/** Meta sends up to 500 leads of a form in one page. */
const LEADS_PER_PAGE = 500;
const MAX_LEAD_PAGES = 10;

/** A longer list is dropped from the cache when any customer is forgotten. A shorter one is found by its e-mail addresses. */
const MAX_LEADS_BY_EMAIL = 2_000;

/**
 * The leads of all forms. Meta cannot search them, so there is one key, and its answer is cached. Facebook's event about a
 * new lead does not name the customer, so the event drops the list of all leads.
 */
export const formSubmissions = defineLoader<FacebookClient, 'all', PagedList<FormSubmissionRecord>>({
  name: 'formSubmissions',
  freshness: { maxAge: '5 minutes' },
  about: (_, { items }) =>
    items.length > MAX_LEADS_BY_EMAIL
      ? undefined
      : items.flatMap(({ emails }) => emails.map((value) => ({ namespace: 'email', value }))),
  load: async (keys, client) => {
    const [formList = missingAnswer()] = await readLists(
      client,
      formsPage,
      [{ path: [client.page.value, 'leadgen_forms'], query: { fields: 'id,name', limit: ITEMS_PER_PAGE } }],
      MAX_FORM_PAGES,
    );
    if (formList instanceof Error) throw formList;
    const forms = uniqueById(formList.items, ({ id }) => id);
    const leadLists = await readLists(
      client,
      leadsPage,
      forms.map(({ id }) => ({
        path: [id, 'leads'],
        query: { fields: LEAD_FIELDS, limit: LEADS_PER_PAGE },
      })),
      MAX_LEAD_PAGES,
    );
    const all: PagedList<FormSubmissionRecord> = { items: [], isComplete: formList.isComplete };
    forms.forEach((form, i) => {
      const leads = leadLists[i] ?? missingAnswer();
      // Without the leads of one form, no customer's list is known to be complete.
      if (leads instanceof Error) throw leads;
      const matched = matchItems(leads.items, form.id, ({ form_id }) => (form_id == null ? [] : [form_id]));
      if (matched instanceof Error) throw matched;
      all.items.push(...matched.map((lead) => toFormSubmission(lead, form)));
      all.isComplete &&= leads.isComplete;
    });
    return keys.map(() => all);
  },
});
