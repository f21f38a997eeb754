import { leadForms, pageId, type FacebookPart } from '../../stand-ins/seed-facebook.js';
import type { World } from '../../stand-ins/world.js';
import { badParameter, notFound, ok, type GraphAnswer } from './answers.js';

type Fields = Record<string, unknown>;

interface Graph {
  nodes: ReadonlyMap<string, Fields>;
  /** `<node>/<edge>`, newest first. */
  edges: ReadonlyMap<string, readonly Fields[]>;
  /** The conversations of the page, by user id. */
  conversations: ReadonlyMap<string, readonly Fields[]>;
}

export function createGraph(world: World): Graph {
  const nodes = new Map<string, Fields>([[pageId, { id: pageId, name: 'Demo Winkel' }]]);
  const edges = new Map<string, Fields[]>();
  const conversations = new Map<string, Fields[]>();
  const forms: Fields[] = leadForms.map(({ id, name }) => ({ id, name, status: 'ACTIVE' }));
  edges.set(`${pageId}/leadgen_forms`, forms);
  const leads = new Map<string, Fields[]>(leadForms.map(({ id }) => [id, []]));

  for (const { facebook, firstName, lastName, email, phone } of world.people) {
    if (facebook === undefined) continue;
    const name = `${firstName} ${lastName}`;
    const { userId } = facebook;
    nodes.set(userId, {
      id: userId,
      name,
      first_name: firstName,
      last_name: lastName,
      profile_pic: facebook.pictureUrl,
      locale: 'nl_NL',
    });
    conversations.set(
      userId,
      facebook.conversations
        .map((conversation) => conversationNode(conversation, { id: userId, name }))
        .sort(newestFirst),
    );
    for (const { id, messages } of facebook.conversations) {
      nodes.set(id, { id });
      edges.set(
        `${id}/messages`,
        messages.map((message) => messageNode(message, { id: userId, name })).sort(newestFirst),
      );
    }
    for (const lead of facebook.leads) leads.get(lead.formId)?.push(leadNode(lead, { name, email, phone }));
  }
  for (const [id, formLeads] of leads) {
    nodes.set(id, { id });
    edges.set(`${id}/leads`, formLeads.sort(newestFirst));
  }
  edges.set(`${pageId}/conversations`, [...conversations.values()].flat().sort(newestFirst));
  return { nodes, edges, conversations };
}

function newestFirst(a: Fields, b: Fields): number {
  const momentOf = ({ updated_time, created_time }: Fields): string => String(updated_time ?? created_time);
  return momentOf(b).localeCompare(momentOf(a));
}

/** The page as a participant of a conversation or message. */
const pageParty = { id: pageId, name: 'Demo Winkel' };

function conversationNode(
  conversation: FacebookPart['conversations'][number],
  user: { id: string; name: string },
): Fields {
  return {
    id: conversation.id,
    participants: { data: [user, pageParty] },
    link: `/${pageId}/inbox/${conversation.id.slice(2)}/?section=messages`,
    updated_time: moment(conversation.updatedAt),
    message_count: conversation.messages.length,
    unread_count: conversation.unreadCount,
    can_reply: true,
  };
}

function messageNode(
  { id, byCustomer, text, createdAt }: FacebookPart['conversations'][number]['messages'][number],
  user: { id: string; name: string },
): Fields {
  return {
    id,
    created_time: moment(createdAt),
    from: byCustomer ? user : pageParty,
    to: { data: [byCustomer ? pageParty : user] },
    message: text,
  };
}

function leadNode(
  { id, formId, campaign, interest, createdAt }: FacebookPart['leads'][number],
  { name, email, phone }: { name: string; email: string; phone: string },
): Fields {
  return {
    id,
    created_time: moment(createdAt),
    form_id: formId,
    is_organic: campaign === undefined,
    ...(campaign !== undefined && { campaign_name: campaign, campaign_id: '238500000000001' }),
    field_data: [
      { name: 'email', values: [email] },
      { name: 'full_name', values: [name] },
      { name: 'phone_number', values: [phone] },
      { name: 'waar_heb_je_interesse_in?', values: [interest] },
    ],
  };
}

/** The zone has no colon. */
function moment(text: string): string {
  return `${new Date(text).toISOString().slice(0, 19)}+0000`;
}

/** `/{id}` or `/{id}/{edge}`, without the version. */
export function read(graph: Graph, path: string, query: URLSearchParams): GraphAnswer {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decoded);
  const [first = '', edge, ...more] = parts;
  const id = first === 'me' ? pageId : first;
  const node = graph.nodes.get(id);
  if (node === undefined || more.length > 0) return notFound(id);
  const fields = (query.get('fields') ?? '').split(',').filter((name) => name !== '');
  if (edge === undefined) return ok(pick(node, fields));
  const userId = edge === 'conversations' ? query.get('user_id') : null;
  const list = userId === null ? graph.edges.get(`${id}/${edge}`) : (graph.conversations.get(userId) ?? []);
  if (list === undefined) return badParameter(`Tried accessing nonexisting field (${edge})`);
  return page(list, { fields, query, maxLimit: edge === 'leads' ? 500 : 100, path: `${id}/${edge}` });
}

/** Each full page is followed by an empty page that has a next page. This may happen in the real system. */
function page(
  list: readonly Fields[],
  {
    fields,
    query,
    maxLimit,
    path,
  }: { fields: string[]; query: URLSearchParams; maxLimit: number; path: string },
): GraphAnswer {
  const requested = query.get('limit') ?? '25';
  if (!/^\d{1,5}$/.test(requested)) return badParameter('param limit must be an integer');
  const limit = Math.min(Number(requested), maxLimit);
  const cursor = Buffer.from(query.get('after') ?? '', 'base64url').toString();
  const [, offset = '0', pause] = /^(\d+)(:pause)?$/.exec(cursor) ?? [];
  if (query.has('after') && !/^\d/.test(cursor)) return badParameter('Invalid cursors values in after');
  const start = Number(offset);
  const data = pause === undefined ? list.slice(start, start + limit) : [];
  const end = start + data.length;
  const after = Buffer.from(pause === undefined ? `${end}:pause` : String(end)).toString('base64url');
  const next = new URLSearchParams(query);
  next.set('after', after);
  return ok({
    data: data.map((fieldsOfObject) => pick(fieldsOfObject, fields)),
    ...((data.length > 0 || end < list.length) && {
      paging: {
        cursors: { before: Buffer.from(String(start)).toString('base64url'), after },
        ...(end < list.length && { next: `https://graph.facebook.com/${path}?${next.toString()}` }),
      },
    }),
  });
}

/** The id is always sent. Without `fields` there is little more. */
function pick(all: Fields, fields: readonly string[]): Fields {
  const named = fields.length === 0 ? ['name', 'updated_time', 'created_time', 'field_data'] : fields;
  return Object.fromEntries(['id', ...named].filter((name) => name in all).map((name) => [name, all[name]]));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
