import type { Client } from '../connectors/connector.js';
import type { Loader } from '../loaders/loader.js';
import type { Context, Customer } from './customer.js';

/** The numbers that find a company. Each is also a namespace of identifiers. */
export type CompanyNumber = 'kvkNumber' | 'vatNumber';

export const COMPANY_NUMBERS: readonly CompanyNumber[] = ['kvkNumber', 'vatNumber'];

/** A source's record of a company: its numbers if the source holds them, and any other fields. */
export interface CompanyRecord {
  kvkNumber: string | null;
  vatNumber: string | null;
}

export interface NameAndPlace {
  name: string;
  place: string;
}

/** How a source finds companies. Its loaders are listed in the source's `loaders`. */
export interface CompanyDeclaration<C extends Client, R extends CompanyRecord = CompanyRecord> {
  /** The loaders of its company record, by number. */
  foundBy: Readonly<Partial<Record<CompanyNumber, Loader<C, string, R | null>>>>;
  /** Loads the companies with a name in a place. If there are several, none is chosen. */
  byNameAndPlace?: Loader<C, NameAndPlace, readonly CompanyRecord[]>;
  /** The numbers that its records hold. The gateway reads no others from them. */
  holds: readonly CompanyNumber[];
  /** The company that a customer works for, if the source knows it. */
  ofCustomer?(customer: Customer, context: Context): Promise<R | null>;
}

/** A company for resolvers. It starts with one number; the others are loaded when they are needed. */
export interface Company {
  /** The number of a kind: the one that found the company, or one from a system; null if no system has it. */
  identifier(number: CompanyNumber): Promise<string | null>;
  /** A source's record of the company, by the source's own declaration; null if it does not know the company. */
  record<C extends Client, R extends CompanyRecord>(declared: CompanyDeclaration<C, R>): Promise<R | null>;
}

/** A way to load a system's record of a company. */
export interface CompanyFinder {
  source: string;
  /** Undefined for a system that knows companies only as customers. */
  declared: CompanyDeclaration<Client> | undefined;
  holds: readonly CompanyNumber[];
  /** Load functions by number. */
  loadBy: Readonly<
    Partial<Record<CompanyNumber, (value: string, context: Context) => Promise<CompanyRecord | null>>>
  >;
}

/** The initial data of a company: its numbers, and the record of the source that found it. */
export interface CompanyStart {
  numbers: ReadonlyMap<CompanyNumber, string>;
  found?: { by: unknown; record: CompanyRecord };
}

export function createCompany(
  { numbers, found }: CompanyStart,
  finders: readonly CompanyFinder[],
  normalise: (number: CompanyNumber, value: string) => string | null,
  context: Context,
): Company {
  const records = new Map<CompanyFinder, Promise<CompanyRecord | null>>();

  /** Loads a system's record with the initial numbers only. */
  const atOnce = (finder: CompanyFinder): Promise<CompanyRecord | null> => {
    let record = records.get(finder);
    if (record === undefined)
      records.set(finder, (record = loadRecord(finder, (number) => numbers.get(number) ?? null)));
    return record;
  };
  const loadRecord = async (
    finder: CompanyFinder,
    valueOf: (number: CompanyNumber) => string | null | Promise<string | null>,
  ): Promise<CompanyRecord | null> => {
    if (found !== undefined && found.by === finder.declared) return found.record;
    for (const number of COMPANY_NUMBERS) {
      const load = finder.loadBy[number];
      const value = load === undefined ? null : await valueOf(number);
      const record = load === undefined || value === null ? null : await load(value, context);
      if (record !== null) return record;
    }
    return null;
  };

  const identifier = async (number: CompanyNumber): Promise<string | null> => {
    const known = numbers.get(number);
    if (known !== undefined) return known;
    const answers = await Promise.allSettled(
      finders.filter(({ holds }) => holds.includes(number)).map(atOnce),
    );
    for (const answer of answers) {
      const value = answer.status === 'fulfilled' ? answer.value?.[number] : undefined;
      const normal = value == null ? null : normalise(number, value);
      if (normal !== null) return normal;
    }
    // A failed system might have the number.
    const failed = answers.find((answer) => answer.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return null;
  };

  return {
    identifier,
    record: async <R extends CompanyRecord>(declared: unknown): Promise<R | null> => {
      const finder = finders.find((candidate) => candidate.declared === declared);
      if (finder === undefined)
        throw new Error(
          "A company record was requested by a declaration that no source has. Pass the source's own `companies`.",
        );
      const record = (await atOnce(finder)) ?? (await loadRecord(finder, identifier));
      // The loaders of this declaration returned the record.
      return record as R | null;
    },
  };
}
