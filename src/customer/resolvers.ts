import type { GraphQLResolveInfo } from 'graphql';
import { ForbiddenError, InvalidInputError, LimitExceededError } from '../errors.js';
import { chooseIdentity } from '../identity/choose-identity.js';
import type { CustomerIds } from '../identity/customer-id.js';
import { identifierIn, normalise, type Identifier } from '../identity/identifiers.js';
import type { Identity, IdentityRules, Outcome } from '../identity/identity-graph.js';
import { askedAt } from '../loaders/asked-at.js';
import { createCompanies, type CompaniesOptions } from './companies.js';
import type { Consents } from './consents.js';
import {
  createCustomer,
  type Context,
  type Customer,
  type CustomerDirectory,
  type CustomerEvent,
} from './customer.js';
import { ambiguous, identified, identifiersOf } from './identification.js';
import { chooseValue, provenanceOf } from './profile.js';
import type { ContactPoint, KnownTo, ProfileField, Resolvers } from './schema.generated.js';
import { PROFILE_FIELDS, type Rule } from './survivorship.js';
import { timelinePage, type TimelineSource } from './timeline.js';
import { wantedSources, type SourcesOfField } from './wanted-sources.js';

export interface CustomerOptions extends CustomerDirectory, CompaniesOptions {
  survivorship: Readonly<Record<ProfileField, Rule>>;
  timelines: readonly TimelineSource[];
  consents: Consents;
  /** The source that answers a field of Customer; undefined for the fields of this file. */
  sourceOfField: ReadonlyMap<string, string>;
  ids: CustomerIds;
  maxCustomers: number;
}

/** Reads what a customer is to be found by, within what the caller may. */
export type ReadKey = (key: CustomerKey, rights: Context['rights']) => Identifier;

export function createReadKey(options: Pick<CustomerOptions, 'rules' | 'ids'>): ReadKey {
  return (key, rights) => readKey(key, { rights }, options);
}

