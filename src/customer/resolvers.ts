import { createHmac } from 'node:crypto';
import {
  getDirectiveValues,
  getNamedType,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  isObjectType,
  Kind,
  type GraphQLResolveInfo,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { InvalidInputError, LimitExceededError } from '../errors.js';
import { normalise, type Identifier } from '../identity/identifiers.js';
import type { IdentityRules, Outcome } from '../identity/identity-graph.js';
import { createCustomer, type Context, type Customer, type CustomerDirectory } from './customer.js';
import type { ContactPoint, KnownTo, Resolvers } from './schema.generated.js';

export interface CustomerOptions extends CustomerDirectory {
  rules: IdentityRules;
  /** The source that answers a field of Customer; undefined for the fields of this file. */
  sourceOfField: ReadonlyMap<string, string>;
  idSecret: string;
  maxCustomers: number;
}

/** Answers schema/customer.graphql. */
export function customerResolvers(options: CustomerOptions): Resolvers {
  const { rules, idSecret, maxCustomers } = options;
  const allSources = new Set(rules.sources.map(({ name }) => name));

  const find = async (
    key: CustomerKey,
    context: Context,
    info: GraphQLResolveInfo,
  ): Promise<Customer | null> => {
    const identity = context.identify(readKey(key, rules));
    const known = await identity.isKnown(sourcesAskedFor(info, options, allSources));
    return known ? createCustomer(identity, info, options) : null;
  };

  const outcomes = (customer: Customer): Promise<{ source: string; outcome: Outcome }[]> =>
    Promise.all(
      rules.sources.map(async ({ name }) => ({ source: name, outcome: await customer.identity.find(name) })),
    );

  const contactPoints = async (customer: Customer, namespace: string): Promise<ContactPoint[]> => {
    const all = await outcomes(customer);
    throwWhenNobodyAnswered(all);
    const points = all.flatMap(({ source, outcome }) =>
      outcome.kind === 'found'
        ? outcome.record.identifiers
            .filter((one) => one.namespace === namespace)
            .flatMap(({ value, verified = false }) => {
              const identifier = normaliseIn(rules, namespace, value);
              return identifier === null ? [] : [{ value: identifier.value, source, verified }];
            })
        : [],
    );
    return points.filter(
      (point, i) => points.findIndex((one) => one.value === point.value && one.source === point.source) === i,
    );
  };

  return {
    Query: {
      customer: (_, { by }, context, info) => find(by, context, info),
      customers: (_, { by }, context, info) => {
        if (by.length > maxCustomers) {
          throw new LimitExceededError(
            `customers(by:) takes at most ${maxCustomers} customers, not ${by.length}.`,
          );
        }
        // Each customer succeeds or fails alone, also when its identifier cannot be one.
        return by.map((key) => find(key, context, info));
      },
    },
    Customer: {
      id: async ({ identity }) => {
        for (const { name, identity: declared } of rules.sources) {
          const outcome = await identity.find(name);
          // Another system's id would be another id for the same customer.
          if (outcome.kind === 'failed') throw outcome.error;
          if (outcome.kind === 'found') return opaqueId(declared.recordKey, outcome.record.id, idSecret);
        }
        return null;
      },
      name: async (customer) => {
        const all = await outcomes(customer);
        throwWhenNobodyAnswered(all);
        for (const { outcome } of all) {
          if (outcome.kind === 'found' && outcome.record.name != null && outcome.record.name !== '')
            return outcome.record.name;
        }
        return null;
      },
      emails: (customer) => contactPoints(customer, 'email'),
      phones: (customer) => contactPoints(customer, 'phone'),
      knownTo: async (customer) =>
        (await outcomes(customer)).map(({ source, outcome }): KnownTo => ({
          source,
          status: STATUS[outcome.kind],
        })),
    },
  };
}

type CustomerKey = Readonly<Record<string, string | null | undefined>>;

const STATUS = { found: 'KNOWN', unknown: 'UNKNOWN', 'not-asked': 'UNKNOWN', failed: 'UNAVAILABLE' } as const;

/** The identifier in a key. That it is exactly one is checked here too: not every way of executing enforces `@oneOf`. */
function readKey(key: CustomerKey, rules: IdentityRules): Identifier {
  const given = Object.entries(key).filter(([, value]) => value !== undefined);
  const [first] = given;
  if (given.length !== 1 || first?.[1] == null) {
    throw new InvalidInputError('Give exactly one identifier to find a customer by, and not null.');
  }
  const [name, value] = first;
  const identifier = normaliseIn(rules, name, value);
  if (identifier === null)
    throw new InvalidInputError(`The ${name} given is not one that can identify a customer.`);
  return identifier;
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

/** The id shows nothing of what it is made from, and cannot be made by anyone without the secret. */
function opaqueId(namespace: string, value: string, secret: string): string {
  return createHmac('sha256', secret).update(`${namespace}\n${value}`).digest('base64url').slice(0, 27);
}

const asked = new WeakMap<object, ReadonlySet<string>>();

/** The sources whose fields the client asks of this customer, so that they can be asked who it is from the start. */
function sourcesAskedFor(
  info: GraphQLResolveInfo,
  { sourceOfField }: CustomerOptions,
  all: ReadonlySet<string>,
): ReadonlySet<string> {
  const [node] = info.fieldNodes;
  const known = node && asked.get(node);
  if (known !== undefined) return known;
  const sources = new Set<string>();
  const type = getNamedType(info.returnType);
  const own = isObjectType(type) ? type.getFields() : {};
  // The id is made from the record of the first source that knows the customer, so mostly from the first of all.
  const first = [...all].slice(0, 1);
  let isForEveryRequest = true as boolean;
  const visit = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if ((selection.directives ?? []).length > 0) isForEveryRequest = false;
      if (isSkipped(selection, info)) continue;
      if (selection.kind === Kind.FIELD) {
        const source = sourceOfField.get(selection.name.value);
        if (source !== undefined) sources.add(source);
        else if (selection.name.value === 'id') first.forEach((one) => sources.add(one));
        else if (selection.name.value in own) for (const one of all) sources.add(one);
      } else {
        const fragment =
          selection.kind === Kind.INLINE_FRAGMENT ? selection : info.fragments[selection.name.value];
        if (fragment !== undefined) visit(fragment.selectionSet);
      }
    }
  };
  for (const { selectionSet } of info.fieldNodes) if (selectionSet !== undefined) visit(selectionSet);
  if (node !== undefined && isForEveryRequest) asked.set(node, sources);
  return sources;
}

function isSkipped(selection: SelectionNode, { variableValues }: GraphQLResolveInfo): boolean {
  return (
    getDirectiveValues(GraphQLSkipDirective, selection, variableValues)?.if === true ||
    getDirectiveValues(GraphQLIncludeDirective, selection, variableValues)?.if === false
  );
}
