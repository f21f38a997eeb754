import { alignMany, defineLoader, SourceContractError, uniqueById, type PagedList } from '../../src/index.js';
import { MAX_BATCH, readBatch, readLists, type FacebookClient } from './batch.js';
import {
  CONVERSATION_FIELDS,
  LEAD_FIELDS,
  MESSAGE_FIELDS,
  toConversation,
  toLead,
  toMessage,
  toUser,
  USER_FIELDS,
  type FacebookConversationRecord,
  type LeadRecord,
  type UserRecord,
} from './mapping.js';
import type { FacebookMessage } from './schema.generated.js';
import { conversationsPage, formsPage, leadsPage, messagesPage, user } from './wire.js';

/** Meta gives at most 100 items of most edges at once. */
const ITEMS_A_PAGE = 100;
const MAX_PAGES = 5;

/**
 * The answers of a batch come in the order of its requests. So each item is compared with the key that requested it, by the
 * keys that the item names; one that names none is taken. Each item counts once.
 */
function ownItems<T extends { id: string }>(
  list: PagedList<T> | Error,
  key: string,
  keysOf: (item: T) => readonly string[],
): PagedList<T> | Error {
  if (list instanceof Error) return list;
  try {
    const [items = []] = alignMany([key], list.items, {
      source: 'facebook',
      keyOf: (item) => {
        const named = keysOf(item);
        return named.length === 0 ? key : named;
      },
      idOf: ({ id }) => id,
    });
    return { items, isComplete: list.isComplete };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

export const usersById = defineLoader<FacebookClient, string, readonly UserRecord[]>({
  name: 'usersById',
  maxBatch: MAX_BATCH,
  load: async (ids, client) => {
    const asks = ids.map((id) => ({ path: [id], query: { fields: USER_FIELDS } }));
    const found = await readBatch(client, user, asks);
    return found.map((one, i) => {
      if (one instanceof Error) return one;
      const own = ownItems({ items: one === null ? [] : [one], isComplete: true }, ids[i] ?? '', ({ id }) => [
        id,
      ]);
      return own instanceof Error ? own : own.items.map(toUser);
    });
  },
});

export const conversationsOfUsers = defineLoader<
  FacebookClient,
  string,
  PagedList<FacebookConversationRecord>
>({
  name: 'conversationsOfUsers',
  maxBatch: MAX_BATCH,
  about: (userId) => [{ namespace: 'facebookUserId', value: userId }],
  load: async (userIds, client) => {
    const asks = userIds.map((userId) => ({
      path: [client.page.value, 'conversations'],
      query: { user_id: userId, fields: CONVERSATION_FIELDS, limit: ITEMS_A_PAGE },
    }));
    const lists = await readLists(client, conversationsPage, asks, MAX_PAGES);
    return userIds.map((userId, i) => {
      const own = ownItems(lists[i] ?? missing(), userId, ({ participants }) =>
        (participants?.data ?? []).map(({ id }) => id),
      );
      if (own instanceof Error) return own;
      const items = own.items.map((one) => toConversation(one, userId));
      return { ...own, items: items.sort((one, other) => other.updatedAt.localeCompare(one.updatedAt)) };
    });
  },
});

function missing(): SourceContractError {
  return new SourceContractError('facebook', 'facebook left a request without an answer.');
}

/** A conversation of somebody. */
export interface MessagesOf {
  conversationId: string;
  userId: string;
}

/** Newest first: of more than can be read, the newest. */
export const messagesOfConversations = defineLoader<FacebookClient, MessagesOf, PagedList<FacebookMessage>>({
  name: 'messagesOfConversations',
  maxBatch: MAX_BATCH,
  keyText: ({ conversationId, userId }) => `${conversationId} ${userId}`,
  about: ({ userId }) => [{ namespace: 'facebookUserId', value: userId }],
  load: async (keys, client) => {
    const asks = keys.map(({ conversationId }) => ({
      path: [conversationId, 'messages'],
      query: { fields: MESSAGE_FIELDS, limit: ITEMS_A_PAGE },
    }));
    const lists = await readLists(client, messagesPage, asks, MAX_PAGES);
    const page = client.page.value;
    return keys.map(({ userId }, i) => {
      // A message names the page and the person; which of them wrote it does not matter here.
      const own = ownItems(lists[i] ?? missing(), userId, ({ from, to }) =>
        [from, ...(to?.data ?? [])].flatMap((one) => (one == null || one.id === page ? [] : [one.id])),
      );
      if (own instanceof Error) return own;
      const items = own.items.map((one) => toMessage(one, userId));
      return { ...own, items: items.sort((one, other) => other.createdAt.localeCompare(one.createdAt)) };
    });
  },
});

/** Meta gives up to 500 leads of a form at once. */
const LEADS_A_PAGE = 500;
const MAX_LEAD_PAGES = 10;

/** Of more leads than these the list is dropped whenever anybody is forgotten: it is found by each of their addresses. */
const MAX_TOLD_APART = 2_000;

/**
 * Every lead of every form: they cannot be searched. So there is one key, and what it gives is kept for a while. Of a new
 * lead Facebook does not say whose it is, and with such news all that it has said is dropped.
 */
export const leadsOfPage = defineLoader<FacebookClient, 'all', PagedList<LeadRecord>>({
  name: 'leadsOfPage',
  freshness: { maxAge: '5 minutes' },
  about: (_, { items }) =>
    items.length > MAX_TOLD_APART
      ? undefined
      : items.flatMap(({ emails }) => emails.map((value) => ({ namespace: 'email', value }))),
  load: async (keys, client) => {
    const [forms = new SourceContractError('facebook', 'facebook has no forms.')] = await readLists(
      client,
      formsPage,
      [{ path: [client.page.value, 'leadgen_forms'], query: { fields: 'id,name', limit: ITEMS_A_PAGE } }],
      MAX_PAGES,
    );
    if (forms instanceof Error) throw forms;
    const ownForms = uniqueById(forms.items, ({ id }) => id);
    const lists = await readLists(
      client,
      leadsPage,
      ownForms.map(({ id }) => ({
        path: [id, 'leads'],
        query: { fields: LEAD_FIELDS, limit: LEADS_A_PAGE },
      })),
      MAX_LEAD_PAGES,
    );
    const all: PagedList<LeadRecord> = { items: [], isComplete: forms.isComplete };
    ownForms.forEach((form, i) => {
      const own = ownItems(lists[i] ?? missing(), form.id, ({ form_id }) =>
        form_id == null ? [] : [form_id],
      );
      // Without one form's leads nobody can be said to have filled in none.
      if (own instanceof Error) throw own;
      all.items.push(...own.items.map((one) => toLead(one, form)));
      all.isComplete &&= own.isComplete;
    });
    return keys.map(() => all);
  },
});
