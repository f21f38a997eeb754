import type { GraphQLResolveInfo } from 'graphql';
import { ForbiddenError, InvalidInputError, LimitExceededError } from '../errors.js';
import { globalId } from '../global-id.js';
import { chooseIdentity } from '../identity/choose-identity.js';
import type { CustomerIds } from '../identity/customer-id.js';
import { identifierIn, type Identifier } from '../identity/identifiers.js';
import type { Identity } from '../identity/identity-graph.js';
import { toError } from '../loaders/in-flight-batch.js';
import { createCompanies, type Companies, type CompaniesOptions } from './companies.js';
import type { Consents } from './consents.js';
import {
  createCustomer,
  type Context,
  type Customer,
  type CustomerDirectory,
  type CustomerEvent,
} from './customer.js';
import { canShow, customerFields } from './customer-fields.js';
import { failed, type CustomerLists } from './customer-lists.js';
import { ambiguous, identified } from './identification.js';
import type { CustomerEventResolvers, ProfileField, QueryResolvers, Resolvers } from './schema.generated.js';
import { findCustomers } from './search.js';
import { camelCase, PROFILE_FIELDS, type Rule } from './survivorship.js';
import type { TimelineSource } from './timeline.js';
import { wantedSources, type SourcesOfField } from './wanted-sources.js';

export interface CustomerOptions extends CustomerDirectory, CompaniesOptions {
  survivorship: Readonly<Record<ProfileField, Rule>>;
  timelines: readonly TimelineSource[];
  lists: CustomerLists;
  consents: Consents;
  /** The source that answers a field of Customer; undefined for the fields of this file. */
  sourceOfField: ReadonlyMap<string, string>;
  ids: CustomerIds;
  maxCustomers: number;
}

/** Reads the identifier of a customer, within the caller's permissions. */
export type ReadKey = (key: CustomerKey, permissions: Context['permissions']) => Identifier;

export function createReadKey(options: Pick<CustomerOptions, 'rules' | 'ids'>): ReadKey {
  return (key, permissions) => readKey(key, { permissions }, options);
}

/** Answers schema/customer.graphql and schema/events.graphql. */
export function customerResolvers(options: CustomerOptions): Resolvers {
  const companies = createCompanies(options);
  return {
    Query: queryFields(options, companies),
    CustomerEvent: eventFields(options),
    // A customer object needs the field that returned it, because the client's selection is read from it.
    IdentifiedCustomer: {
      customer: ({ customer }, _, __, info) =>
        customer == null ? null : createCustomer(customer.identity, info, options),
    },
    CustomerSearchHit: {
      customer: ({ customer }, _, __, info) =>
        customer == null ? null : createCustomer(customer.identity, info, options),
    },
    Customer: customerFields(options, companies),
    TimelineEntry: {
      id: ({ source, recordId }) => globalId('TimelineEntry', source, recordId),
    },
    ...listItemFields(options.lists),
    Company: {
      kvkNumber: (company) => company.identifier('kvkNumber'),
      vatNumber: (company) => company.identifier('vatNumber'),
    },
  };
}

function queryFields(options: CustomerOptions, companies: Companies): QueryResolvers {
  const { rules, maxCustomers } = options;
  const allSources = new Set(rules.sources.map(({ name }) => name));
  const sourcesOf = sourcesOfFields(options, companies.sourcesOfCustomer);

  const find = (
    identifier: Identifier,
    context: Context,
    info: GraphQLResolveInfo,
  ): Customer | null | Promise<Customer | null> => {
    const identity = context.identify(identifier);
    const wanted = wantedSources(info, sourcesOf, allSources);
    const shown = (isKnown: boolean): Customer | null => {
      if (!isKnown) return null;
      context.foundIdentities.add(identity);
      return createCustomer(identity, info, options);
    };
    const isKnown = identity.isAlreadyKnown(wanted);
    return isKnown === undefined ? identity.isKnown(wanted).then(shown) : shown(isKnown);
  };

  return {
    me: (_, __, context, info) => {
      const { ownIdentifier } = context.permissions;
      return ownIdentifier === undefined ? null : find(ownIdentifier, context, info);
    },
    customer: (_, { by }, context, info) => find(readKey(by, context, options), context, info),
    customers: async (_, { by }, context, info) => {
      if (by.length > maxCustomers) {
        throw new LimitExceededError(
          `customers(by:) takes at most ${maxCustomers} customers, not ${by.length}.`,
        );
      }
      // Each customer succeeds or fails separately, also if its identifier is invalid.
      const starts = by.map((key) => valueOrError(() => readKey(key, context, options)));
      await context.walkTogether(
        starts.flatMap((start) => (start instanceof Error ? [] : [start])),
        wantedSources(info, sourcesOf, allSources),
      );
      return starts.map((start) => {
        const found = start instanceof Error ? start : valueOrError(() => find(start, context, info));
        return found instanceof Error ? failed(found) : found;
      });
    },
    findCustomers: (_, { by }, context, info) => findCustomers(by, context, info, options),
    company: (_, { by }, context, info) => companies.find(by, context, info),
    identify: async (_, { by }, context, info) => {
      const identity = context.identify(readKey(by, context, options));
      const match = await identity.fullMatch();
      if (match.kind === 'ambiguous')
        return { __typename: 'AmbiguousIdentifier', ...ambiguous(match, match.severalIn, rules.namespaces) };
      if (match.kind === 'identified') {
        context.foundIdentities.add(identity);
        const customer = createCustomer(identity, info, options);
        return {
          __typename: 'IdentifiedCustomer',
          ...identified(customer, match, rules, canShow(context.permissions, rules)),
        };
      }
      const [reason] = match.failed.values();
      if (reason !== undefined) throw reason;
      return { __typename: 'UnknownIdentifier', queriedSystems: [...match.queriedSources] };
    },
  };
}

