import type { Draft, DraftField, DraftType } from '../../../src/connect/draft.js';

/**
 * The right answers for nine systems: which fields identify a person, and what each field reveals. Their
 * source is the published contract of each system, not the code under test.
 */

/** A category of `@personalData`. `PLAIN` is not personal by itself, beyond the category of its type. */
export type Category =
  | 'IDENTITY'
  | 'CONTACT'
  | 'TRAIT'
  | 'TRANSACTION'
  | 'FINANCIAL'
  | 'BEHAVIOUR'
  | 'COMMUNICATION'
  | 'RELATION'
  | 'SOCIAL'
  | 'CONSENT'
  | 'COMPANY';

export interface RightField {
  samples: readonly unknown[];
  /** The right categories, the best one first. */
  categories: readonly Category[] | 'PLAIN' | 'SECRET';
  /** The mask for callers that may not see the person. */
  mask?: 'EMAIL' | 'LAST_FOUR' | 'INITIAL' | 'YEAR' | 'ALL';
  type: string;
  isList: boolean;
  /** The call that loads the field. */
  call?: string;
}

interface RightType {
  /** The category of the type: that of its plain fields. */
  category: Category;
  id?: string;
  fields: Readonly<Record<string, RightField>>;
}

export interface RightSystem {
  source: string;
  kind: Draft['kind'];
  customer: string;
  types: Readonly<Record<string, RightType>>;
  /** The paths that find a customer in the system, and whether a constraint makes them unique. */
  finds: Readonly<Record<string, 'unique' | 'not unique'>>;
  identity: {
    id: string;
    /** The path and kind, by namespace. `own` is a namespace that only this system has. */
    yields: readonly (readonly [namespace: string, path: string, kind: 'one' | 'several' | 'shown'])[];
    name: readonly string[];
  };
}

type Options = Partial<Pick<RightField, 'mask' | 'type' | 'isList' | 'call'>>;

/** A field with personal data. */
export function personal(
  categories: Category | readonly Category[],
  samples: readonly unknown[],
  options: Options = {},
): RightField {
  return { categories: [categories].flat(), samples, type: typeOf(samples), isList: false, ...options };
}

/** A field that is not personal by itself. */
export function plain(samples: readonly unknown[], type = typeOf(samples)): RightField {
  return { categories: 'PLAIN', samples, type, isList: false };
}

export function secret(samples: readonly unknown[]): RightField {
  return { categories: 'SECRET', samples, type: 'String', isList: false };
}

/** A field with an object, or a list of them. */
export function object(type: string, category: Category, options: Options = {}): RightField {
  return { categories: [category], samples: [], type, isList: false, ...options };
}

function typeOf([first]: readonly unknown[]): string {
  if (typeof first === 'boolean') return 'Boolean';
  if (typeof first === 'number') return Number.isInteger(first) ? 'Int' : 'Decimal';
  return 'String';
}

/**
 * The name of a field in the schema: `address_1` becomes `address1`, `emailAddress.marketingState` becomes
 * `emailAddressMarketingState`.
 */
export function fieldNameOf(path: string): string {
  const words = path.split(/[._]/);
  return words
    .map((word, i) => (i === 0 ? word.charAt(0).toLowerCase() : word.charAt(0).toUpperCase()) + word.slice(1))
    .join('');
}

/** The draft that a reader makes of such a system. */
export function draftOf({ source, kind, customer, types, finds }: RightSystem): Draft {
  const draftTypes = Object.fromEntries(
    Object.entries(types).map(([name, type]): [string, DraftType] => [
      name,
      {
        name,
        description: `${name}.`,
        ...(type.id === undefined ? {} : { id: type.id }),
        fields: Object.entries(type.fields).map(
          ([from, { samples, type: of, isList, call }]): DraftField => ({
            ...{ name: fieldNameOf(from), from, type: of, isList, isNullable: true, samples },
            ...(call === undefined ? {} : { call: { name: call, key: types[customer]?.id ?? '' } }),
          }),
        ),
      },
    ]),
  );
  const { [customer]: record, ...others } = draftTypes;
  if (record === undefined) throw new Error(`${source} has no type ${customer}.`);
  return {
    ...{ source, kind, connect: {}, variables: {}, customer: record, types: others },
    calls: Object.fromEntries(
      Object.entries(finds).map(([key, unique]) => [
        fieldNameOf(`by_${key}`),
        { call: {}, key, findsCustomers: true, isUnique: unique === 'unique' },
      ]),
    ),
  };
}
