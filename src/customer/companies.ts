import type { GraphQLResolveInfo } from 'graphql';
import type { Client } from '../connectors/connector.js';
import { AmbiguousIdentityError, InvalidInputError } from '../errors.js';
import type { CustomerRecord } from '../identity/declaration.js';
import { identifierIn, normalise } from '../identity/identifiers.js';
import type { IdentityRules } from '../identity/identity-graph.js';
import type { IdentifyingSource } from '../identity/matching.js';
import {
  COMPANY_NUMBERS,
  createCompany,
  type Company,
  type CompanyDeclaration,
  type CompanyFinder,
  type CompanyNumber,
  type CompanyRecord,
  type CompanyStart,
  type NameAndPlace,
} from './company.js';
import type { Context, Customer } from './customer.js';
import { wantedSources } from './wanted-sources.js';

export interface CompaniesOptions {
  rules: IdentityRules;
  /** Sorted by trust, the most trusted source first. */
  companies: readonly { name: string; companies: CompanyDeclaration<Client> }[];
  /** The source that answers a field of Company; undefined for those of the core schema. */
  sourceOfCompanyField: ReadonlyMap<string, string>;
}

/** Finds companies by a number, by name and place, or by a customer. */
export interface Companies {
  find(key: CompanyKey, context: Context, info: GraphQLResolveInfo): Promise<Company | null>;
  ofCustomer(customer: Customer, context: Context): Promise<Company | null>;
  /** The sources that determine a customer's company. */
  sourcesOfCustomer: readonly string[];
}

/** The input of `Query.company`. Exactly one member is required. */
export interface CompanyKey {
  kvkNumber?: string | null;
  vatNumber?: string | null;
  nameAndPlace?: NameAndPlace | null;
}

/** Maximum length of a name or place, in characters: longer than in any register. */
const MAX_TEXT_CHARACTERS = 500;

