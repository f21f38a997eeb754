import type { Directory } from './directory.js';
import type { TicketRecord, ZendeskUser } from './records.js';
import type { SearchQuery, SearchRange } from './search-query.js';

/** Ordered by id and not by relevance: the exact address need not come first. */
export function searchUsers(directory: Directory, { wanted, unwanted, words }: SearchQuery): ZendeskUser[] {
  let matches: ZendeskUser[] | undefined;
  const narrow = (found: readonly ZendeskUser[]): void => {
    const others = matches;
    matches = others === undefined ? [...found] : others.filter((user) => found.includes(user));
  };
  for (const [property, values] of wanted) {
    if (property !== 'type') narrow(union(values.map((value) => usersBy(directory, property, value))));
  }
  for (const word of words) narrow(usersByWord(directory, word));
  for (const { property, value } of unwanted) {
    const excluded = new Set(
      property === undefined ? usersByWord(directory, value) : usersBy(directory, property, value),
    );
    narrow(directory.allUsers.filter((user) => !excluded.has(user)));
  }
  return matches?.sort((a, b) => a.id - b.id) ?? [...directory.allUsers];
}

function usersBy(directory: Directory, property: string, value: string): readonly ZendeskUser[] {
  switch (property) {
    case 'email':
      return directory.usersByEmail(value);
    case 'phone':
      return directory.usersByPhone(value);
    case 'role':
      return directory.allUsers.filter(({ role }) => role === value);
    case 'name':
      return directory.allUsers.filter(({ name }) => name.toLowerCase().includes(value));
    default:
      return [];
  }
}

function usersByWord(directory: Directory, word: string): readonly ZendeskUser[] {
  if (word.includes('@')) return directory.usersByEmail(word);
  if (/^[+\d]/.test(word)) return directory.usersByPhone(word);
  return directory.allUsers.filter(
    ({ name, email }) => name.toLowerCase().includes(word) || email.startsWith(word),
  );
}

/** In no particular order. */
export function searchTickets(
  directory: Directory,
  { wanted, unwanted, ranges, words }: SearchQuery,
): TicketRecord[] {
  // One of these properties selects tickets by an index; any other is compared ticket by ticket.
  const by = { requester: directory.ticketsOf, cc: directory.ticketsCopiedTo };
  const indexed = (['requester', 'cc'] as const).find((property) => wanted.has(property));
  let found =
    indexed === undefined
      ? directory.allTickets()
      : union(
          (wanted.get(indexed) ?? [])
            .flatMap((user) => userIds(directory, user))
            .map((id) => by[indexed](id)),
        );
  for (const [property, values] of wanted) {
    if (property === indexed || property === 'type') continue;
    found = found.filter((record) => values.some((value) => ticketFits(record, property, value)));
  }
  for (const range of ranges) found = found.filter((record) => isInRange(record, range));
  for (const word of words) found = found.filter((record) => ticketFits(record, undefined, word));
  return found.filter(
    (record) => !unwanted.some(({ property, value }) => ticketFits(record, property, value)),
  );
}

function userIds(directory: Directory, user: string): number[] {
  if (/^\d+$/.test(user)) return [Number(user)];
  return directory.usersByEmail(user).map(({ id }) => id);
}

function ticketFits(
  { ticket, requesterId }: TicketRecord,
  property: string | undefined,
  value: string,
): boolean {
  switch (property) {
    case undefined:
      return `${ticket.subject} ${ticket.description}`.toLowerCase().includes(value);
    case 'requester':
      return String(requesterId) === value;
    case 'cc':
      return ticket.copiedTo?.some((id) => String(id) === value) === true;
    case 'status':
      return ticket.status === value;
    case 'priority':
      return (ticket.priority ?? 'none') === value;
    case 'via':
      return ticket.channel === value;
    default:
      return false;
  }
}

/** A moment, or a state in the order of a ticket's life. A property without an order finds nothing. */
function isInRange({ ticket }: TicketRecord, { property, operator, value }: SearchRange): boolean {
  const [actual, wanted] =
    property === 'created'
      ? [Date.parse(ticket.createdAt), Date.parse(value)]
      : property === 'status'
        ? [statuses.indexOf(ticket.status), statuses.indexOf(value)]
        : [NaN, NaN];
  if (operator === '<') return actual < wanted;
  if (operator === '<=') return actual <= wanted;
  return operator === '>' ? actual > wanted : actual >= wanted;
}

const statuses = ['new', 'open', 'pending', 'hold', 'solved', 'closed'];

function union<T>(lists: readonly (readonly T[])[]): T[] {
  const [only] = lists;
  return lists.length === 1 && only !== undefined ? [...only] : [...new Set(lists.flat())];
}
