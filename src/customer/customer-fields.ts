import { ForbiddenError } from '../errors.js';
import { normaliseIn } from '../identity/identifiers.js';
import type { Identity, IdentityRules, Outcome } from '../identity/identity-graph.js';
import { fetchedAt } from '../loaders/fetched-at.js';
import type { Companies } from './companies.js';
import type { Context, Customer } from './customer.js';
import { dealsPage, organisationsOf, ticketsPage } from './customer-lists.js';
import { identifiersOf } from './identification.js';
import { chooseValue, provenanceOf } from './profile.js';
import type { CustomerOptions } from './resolvers.js';
import type { ContactPoint, CustomerResolvers, SystemStatus, ProfileField } from './schema.generated.js';
import { camelCase, PROFILE_FIELDS } from './survivorship.js';
import { timelinePage } from './timeline.js';

const STATUS = { found: 'KNOWN', unknown: 'UNKNOWN', failed: 'UNAVAILABLE' } as const;

/** Answers the fields of Customer in schema/customer.graphql. */
export function customerFields(options: CustomerOptions, companies: Companies): CustomerResolvers {
  const { rules, survivorship, timelines, lists, consents } = options;
  const recordKeys = new Map(rules.sources.map(({ name, identity }) => [name, identity.recordKey]));

  const chosen =
    <F extends ProfileField>(field: F) =>
    ({ identity }: Customer) =>
      chooseValue(field, survivorship[field], rules.namespaces, identity);

  return {
    id: ({ identity }) => {
      for (const { name, identity: declared } of rules.sources) {
        const outcome = identity.foundIn(name);
        if (outcome === undefined) return loadId(identity, options);
        const id = idIn(outcome, declared.recordKey, options);
        if (id !== null) return id;
      }
      return null;
    },
    name: chosen('NAME'),
    primaryEmail: chosen('PRIMARY_EMAIL'),
    primaryPhone: chosen('PRIMARY_PHONE'),
    address: chosen('ADDRESS'),
    language: chosen('LANGUAGE'),
    bornOn: chosen('BORN_ON'),
    provenance: ({ identity }, { fields }, { permissions }) =>
      profileFieldsFor(permissions, fields).map((field) =>
        provenanceOf(field, survivorship[field], rules.namespaces, identity, fetchedAt, (source) => {
          const recordKey = recordKeys.get(source);
          return recordKey === undefined || canShow(permissions, rules)(recordKey);
        }),
      ),
    emails: (customer) => contactPoints(customer, rules, 'email'),
    phones: (customer) => contactPoints(customer, rules, 'phone'),
    identifiers: async ({ identity }, _, { permissions }) =>
      identifiersOf(await identity.fullMatch(), rules, canShow(permissions, rules)),
    company: (customer, _, context) => companies.ofCustomer(customer, context),
    timeline: (customer, args, context) => timelinePage(customer, args, timelines, context),
    tickets: (customer, args, context) => ticketsPage(customer, args, lists, context),
    deals: (customer, args, context) => dealsPage(customer, args, lists, context),
    organisations: (customer, _, context) => organisationsOf(customer, lists, context),
    consents: (customer, _, context) => consents.ofCustomer(customer, context),
    systems: async (customer) =>
      (await outcomesOf(customer, rules)).map(({ source, outcome }): SystemStatus => ({
        source,
        status: STATUS[outcome.kind],
      })),
  };
}

async function loadId(identity: Identity, options: CustomerOptions): Promise<string | null> {
  for (const { name, identity: declared } of options.rules.sources) {
    const id = idIn(await identity.findIn(name), declared.recordKey, options);
    if (id !== null) return id;
  }
  return null;
}

/** The id by the customer's records in a source. Throws the source's error: another system's record gives another id. */
function idIn(outcome: Outcome, recordKey: string, { rules, ids }: CustomerOptions): string | null {
  if (outcome.kind === 'failed') throw outcome.error;
  if (outcome.kind !== 'found') return null;
  const [first = ''] = outcome.records.map(({ id }) => id).sort();
  const strongest = normaliseIn(rules, recordKey, first);
  return strongest === null ? null : ids.seal(strongest);
}

/** The outcome of each source for the customer. */
async function outcomesOf(
  { identity }: Customer,
  { sources }: IdentityRules,
): Promise<{ source: string; outcome: Outcome }[]> {
  return Promise.all(
    sources.map(async ({ name }) => ({
      source: name,
      outcome: identity.foundIn(name) ?? (await identity.findIn(name)),
    })),
  );
}

async function contactPoints(
  customer: Customer,
  rules: IdentityRules,
  namespace: string,
): Promise<ContactPoint[]> {
  const outcomes = await outcomesOf(customer, rules);
  throwIfNoneAnswered(outcomes);
  const points = new Map<string, ContactPoint>();
  for (const { source, outcome } of outcomes) {
    if (outcome.kind !== 'found') continue;
    for (const held of outcome.records.flatMap(({ identifiers }) => identifiers)) {
      if (held.namespace !== namespace) continue;
      const identifier = normaliseIn(rules, namespace, held.value);
      if (identifier === null) continue;
      const key = `${source} ${identifier.value}`;
      const isVerified = held.verified === true || points.get(key)?.isVerified === true;
      points.set(key, { value: identifier.value, source, isVerified });
    }
  }
  return [...points.values()];
}

/** The profile fields that the caller may see. Provenance shows the same values, so it leaves out the others. */
function profileFieldsFor(
  permissions: Context['permissions'],
  wanted: readonly ProfileField[] | null | undefined,
): readonly ProfileField[] {
  const maySee = (field: ProfileField) => permissions.maySee(`Customer.${camelCase(field)}`);
  const refused = wanted?.find((field) => !maySee(field));
  if (refused !== undefined)
    throw new ForbiddenError(
      `This caller may not see the provenance of ${refused}, because it may not see the value.`,
    );
  return wanted ?? PROFILE_FIELDS.filter(maySee);
}

/** Whether a caller may see identifiers of a namespace: only if it may see the field with the same values. */
export function canShow(
  permissions: Context['permissions'],
  { namespaces }: IdentityRules,
): (namespace: string) => boolean {
  return (name) => {
    const shownBy = namespaces.get(name)?.shownBy;
    return shownBy === undefined || permissions.maySee(shownBy);
  };
}

/** Throws a failed system's error if no system knows the customer. */
function throwIfNoneAnswered(all: readonly { outcome: Outcome }[]): void {
  if (all.some(({ outcome }) => outcome.kind === 'found')) return;
  for (const { outcome } of all) if (outcome.kind === 'failed') throw outcome.error;
}