export function createCompanies({ rules, companies, sourceOfCompanyField }: CompaniesOptions): Companies {
  const normal = (number: CompanyNumber, value: string): string | null => {
    const namespace = rules.namespaces.get(number);
    return namespace === undefined ? null : (normalise(namespace, value)?.value ?? null);
  };
  const finders = [
    ...companies.map(({ name, companies: declared }) => declaredFinder(name, declared)),
    ...rules.sources.flatMap((source) => identityFinder(source, normal)),
  ];
  const create = (start: CompanyStart, context: Context) => createCompany(start, finders, normal, context);
  const yielding = rules.sources.filter(({ identity }) =>
    COMPANY_NUMBERS.some((number) => number in identity.yields),
  );

  const byNumber = async (
    number: CompanyNumber,
    text: string,
    context: Context,
    info: GraphQLResolveInfo,
  ): Promise<Company | null> => {
    const { value } = identifierIn(rules, number, text, 'company');
    const wanted = wantedSources(info, (field) => asList(sourceOfCompanyField.get(field)), new Set());
    const able = finders.flatMap(({ source, loadBy }) => {
      const loads = loadBy[number];
      return loads === undefined ? [] : [{ source, loads: () => loads(value, context) }];
    });
    if (able.length === 0) throw new InvalidInputError(`No plugged-in system finds companies by ${number}.`);
    // Sources that the request needs anyway come first. One source that knows the company is enough.
    const isWanted = ({ source }: { source: string }) => wanted.has(source);
    const failures: unknown[] = [];
    for (const batch of [able.filter(isWanted), able.filter((finder) => !isWanted(finder))]) {
      const isKnown = await anyKnows(
        batch.map(({ loads }) => loads()),
        failures,
      );
      if (isKnown) return create({ numbers: new Map([[number, value]]) }, context);
    }
    // No source knows the company, but a failed source might.
    if (failures.length > 0) throw failures[0];
    return null;
  };

  const byNameAndPlace = async (nameAndPlace: NameAndPlace, context: Context): Promise<Company | null> => {
    const key = { name: textOf(nameAndPlace.name), place: textOf(nameAndPlace.place) };
    const loaders = companies.flatMap(({ companies: { byNameAndPlace } }) => asList(byNameAndPlace));
    if (loaders.length === 0)
      throw new InvalidInputError('No plugged-in system finds companies by name and place.');
    const answers = await Promise.allSettled(loaders.map((loader) => context.load(loader, key)));
    const numbers = new Set(
      answers.flatMap((answer) =>
        answer.status === 'rejected' ? [] : answer.value.flatMap(({ kvkNumber }) => asList(kvkNumber)),
      ),
    );
    if (numbers.size > 1) throw new AmbiguousIdentityError(undefined, numbers.size, 'companies');
    const [kvkNumber] = numbers;
    if (kvkNumber !== undefined) return create({ numbers: new Map([['kvkNumber', kvkNumber]]) }, context);
    const failed = answers.find((answer) => answer.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return null;
  };

  return {
    sourcesOfCustomer: (companies.some(({ companies: loaders }) => loaders.ofCustomer !== undefined)
      ? companies.filter(({ companies: loaders }) => loaders.ofCustomer !== undefined)
      : yielding
    ).map(({ name }) => name),

    find: async (key, context, info) => {
      // Not every executor enforces `@oneOf`.
      const keys = Object.entries(key).filter(([, value]) => value !== undefined);
      if (keys.length !== 1 || keys[0]?.[1] == null)
        throw new InvalidInputError('Give exactly one key to find a company by, and not null.');
      if (key.nameAndPlace != null) return byNameAndPlace(key.nameAndPlace, context);
      const number = key.kvkNumber == null ? 'vatNumber' : 'kvkNumber';
      return byNumber(number, key[number] ?? '', context, info);
    },

    ofCustomer: async (customer, context) => {
      const failures: unknown[] = [];
      for (const { companies: declared } of companies) {
        const record = await declared
          .ofCustomer?.(customer, context)
          .catch((error: unknown) => void failures.push(error));
        if (record != null)
          return create({ numbers: numbersOf(record, normal), found: { by: declared, record } }, context);
      }
      // The customer may itself be a company.
      for (const outcome of await Promise.all(yielding.map(({ name }) => customer.identity.findIn(name)))) {
        if (outcome.kind === 'failed') failures.push(outcome.error);
        if (outcome.kind !== 'found') continue;
        const numbers = numbersOf(recordOf(outcome.records, normal), normal);
        if (numbers.size > 0) return create({ numbers }, context);
      }
      if (failures.length > 0) throw failures[0];
      return null;
    },
  };
}

type Normal = (number: CompanyNumber, value: string) => string | null;

function declaredFinder(source: string, declared: CompanyDeclaration<Client>): CompanyFinder {
  const loads = Object.entries(declared.foundBy).map(([number, loader]) => [
    number,
    (value: string, { load }: Context) => load(loader, value),
  ]);
  return {
    source,
    declared,
    holds: declared.holds,
    loadBy: Object.fromEntries(loads) as CompanyFinder['loadBy'],
  };
}

/** A system with companies among its customers finds a company by the customer records with its number. */
function identityFinder({ name, identity }: IdentifyingSource, normal: Normal): CompanyFinder[] {
  const loads = COMPANY_NUMBERS.flatMap((number) => {
    const loader = identity.foundBy[number]?.loader;
    if (loader === undefined) return [];
    const loadBy = async (value: string, { load }: Context): Promise<CompanyRecord | null> => {
      const records = await load(loader, value);
      return records.length === 0 ? null : recordOf(records, normal);
    };
    return [[number, loadBy] as const];
  });
  if (loads.length === 0) return [];
  const holds = COMPANY_NUMBERS.filter((number) => number in identity.yields);
  return [{ source: name, declared: undefined, holds, loadBy: Object.fromEntries(loads) }];
}

/** The company number in customer records; null if they hold different numbers. */
function recordOf(records: readonly CustomerRecord[], normal: Normal): CompanyRecord {
  const only = (number: CompanyNumber): string | null => {
    const values = new Set(
      records.flatMap(({ identifiers }) =>
        identifiers.flatMap(({ namespace, value }) =>
          namespace === number && value != null ? asList(normal(number, value)) : [],
        ),
      ),
    );
    const [value = null] = values;
    return values.size === 1 ? value : null;
  };
  return { kvkNumber: only('kvkNumber'), vatNumber: only('vatNumber') };
}

function numbersOf(record: CompanyRecord, normal: Normal): ReadonlyMap<CompanyNumber, string> {
  return new Map(
    COMPANY_NUMBERS.flatMap((number): [CompanyNumber, string][] => {
      const value = record[number] === null ? null : normal(number, record[number]);
      return value === null ? [] : [[number, value]];
    }),
  );
}

/** Resolves to true as soon as one answer has a record. Errors are added to `failures`. */
async function anyKnows(answers: readonly Promise<unknown>[], failures: unknown[]): Promise<boolean> {
  const knows = answers.map(async (answer) => {
    const record = await answer.catch((error: unknown) => void failures.push(error));
    if (record == null) throw new Error('The source does not know the company.');
  });
  return Promise.any(knows).then(
    () => true,
    () => false,
  );
}

function textOf(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.length > MAX_TEXT_CHARACTERS)
    throw new InvalidInputError(
      `A name or place to find a company by must have 1 to ${MAX_TEXT_CHARACTERS} characters.`,
    );
  return trimmed;
}

function asList<T>(value: T | null | undefined): T[] {
  return value == null ? [] : [value];
}