/** Answers schema/customer.graphql and schema/events.graphql. */
export function customerResolvers(options: CustomerOptions): Resolvers {
  const { rules, survivorship, timelines, consents, ids, maxCustomers } = options;
  const allSources = new Set(rules.sources.map(({ name }) => name));
  const recordKeys = new Map(rules.sources.map(({ name, identity }) => [name, identity.recordKey]));
  const companies = createCompanies(options);
  const sourcesOf = sourcesOfFields(options, companies.sourcesOfCustomer);

  const find = async (
    identifier: Identifier,
    context: Context,
    info: GraphQLResolveInfo,
  ): Promise<Customer | null> => {
    const identity = context.identify(identifier);
    const known = await identity.known(wantedSources(info, sourcesOf, allSources));
    if (!known) return null;
    context.found.add(identity);
    return createCustomer(identity, info, options);
  };

  /** By context and event, so that the condition of an event and its result are about the same customer. */
  const eventIdentities = new WeakMap<Context, WeakMap<CustomerEvent, Promise<Identity | null>>>();
  const identityOfEvent = (event: CustomerEvent, context: Context): Promise<Identity | null> => {
    const identities = eventIdentities.get(context) ?? new WeakMap<CustomerEvent, Promise<Identity | null>>();
    eventIdentities.set(context, identities);
    let identity = identities.get(event);
    if (identity === undefined) {
      identity = chooseIdentity(rules, event.about, (identifier) => context.identify(identifier));
      identities.set(event, identity);
    }
    return identity;
  };

  const outcomes = (customer: Customer): Promise<{ source: string; outcome: Outcome }[]> =>
    Promise.all(
      rules.sources.map(async ({ name }) => ({ source: name, outcome: await customer.identity.find(name) })),
    );

  const contactPoints = async (customer: Customer, namespace: string): Promise<ContactPoint[]> => {
    const all = await outcomes(customer);
    throwWhenNobodyAnswered(all);
    const points = new Map<string, ContactPoint>();
    for (const { source, outcome } of all) {
      if (outcome.kind !== 'found') continue;
      for (const held of outcome.records.flatMap(({ identifiers }) => identifiers)) {
        if (held.namespace !== namespace) continue;
        const identifier = normaliseIn(rules, namespace, held.value);
        if (identifier === null) continue;
        const key = `${source} ${identifier.value}`;
        const verified = held.verified === true || points.get(key)?.verified === true;
        points.set(key, { value: identifier.value, source, verified });
      }
    }
    return [...points.values()];
  };

  const chosen =
    <F extends ProfileField>(field: F) =>
    ({ identity }: Customer) =>
      chooseValue(field, survivorship[field], rules.namespaces, (source) => identity.find(source));

  return {
    Query: {
      me: (_, __, context, info) => {
        const { own } = context.rights;
        return own === undefined ? null : find(own, context, info);
      },
      customer: (_, { by }, context, info) => find(readKey(by, context, options), context, info),
      customers: (_, { by }, context, info) => {
        if (by.length > maxCustomers) {
          throw new LimitExceededError(
            `customers(by:) takes at most ${maxCustomers} customers, not ${by.length}.`,
          );
        }
        // Each customer succeeds or fails alone, also when its identifier cannot be one.
        return by.map(async (key) => find(readKey(key, context, options), context, info));
      },
      company: (_, { by }, context, info) => companies.find(by, context, info),
      identify: async (_, { by }, context, info) => {
        const identity = context.identify(readKey(by, context, options));
        const match = await identity.whole();
        if (match.kind === 'ambiguous')
          return { __typename: 'Ambiguous', ...ambiguous(match, match.severalIn, rules.namespaces) };
        if (match.kind === 'identified') {
          context.found.add(identity);
          const customer = createCustomer(identity, info, options);
          return {
            __typename: 'Identified',
            ...identified(customer, match, canShow(context.rights, rules)),
          };
        }
        const [reason] = match.failed.values();
        if (reason !== undefined) throw reason;
        return { __typename: 'Unknown', asked: [...match.asked] };
      },
    },
    CustomerEvent: {
      customer: async (event, _, context, info) => {
        const identity = await identityOfEvent(event, context);
        if (identity === null) return null;
        context.found.add(identity);
        return createCustomer(identity, info, options);
      },
    },
    // What the client asks of a customer is read from the field that made it.
    Identified: {
      customer: ({ customer }, _, __, info) =>
        customer == null ? null : createCustomer(customer.identity, info, options),
    },
    Customer: {
      id: async ({ identity }) => {
        for (const { name, identity: declared } of rules.sources) {
          const outcome = await identity.find(name);
          // Another system's id would be another id for the same customer.
          if (outcome.kind === 'failed') throw outcome.error;
          if (outcome.kind !== 'found') continue;
          const [first = ''] = outcome.records.map(({ id }) => id).sort();
          const strongest = normaliseIn(rules, declared.recordKey, first);
          if (strongest !== null) return ids.seal(strongest);
        }
        return null;
      },
      name: chosen('NAME'),
      primaryEmail: chosen('PRIMARY_EMAIL'),
      primaryPhone: chosen('PRIMARY_PHONE'),
      address: chosen('ADDRESS'),
      language: chosen('LANGUAGE'),
      birthDate: chosen('BIRTH_DATE'),
      provenance: ({ identity }, { fields }, { rights }) =>
        profileFieldsFor(rights, fields).map((field) =>
          provenanceOf(
            field,
            survivorship[field],
            rules.namespaces,
            (source) => identity.find(source),
            askedAt,
            (source) => {
              const recordKey = recordKeys.get(source);
              return recordKey === undefined || canShow(rights, rules)(recordKey);
            },
          ),
        ),
      emails: (customer) => contactPoints(customer, 'email'),
      phones: (customer) => contactPoints(customer, 'phone'),
      identifiers: async ({ identity }, _, { rights }) =>
        identifiersOf(await identity.whole(), canShow(rights, rules)),
      company: (customer, _, context) => companies.ofCustomer(customer, context),
      timeline: (customer, args, context) => timelinePage(customer, args, timelines, context),
      consents: (customer, _, context) => consents.ofCustomer(customer, context),
      knownTo: async (customer) =>
        (await outcomes(customer)).map(({ source, outcome }): KnownTo => ({
          source,
          status: STATUS[outcome.kind],
        })),
    },
    Company: {
      kvkNumber: (company) => company.identifier('kvkNumber'),
      vatNumber: (company) => company.identifier('vatNumber'),
    },
  };
}

