import { z } from 'zod';
import type { Client } from '../connectors/connector.js';
import type {
  AnyCondition,
  Comparisons,
  ConditionDeclaration,
  ConditionList,
  ConditionType,
  TicketComparison,
} from '../customer/condition-declaration.js';
import type { Context, Customer, Permissions } from '../customer/customer.js';
import { InvalidInputError } from '../errors.js';
import type { Loader } from '../loaders/loader.js';
import { COMBINE, COMPARE } from './compare.js';
import type { Condition, Truth } from './condition.js';

/** A condition with the sources that declare it. */
export interface SourceCondition extends Pick<AnyCondition, 'name' | 'description' | 'type' | 'shownBy'> {
  /** Several only if the condition compares the items of a list that several sources fill. */
  parts: readonly { source: string; declared: AnyCondition }[];
}

/** A comparison of one value of a customer. */
export interface Leaf {
  /** The field of `AudienceCondition`. */
  name: string;
  /** The systems that must be known to identify the customer. */
  sources: readonly string[];
  /** What reading calls, for the plan. */
  loaders: readonly { source: string; loader: Loader<Client, never, unknown> }[];
  /** Throws if the value cannot be read. */
  read(customer: Customer, context: Context): Promise<Truth>;
  /** A text is the reason why no system can list by it. The lists of several systems together have all these customers. */
  list: readonly LeafList[] | string;
}

/** How the source of a comparison lists the customers that meet it. */
export interface LeafList {
  source: string;
  declared: ConditionList<Client>;
  comparison: Comparisons[ConditionType];
}

/** A condition as it is written, after the check of its members. */
export interface ReadCondition {
  where: Condition<Leaf>;
  /** Why the caller cannot use some of its comparisons. */
  refusals: string[];
}

const MAX_COMPARISONS = 20;
const MAX_DEPTH = 6;

/** Reads an `AudienceCondition`. Throws an InvalidInputError for a condition that cannot be evaluated. */
export function readCondition(
  input: unknown,
  conditions: ReadonlyMap<string, SourceCondition>,
  { maySee }: Pick<Permissions, 'maySee'>,
): ReadCondition {
  const refusals: string[] = [];
  let comparisons = 0;

  const read = (node: unknown, depth: number): Condition<Leaf> => {
    const [name, value] = onlyMember(node);
    if (depth > MAX_DEPTH)
      throw new InvalidInputError(`An audience has at most ${MAX_DEPTH} conditions in each other.`);
    if (name === 'not') return { kind: 'not', of: read(value, depth + 1) };
    if (name === 'all' || name === 'any') {
      const parts = z.array(z.unknown()).nonempty().safeParse(value);
      if (!parts.success) throw new InvalidInputError(`Give at least one condition in "${name}".`);
      return { kind: name, of: parts.data.map((part) => read(part, depth + 1)) };
    }
    const condition = conditions.get(name);
    if (condition === undefined)
      throw new InvalidInputError(`No plugged-in system has the condition "${name}".`);
    comparisons += 1;
    if (comparisons > MAX_COMPARISONS)
      throw new InvalidInputError(`An audience has at most ${MAX_COMPARISONS} comparisons.`);
    const { shownBy } = condition;
    if (!maySee(shownBy))
      refusals.push(`This caller may not see ${shownBy}, so it may not select customers by ${name}.`);
    return { kind: 'leaf', leaf: leafOf(condition, value) };
  };

  return { where: read(input, 1), refusals };
}

/** The only member of an input object. Not every executor enforces `@oneOf`. */
function onlyMember(node: unknown): [string, unknown] {
  const members = z.record(z.string(), z.unknown()).safeParse(node);
  const present = members.success
    ? Object.entries(members.data).filter(([, value]) => value !== undefined)
    : [];
  const [only, ...others] = present;
  if (only === undefined || others.length > 0 || only[1] === null)
    throw new InvalidInputError(
      'Give exactly one member of each condition, and not null. Combine several by "all" or "any".',
    );
  return only;
}

/** A part of a condition of the type `T`. */
interface Part<T extends ConditionType> {
  source: string;
  declared: ConditionDeclaration<Client, T>;
}

function leafOf({ name, type, parts }: SourceCondition, input: unknown): Leaf {
  // The declarations of one condition have one type.
  return leafOfParts(name, type, parts as readonly Part<ConditionType>[], input);
}

