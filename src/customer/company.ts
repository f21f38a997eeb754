import type { Client } from '../connectors/connector.js';
import type { Loader } from '../loaders/loader.js';
import type { Context, Customer } from './customer.js';

/** The numbers that a company is found by; each is a kind of identifier, too. */
export type CompanyNumber = 'kvkNumber' | 'vatNumber';

export const COMPANY_NUMBERS: readonly CompanyNumber[] = ['kvkNumber', 'vatNumber'];

/** What a source says of a company: its numbers, as far as it holds them, and what else it likes. */
export interface CompanyRecord {
  kvkNumber: string | null;
  vatNumber: string | null;
}

export interface NameAndPlace {
  name: string;
  place: string;
}

/** How a source knows companies. Its loaders are listed in the source's `loaders`. */
export interface CompanyDeclaration<C extends Client, R extends CompanyRecord = CompanyRecord> {
  /** What it can be asked by, each giving what it holds of the company. */
  foundBy: Readonly<Partial<Record<CompanyNumber, Loader<C, string, R | null>>>>;
  /** The companies of a name in a place; several are never guessed between. */
  byNameAndPlace?: Loader<C, NameAndPlace, readonly CompanyRecord[]>;
  /** The numbers that its records hold; it is asked for no other. */
  holds: readonly CompanyNumber[];
  /** Which company a customer works for, as far as the source knows. */
  ofCustomer?(customer: Customer, context: Context): Promise<R | null>;
}

/** A company as resolvers meet it: it has one number, and the others are asked for when somebody wants them. */
export interface Company {
  /** Its number of a kind: the one that it was found by, or that a system holds of it; null when none does. */
  identifier(number: CompanyNumber): Promise<string | null>;
  /** What a source holds of it, by the source's own declaration; null when it does not know the company. */
  record<C extends Client, R extends CompanyRecord>(declared: CompanyDeclaration<C, R>): Promise<R | null>;
}

/** One way of finding what a system holds of a company. */
export interface CompanyFinder {
  source: string;
  /** Undefined of a system that only knows companies as customers. */
  declared: CompanyDeclaration<Client> | undefined;
  holds: readonly CompanyNumber[];
  /** By the numbers that it can be asked by. */
  ask: Readonly<
    Partial<Record<CompanyNumber, (value: string, context: Context) => Promise<CompanyRecord | null>>>
  >;
}

/** What is known of a company from the start: its numbers, and the record that one source told of. */
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
  const asked = new Map<CompanyFinder, Promise<CompanyRecord | null>>();

  /** What a system holds, asked by no more than the numbers known from the start. */
  const atOnce = (finder: CompanyFinder): Promise<CompanyRecord | null> => {
    let record = asked.get(finder);
    if (record === undefined)
      asked.set(finder, (record = askBy(finder, (number) => numbers.get(number) ?? null)));
    return record;
  };
  const askBy = async (
    finder: CompanyFinder,
    valueOf: (number: CompanyNumber) => string | null | Promise<string | null>,
  ): Promise<CompanyRecord | null> => {
    if (found !== undefined && found.by === finder.declared) return found.record;
    for (const number of COMPANY_NUMBERS) {
      const ask = finder.ask[number];
      const value = ask === undefined ? null : await valueOf(number);
      const record = ask === undefined || value === null ? null : await ask(value, context);
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
    // What is down might have told it.
    const failed = answers.find((answer) => answer.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return null;
  };

  return {
    identifier,
    record: async <R extends CompanyRecord>(declared: unknown): Promise<R | null> => {
      const finder = finders.find((one) => one.declared === declared);
      if (finder === undefined)
        throw new Error('Companies are asked for by a declaration that no source has.');
      const record = (await atOnce(finder)) ?? (await askBy(finder, identifier));
      // It is what this declaration's own loaders gave.
      return record as R | null;
    },
  };
}