/** The fields of tickets, deals and organisations that are not properties of the records. */
function listItemFields({
  tickets,
}: CustomerLists): Pick<Resolvers, 'Ticket' | 'TicketComment' | 'Deal' | 'Organisation'> {
  const ticketsBySource = new Map(tickets.map(({ name, declared }) => [name, declared]));
  return {
    Ticket: {
      id: ({ source, recordId }) => globalId('Ticket', source, recordId),
      satisfaction: (ticket) => ticketsBySource.get(ticket.source)?.satisfaction?.(ticket) ?? null,
      comments: async (ticket, page, context) =>
        (await ticketsBySource.get(ticket.source)?.comments?.(ticket, page, context)) ?? null,
    },
    TicketComment: { id: ({ source, recordId }) => globalId('TicketComment', source, recordId) },
    Deal: { id: ({ source, recordId }) => globalId('Deal', source, recordId) },
    Organisation: { id: ({ source, recordId }) => globalId('Organisation', source, recordId) },
  };
}

function eventFields(options: CustomerOptions): CustomerEventResolvers {
  /** Identities by context and event, so that the condition of an event and its result concern the same customer. */
  const eventIdentities = new WeakMap<Context, WeakMap<CustomerEvent, Promise<Identity | null>>>();
  const identityOfEvent = (event: CustomerEvent, context: Context): Promise<Identity | null> => {
    const identities = eventIdentities.get(context) ?? new WeakMap<CustomerEvent, Promise<Identity | null>>();
    eventIdentities.set(context, identities);
    let identity = identities.get(event);
    if (identity === undefined) {
      identity = chooseIdentity(options.rules, event.about, (identifier) => context.identify(identifier));
      identities.set(event, identity);
    }
    return identity;
  };

  return {
    id: ({ source, id }) => globalId('CustomerEvent', source, id),
    customer: async (event, _, context, info) => {
      const identity = await identityOfEvent(event, context);
      if (identity === null) return null;
      context.foundIdentities.add(identity);
      return createCustomer(identity, info, options);
    },
  };
}

function valueOrError<T>(read: () => T): T | Error {
  try {
    return read();
  } catch (error) {
    return toError(error);
  }
}

type CustomerKey = Readonly<Record<string, string | null | undefined>>;

/** Reads the identifier in a key. Checks that there is exactly one, because not every executor enforces `@oneOf`. */
function readKey(
  key: CustomerKey,
  { permissions }: Pick<Context, 'permissions'>,
  { rules, ids }: Pick<CustomerOptions, 'rules' | 'ids'>,
): Identifier {
  const [name = '', ...others] = Object.keys(key).filter((name) => key[name] !== undefined);
  const value = key[name];
  if (others.length > 0 || value == null)
    throw new InvalidInputError('Give exactly one identifier to find a customer by, and not null.');
  // Checked before the value is read: the caller must not learn whether the identifier exists.
  if (permissions.findsBy !== 'all' && !permissions.findsBy.has(name))
    throw new ForbiddenError(`This caller may not find customers by ${name}.`);
  if (name === 'id') {
    const identifier = ids.open(value);
    if (identifier === null) throw new InvalidInputError('The id given was not made by this gateway.');
    return identifier;
  }
  return identifierIn(rules, name, value);
}

/** The sources of each field. If a rule uses the order of sources, usually the first is enough. */
function sourcesOfFields(
  { rules, survivorship, timelines, lists, consents, sourceOfField }: CustomerOptions,
  ofCompany: readonly string[],
): SourcesOfField {
  const first = (sources: readonly string[]) => sources.slice(0, 1);
  const identifying = new Set(rules.sources.map(({ name }) => name));
  const sourcesOfCoreFields = new Map<string, readonly string[]>([
    // The id comes from the record of the first source that knows the customer.
    ['id', first(rules.sources.map(({ name }) => name))],
    ['timeline', timelines.map(({ name }) => name)],
    ['tickets', lists.tickets.map(({ name }) => name)],
    ['deals', lists.deals.map(({ name }) => name)],
    ['organisations', lists.organisations.map(({ name }) => name)],
    ['consents', consents.sources],
    ['company', ofCompany],
    ...PROFILE_FIELDS.map((field): [string, readonly string[]] => {
      const { strategy, sources } = survivorship[field];
      return [camelCase(field), strategy === 'SOURCE_PRIORITY' ? first(sources) : sources];
    }),
  ]);
  return (field) => {
    const source = sourceOfField.get(field);
    if (source === undefined) return sourcesOfCoreFields.get(field) ?? 'all';
    // A source without identity finds its data by identifiers in the records of all other sources.
    return identifying.has(source) ? [source] : 'all';
  };
}