function leafOfParts<T extends ConditionType>(
  name: string,
  type: T,
  parts: readonly Part<T>[],
  input: unknown,
): Leaf {
  const comparison = readComparison(name, type, input);
  const refusals = parts.flatMap(({ declared: { list } }) =>
    typeof list === 'string' ? list : (list.refusal?.(comparison) ?? []),
  );
  return {
    name,
    sources: parts.map(({ source }) => source),
    loaders: parts.flatMap(({ source, declared: { loaders = [] } }) =>
      loaders.map((loader) => ({ source, loader })),
    ),
    read: async (customer, context) => {
      const values = await Promise.all(parts.map(async ({ declared }) => declared.read(customer, context)));
      const known = values.filter((value) => value !== null);
      const [first] = known;
      if (first === undefined || known.length < parts.length)
        return parts[0]?.declared.withoutValue ?? 'UNKNOWN';
      const value = COMBINE[type]?.(known) ?? first;
      return COMPARE[type](value, comparison) ? 'TRUE' : 'FALSE';
    },
    list:
      refusals[0] ??
      parts.map(({ source, declared }) => ({
        source,
        declared: declared.list as ConditionList<Client>,
        comparison,
      })),
  };
}

const count = z.int().min(0).nullish();
const decimal = z
  .string()
  .regex(/^-?\d{1,15}(\.\d{1,6})?$/)
  .nullish();
const moment = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text).toISOString())
  .nullish();

const momentRange = z.object({ since: moment, before: moment }).transform(withValues);

const ticketComparison = z
  .object({
    status: z
      .array(z.enum(['NEW', 'OPEN', 'PENDING', 'HOLD', 'SOLVED', 'CLOSED']))
      .nonempty()
      .nullish(),
    isOpen: z.boolean().nullish(),
    createdAt: momentRange.refine(hasMembers).nullish(),
  })
  .refine(hasMembers)
  .transform(({ status, isOpen, createdAt }): TicketComparison => ({
    ...(status != null && { status }),
    ...(isOpen != null && { isOpen }),
    ...(createdAt != null && { createdAt }),
  }))
  .nullish();

const COMPARISONS: { readonly [T in ConditionType]: z.ZodType<Comparisons[T]> } = {
  COUNT: z
    .object({ equals: count, atLeast: count, atMost: count })
    .transform(({ equals, atLeast, atMost }) =>
      withValues({ atLeast: equals ?? atLeast, atMost: equals ?? atMost }),
    ),
  MONEY: z
    .object({ currency: z.string().regex(/^[A-Z]{3}$/), atLeast: decimal, atMost: decimal })
    .transform(({ currency, ...bounds }) => ({ currency, ...withValues(bounds) })),
  DATE_TIME: momentRange,
  TEXT: z.object({ in: z.array(z.string().min(1).max(200)).min(1).max(20) }),
  TICKETS: z.object({ some: ticketComparison, none: ticketComparison }).transform(withValues),
};

function readComparison<T extends ConditionType>(name: string, type: T, input: unknown): Comparisons[T] {
  const read = COMPARISONS[type].safeParse(input);
  if (read.success && Object.keys(read.data).some((member) => member !== 'currency')) return read.data;
  throw new InvalidInputError(`The comparison of "${name}" is not complete: ${EXPECTED[type]}.`);
}

const EXPECTED: Readonly<Record<ConditionType, string>> = {
  COUNT: 'give "equals", "atLeast" or "atMost", whole numbers from 0',
  MONEY: 'give "atLeast" or "atMost", exact decimals such as "50.00", and a currency such as EUR',
  DATE_TIME: 'give "since" or "before", moments such as 2026-09-01T00:00:00Z',
  TEXT: 'give 1 to 20 texts in "in", each of 1 to 200 characters',
  TICKETS: 'give "some" or "none", each with at least one of "status", "isOpen" and "createdAt"',
};

function hasMembers(members: object): boolean {
  return Object.values(members).some((value) => value != null);
}

/** The members that have a value. */
function withValues<V>(members: Record<string, V | null | undefined>): Record<string, V> {
  return Object.fromEntries(
    Object.entries(members).flatMap(([name, value]) => (value == null ? [] : [[name, value]])),
  );
}
