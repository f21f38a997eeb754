import { zendeskOrganizationId } from '../../stand-ins/seed-ids.js';
import type { Person, World } from '../../stand-ins/world.js';
import {
  agent,
  commentRecord,
  organizationRecord,
  ticketRecord,
  userRecord,
  type TicketRecord,
  type ZendeskOrganization,
  type ZendeskUser,
} from './records.js';

/** The help desk's data, with the lookups that the API needs. Ticket and comment lists are oldest first. */
export interface Directory {
  user(id: number): ZendeskUser | undefined;
  usersByIds(ids: readonly number[]): ZendeskUser[];
  /** Sorted by id, like every list of users. */
  allUsers: readonly ZendeskUser[];
  /** Also finds users whose address begins with the requested one, or differs from it only by a "+tag". */
  usersByEmail(email: string): ZendeskUser[];
  /** Numbers are compared by their last nine digits, so the spelling of the country code does not matter. */
  usersByPhone(phone: string): ZendeskUser[];
  ticket(id: number): TicketRecord | undefined;
  ticketsOf: (userId: number) => readonly TicketRecord[];
  /** The tickets with the user in copy. */
  ticketsCopiedTo: (userId: number) => readonly TicketRecord[];
  allTickets(): TicketRecord[];
  changeTicket: (record: TicketRecord, change: Partial<TicketRecord['ticket']>) => void;
  organizationsByIds(ids: readonly number[]): ZendeskOrganization[];
  /** Records as bytes of JSON. They are serialised once and cached, so that an answer of hundreds only copies bytes. */
  userJson: (user: ZendeskUser) => Buffer;
  organizationJson: (organization: ZendeskOrganization) => Buffer;
  ticketJson: (ticket: TicketRecord) => Buffer;
  /** Tickets as search results, with their result type. */
  ticketResultJson: (ticket: TicketRecord) => Buffer;
  commentsJson: (ticket: TicketRecord) => Buffer[];
}

export function createDirectory(world: World, baseUrl: string): Directory {
  const users = new Map<number, ZendeskUser>([[agent.id, agent]]);
  const tickets = new Map<number, TicketRecord>();
  const ticketsByUser = new Map<number, TicketRecord[]>();
  const ticketsByCopied = new Map<number, TicketRecord[]>();
  const organizations = new Map<number, ZendeskOrganization>();
  const organizationIds = new Map<string, number>();
  const names = new Set<string>();
  for (const [index, company] of world.companies.entries()) {
    const id = zendeskOrganizationId(index);
    // Zendesk refuses a second organisation with the same name.
    const name = names.has(company.name) ? `${company.name} (${company.city})` : company.name;
    names.add(name);
    organizations.set(id, { id, name, company });
    organizationIds.set(company.id, id);
  }
  for (const person of world.people) {
    if (person.contactCentre === undefined) continue;
    const organizationId = organizationIds.get(person.contactCentre.companyId ?? '') ?? null;
    const user = endUser(person, person.contactCentre, organizationId);
    users.set(user.id, user);
    const records = person.contactCentre.tickets
      .map((ticket) => ({ requesterId: user.id, organizationId, ticket }))
      .sort(oldestFirst);
    ticketsByUser.set(user.id, records);
    for (const record of records) {
      tickets.set(record.ticket.id, record);
      for (const id of record.ticket.copiedTo ?? [])
        ticketsByCopied.set(id, [...(ticketsByCopied.get(id) ?? []), record]);
    }
  }

  const allUsers = [...users.values()].sort(byId);
  const byEmail = [...allUsers].sort((a, b) => (a.email < b.email ? -1 : 1));
  const byBareEmail = grouped(allUsers, ({ email }) => withoutTag(email));
  const byPhone = grouped(allUsers, ({ phone }) => (phone === null ? '' : lastNineDigits(phone)));
  const cachedUsers = new Map<ZendeskUser, Buffer>();
  const cachedTickets = new Map<TicketRecord, Buffer>();
  const cachedResults = new Map<TicketRecord, Buffer>();

  return {
    allUsers,
    user: (id) => users.get(id),
    usersByIds: (ids) => found(ids, users).sort(byId),
    usersByEmail(searchedEmail) {
      const email = searchedEmail.replace(/\*$/, '');
      if (email === '') return [];
      const matches = new Set(byBareEmail.get(email) ?? []);
      let at = firstFrom(byEmail, email);
      for (let user = byEmail[at]; user?.email.startsWith(email) === true; user = byEmail[++at])
        matches.add(user);
      return [...matches];
    },
    usersByPhone(phone) {
      const digits = lastNineDigits(phone);
      return digits.length < 9 ? [] : (byPhone.get(digits) ?? []);
    },
    ticket: (id) => tickets.get(id),
    ticketsOf: (userId) => ticketsByUser.get(userId) ?? [],
    ticketsCopiedTo: (userId) => ticketsByCopied.get(userId) ?? [],
    organizationsByIds: (ids) => found(ids, organizations).sort((a, b) => a.id - b.id),
    allTickets: () => [...tickets.values()],
    changeTicket: (record, change) => {
      record.ticket = { ...record.ticket, ...change };
      cachedTickets.delete(record);
      cachedResults.delete(record);
    },
    userJson: (user) => cachedJson(cachedUsers, user, () => userRecord(user, baseUrl)),
    organizationJson: (organization) =>
      Buffer.from(JSON.stringify(organizationRecord(organization, baseUrl))),
    ticketJson: (ticket) => cachedJson(cachedTickets, ticket, () => ticketRecord(ticket, baseUrl)),
    ticketResultJson: (ticket) =>
      cachedJson(cachedResults, ticket, () => ({ ...ticketRecord(ticket, baseUrl), result_type: 'ticket' })),
    commentsJson: (ticket) =>
      ticket.ticket.comments.map((comment) => Buffer.from(JSON.stringify(commentRecord(comment, ticket)))),
  };
}

