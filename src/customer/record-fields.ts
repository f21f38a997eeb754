import { Kind, type DocumentNode } from 'graphql';
import type { Client } from '../connectors/connector.js';
import { ConfigError } from '../errors.js';
import type { IdentityDeclaration } from '../identity/declaration.js';
import { COMPANY_NUMBERS, type Company, type CompanyDeclaration } from './company.js';
import type { Customer } from './customer.js';

interface DeclaredSource {
  name: string;
  identity?: IdentityDeclaration<Client>;
  companies?: CompanyDeclaration<Client>;
  /** By type, then by field. */
  resolvers?: object;
  stitched?: object;
}

type Resolver<Parent> = (parent: Parent) => unknown;

/**
 * The resolvers of each source. A field of `Customer` or `Company` in its SDL without a resolver gets one that reads the
 * property of the same name from the source's record. Throws a ConfigError for a field where that is impossible.
 */
export function sourceResolvers(
  sources: readonly DeclaredSource[],
  sdl: ReadonlyMap<string, DocumentNode>,
): [source: string, resolvers: object][] {
  return sources.map((source) => {
    const { name, resolvers = {}, stitched } = source;
    // A GraphQL system resolves its own fields.
    return [name, stitched === undefined ? withRecordFields(source, sdl.get(name)) : resolvers];
  });
}

function withRecordFields(
  { name, identity, companies, resolvers = {} }: DeclaredSource,
  sdl: DocumentNode | undefined,
): object {
  const inCode = resolvers as Readonly<Record<string, object | undefined>>;
  const problems: string[] = [];
  const fieldsOf = <Parent>(
    type: string,
    declared: string,
    read: ((field: string) => Resolver<Parent>) | undefined,
  ) => {
    const added: [string, Resolver<Parent>][] = [];
    for (const definition of sdl?.definitions ?? []) {
      if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION || definition.name.value !== type) continue;
      for (const { name: named, arguments: parameters = [] } of definition.fields ?? []) {
        const field = named.value;
        if (field in (inCode[type] ?? {}) || (type === 'Company' && isCompanyNumber(field))) continue;
        if (read === undefined)
          problems.push(
            `${name} declares ${type}.${field}, which has no resolver. Add one, or declare ${declared} if the field is in the source's record of the ${type.toLowerCase()}.`,
          );
        else if (parameters.length > 0)
          problems.push(
            `${name} declares ${type}.${field} with arguments, so it cannot be read from a record. Add a resolver.`,
          );
        else added.push([field, read(field)]);
      }
    }
    return added.length === 0 ? {} : { [type]: { ...Object.fromEntries(added), ...inCode[type] } };
  };
  const all = {
    ...resolvers,
    ...fieldsOf('Customer', 'identity', identity && ((field) => customerField(identity, field))),
    ...fieldsOf('Company', 'companies', companies && ((field) => companyField(companies, field))),
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return all;
}

/** The gateway answers the numbers of a company, from what each source holds. */
function isCompanyNumber(field: string): boolean {
  return COMPANY_NUMBERS.some((number) => number === field);
}

/** Reads the field from the record that found the customer. */
function customerField(identity: IdentityDeclaration<Client>, field: string): Resolver<Customer> {
  return (customer) => customer.withRecords(identity, ([record]) => valueIn(record ?? null, field));
}

/** Reads the field from the source's record of the company. */
function companyField(companies: CompanyDeclaration<Client>, field: string): Resolver<Company> {
  return async (company) => valueIn(await company.record(companies), field);
}

function valueIn(record: object | null, field: string): unknown {
  return record === null ? null : (record as Readonly<Record<string, unknown>>)[field];
}
