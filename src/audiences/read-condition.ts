import { z } from 'zod';
import type { Client } from '../connectors/connector.js';
import type {
  AnyCondition,
  Comparisons,
  ConditionDeclaration,
  ConditionList,
  ConditionType,
} from '../customer/condition-declaration.js';
import type { Context, Customer, Permissions } from '../customer/customer.js';
import { InvalidInputError } from '../errors.js';
import type { Loader } from '../loaders/loader.js';
import { COMPARE } from './compare.js';
import type { Condition, Truth } from './condition.js';

/** A condition with the source that declares it. */
export interface SourceCondition {
  source: string;
  declared: AnyCondition;
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
  /** A text is the reason why no system can list by it. */
  list: LeafList | string;
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
    const { shownBy } = condition.declared;
    if (!maySee(shownBy))
      refusals.push(`This caller may not see ${shownBy}, so it may not select customers by ${name}.`);
    return { kind: 'leaf', leaf: leafOf(condition.source, condition.declared, value) };
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

function leafOf<T extends ConditionType>(
  source: string,
  declared: ConditionDeclaration<Client, T>,
  input: unknown,
): Leaf {
  const { name, type, list, loaders = [], withoutValue = 'UNKNOWN' } = declared;
  const comparison = readComparison(name, type, input);
  const refusal = typeof list === 'string' ? list : list.refusal?.(comparison);
  return {
    name,
    sources: [source],
    loaders: loaders.map((loader) => ({ source, loader })),
    read: async (customer, context) => {
      const value = await declared.read(customer, context);
      if (value === null) return withoutValue;
      return COMPARE[type](value, comparison) ? 'TRUE' : 'FALSE';
    },
    list: refusal ?? { source, declared: list as ConditionList<Client>, comparison },
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

const COMPARISONS: { readonly [T in ConditionType]: z.ZodType<Comparisons[T]> } = {
  COUNT: z
    .object({ equals: count, atLeast: count, atMost: count })
    .transform(({ equals, atLeast, atMost }) =>
      withValues({ atLeast: equals ?? atLeast, atMost: equals ?? atMost }),
    ),
  MONEY: z
    .object({ currency: z.string().regex(/^[A-Z]{3}$/), atLeast: decimal, atMost: decimal })
    .transform(({ currency, ...bounds }) => ({ currency, ...withValues(bounds) })),
  DATE_TIME: z.object({ since: moment, before: moment }).transform(withValues),
  TEXT: z.object({ in: z.array(z.string().min(1).max(200)).min(1).max(20) }),
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
};

/** The members that have a value. */
function withValues<V>(members: Record<string, V | null | undefined>): Record<string, V> {
  return Object.fromEntries(
    Object.entries(members).flatMap(([name, value]) => (value == null ? [] : [[name, value]])),
  );
}
