import type { HttpAnswer } from '../../stand-ins/http.js';
import type { World } from '../../stand-ins/world.js';
import { batchAnswer, invalid, type PartialFailure } from './answers.js';
import { objectTypes, type ObjectType } from './objects.js';
import { readInputs } from './request-body.js';

type Pair = `${ObjectType}->${ObjectType}`;

/** From a record's id to the ids it is associated with. */
export type Associations = ReadonlyMap<Pair, ReadonlyMap<string, readonly string[]>>;

export function createAssociations(world: World): Associations {
  const companiesOf = new Map<string, string[]>();
  const contactsOfCompany = new Map<string, string[]>();
  const dealsOf = new Map<string, string[]>();
  const contactsOfDeal = new Map<string, string[]>();
  for (const { crm } of world.people) {
    if (crm === undefined) continue;
    if (crm.companyId !== undefined) {
      companiesOf.set(crm.contactId, [crm.companyId]);
      const contacts = contactsOfCompany.get(crm.companyId);
      if (contacts === undefined) contactsOfCompany.set(crm.companyId, [crm.contactId]);
      else contacts.push(crm.contactId);
    }
    const deals = crm.deals.map(({ id }) => id);
    if (deals.length > 0) dealsOf.set(crm.contactId, deals);
    for (const deal of deals) contactsOfDeal.set(deal, [crm.contactId]);
  }
  const ticketsOf = new Map<string, string[]>();
  const companiesOfTicket = new Map<string, string[]>();
  for (const { id, serviceTickets } of world.companies) {
    if (serviceTickets.length === 0) continue;
    ticketsOf.set(
      id,
      serviceTickets.map((ticket) => ticket.id),
    );
    for (const ticket of serviceTickets) companiesOfTicket.set(ticket.id, [id]);
  }
  return new Map<Pair, Map<string, string[]>>([
    ['contacts->companies', companiesOf],
    ['companies->contacts', contactsOfCompany],
    ['contacts->deals', dealsOf],
    ['deals->contacts', contactsOfDeal],
    ['companies->tickets', ticketsOf],
    ['tickets->companies', companiesOfTicket],
  ]);
}

interface AssociationType {
  category: 'HUBSPOT_DEFINED';
  typeId: number;
  label: string | null;
}

function defined(typeId: number, label: string | null = null): AssociationType {
  return { category: 'HUBSPOT_DEFINED', typeId, label };
}

// A primary company is associated twice: as the primary one, and without a label.
const associationTypes: Partial<Record<Pair, readonly AssociationType[]>> = {
  'contacts->companies': [defined(1, 'Primary'), defined(279)],
  'companies->contacts': [defined(2, 'Contact with Primary Company'), defined(280)],
  'contacts->deals': [defined(4)],
  'deals->contacts': [defined(3)],
  'companies->tickets': [defined(25, 'Ticket with Primary Company'), defined(340)],
  'tickets->companies': [defined(26, 'Primary'), defined(339)],
};

const mostInputs = 1_000;
const pageSize = 500;

/**
 * Answers in the reverse order of the request, because HubSpot guarantees no order. Callers must match by
 * `from.id`.
 */
export function readAssociations(
  associations: Associations,
  { from, to, body, origin }: { from: ObjectType; to: ObjectType; body: string; origin: string },
): HttpAnswer {
  const startedAt = new Date();
  const inputs = readInputs(body, mostInputs);
  if (!Array.isArray(inputs)) return inputs;

  const associated = associations.get(`${from}->${to}`);
  const types = associationTypes[`${from}->${to}`] ?? [];
  const results: object[] = [];
  const errors: PartialFailure[] = [];
  const distinctInputs = new Map(inputs.map((input) => [`${input.id} ${input.after ?? ''}`, input]));
  for (const { id, after } of distinctInputs.values()) {
    const ids = associated?.get(id);
    if (ids === undefined) {
      errors.push(noAssociations(from, id, to));
      continue;
    }
    const start = readCursor(after);
    if (start === undefined)
      return invalid(`Invalid paging cursor: ${after ?? ''}`, { after: [after ?? ''] });
    const end = start + pageSize;
    const next = Buffer.from(String(end)).toString('base64');
    results.push({
      from: { id },
      // These ids are numbers, although the specification says text and all other ids are text.
      to: ids.slice(start, end).map((other) => ({ toObjectId: Number(other), associationTypes: types })),
      ...(end < ids.length && {
        paging: {
          next: {
            after: next,
            link: `${origin}/crm/v4/objects/${from}/${id}/associations/${to}?after=${encodeURIComponent(next)}`,
          },
        },
      }),
    });
  }
  return batchAnswer(results.reverse(), errors, startedAt);
}

function noAssociations(from: ObjectType, id: string, to: ObjectType): PartialFailure {
  const [fromName, toName] = [objectTypes[from].singular, objectTypes[to].singular];
  return {
    status: 'error',
    category: 'OBJECT_NOT_FOUND',
    subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND',
    message: `No ${toName} is associated with ${fromName} ${id}.`,
    context: { fromObjectId: [id], fromObjectType: [fromName], toObjectType: [toName] },
  };
}

function readCursor(after: string | undefined): number | undefined {
  if (after === undefined) return 0;
  const offset = Buffer.from(after, 'base64').toString('utf8');
  return /^[1-9]\d{0,8}$/.test(offset) ? Number(offset) : undefined;
}