type CustomerKey = Readonly<Record<string, string | null | undefined>>;

const STATUS = { found: 'KNOWN', unknown: 'UNKNOWN', failed: 'UNAVAILABLE' } as const;

/** The identifier in a key. That it is exactly one is checked here too: not every way of executing enforces `@oneOf`. */
function readKey(
  key: CustomerKey,
  { rights }: Pick<Context, 'rights'>,
  { rules, ids }: Pick<CustomerOptions, 'rules' | 'ids'>,
): Identifier {
  const given = Object.entries(key).filter(([, value]) => value !== undefined);
  const [first] = given;
  if (given.length !== 1 || first?.[1] == null) {
    throw new InvalidInputError('Give exactly one identifier to find a customer by, and not null.');
  }
  const [name, value] = first;
  // Before anything is made of the value: whether it is anybody's is not for this caller to know.
  if (rights.findsBy !== 'all' && !rights.findsBy.has(name))
    throw new ForbiddenError(`This caller may not find customers by ${name}.`);
  if (name === 'id') {
    const identifier = ids.open(value);
    if (identifier === null) throw new InvalidInputError('The id given was not made by this gateway.');
    return identifier;
  }
  return identifierIn(rules, name, value);
}

/** The profile fields whose own field the caller may see: its values show in provenance too. */
function profileFieldsFor(
  rights: Context['rights'],
  wanted: readonly ProfileField[] | null | undefined,
): readonly ProfileField[] {
  const maySee = (field: ProfileField) => rights.maySee(`Customer.${camelCase(field)}`);
  const refused = wanted?.find((field) => !maySee(field));
  if (refused !== undefined)
    throw new ForbiddenError(
      `This caller may not see where ${refused} comes from: it may not see the value.`,
    );
  return wanted ?? PROFILE_FIELDS.filter(maySee);
}

/** Whether a caller may see identifiers of a namespace: as far as it may see the field that shows the same. */
function canShow(rights: Context['rights'], { namespaces }: IdentityRules): (namespace: string) => boolean {
  return (name) => {
    const shownBy = namespaces.get(name)?.shownBy;
    return shownBy === undefined || rights.maySee(shownBy);
  };
}

function normaliseIn(
  { namespaces }: IdentityRules,
  name: string,
  value: string | null | undefined,
): Identifier | null {
  const namespace = namespaces.get(name);
  return namespace === undefined || value == null ? null : normalise(namespace, value);
}

/** One system's silence costs nothing while another can tell; only when none could is it an error. */
function throwWhenNobodyAnswered(all: readonly { outcome: Outcome }[]): void {
  if (all.some(({ outcome }) => outcome.kind === 'found')) return;
  for (const { outcome } of all) if (outcome.kind === 'failed') throw outcome.error;
}

/** Where a rule goes by the order of the sources, mostly the first one decides, and the others need not be asked. */
function sourcesOfFields(
  { rules, survivorship, timelines, consents, sourceOfField }: CustomerOptions,
  ofCompany: readonly string[],
): SourcesOfField {
  const first = (sources: readonly string[]) => sources.slice(0, 1);
  const identifying = new Set(rules.sources.map(({ name }) => name));
  const own = new Map<string, readonly string[]>([
    // Made from the record of the first source that knows the customer.
    ['id', first(rules.sources.map(({ name }) => name))],
    ['timeline', timelines.map(({ name }) => name)],
    ['consents', consents.sources],
    ['company', ofCompany],
    ...PROFILE_FIELDS.map((field): [string, readonly string[]] => {
      const { strategy, sources } = survivorship[field];
      return [camelCase(field), strategy === 'SOURCE_PRIORITY' ? first(sources) : sources];
    }),
  ]);
  return (field) => {
    const source = sourceOfField.get(field);
    if (source === undefined) return own.get(field) ?? 'all';
    // One that knows no customers is asked by what the others hold of them.
    return identifying.has(source) ? [source] : 'all';
  };
}

/** `PRIMARY_EMAIL` is the field `primaryEmail`. */
function camelCase(name: string): string {
  return name.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