export function oldestFirst({ ticket }: TicketRecord, { ticket: other }: TicketRecord): number {
  if (ticket.createdAt !== other.createdAt) return ticket.createdAt < other.createdAt ? -1 : 1;
  return ticket.id - other.id;
}

function byId(a: ZendeskUser, b: ZendeskUser): number {
  return a.id - b.id;
}

function endUser(
  person: Person,
  { userId, verified, tickets }: NonNullable<Person['contactCentre']>,
  organizationId: number | null,
): ZendeskUser {
  const changes = tickets.map(({ updatedAt }) => updatedAt);
  return {
    id: userId,
    name: `${person.firstName} ${person.lastName}`,
    // Zendesk stores addresses in lower case.
    email: person.email.toLowerCase(),
    phone: person.phone,
    role: 'end-user',
    verified,
    organizationId,
    createdAt: person.createdAt,
    updatedAt: [person.createdAt, ...changes].sort().at(-1) ?? person.createdAt,
  };
}

function withoutTag(email: string): string {
  return email.replace(/\+[^@]*@/, '@');
}

function lastNineDigits(phone: string): string {
  return phone.replace(/\D/g, '').slice(-9);
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/** Each record once, even if its id is repeated; unknown ids are left out. */
function found<T>(ids: readonly number[], records: ReadonlyMap<number, T>): T[] {
  return [...new Set(ids)].flatMap((id) => {
    const record = records.get(id);
    return record === undefined ? [] : [record];
  });
}

/** The index of the first address that is not before this one. */
function firstFrom(sorted: readonly ZendeskUser[], email: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle]?.email ?? '') < email) low = middle + 1;
    else high = middle;
  }
  return low;
}

function cachedJson<K>(json: Map<K, Buffer>, key: K, record: () => object): Buffer {
  const known = json.get(key);
  if (known !== undefined) return known;
  const bytes = Buffer.from(JSON.stringify(record()));
  json.set(key, bytes);
  return bytes;
}
