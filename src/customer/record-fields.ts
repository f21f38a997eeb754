import { Kind, type DocumentNode } from 'graphql';
import type { Client } from '../connectors/connector.js';
import { ConfigError } from '../errors.js';
import type { IdentityDeclaration } from '../identity/declaration.js';
import type { Customer } from './customer.js';

interface DeclaredSource {
  name: string;
  identity?: IdentityDeclaration<Client>;
  /** By type, then by field. */
  resolvers?: object;
  stitched?: object;
}

/**
 * The resolvers of each source. A field of `Customer` in its SDL without a resolver gets one that reads the property of
 * the same name from the source's record. Throws a ConfigError for a field where that is impossible.
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
  { name, identity, resolvers = {} }: DeclaredSource,
  sdl: DocumentNode | undefined,
): object {
  const { Customer: resolversOfCustomer = {} } = resolvers as { Customer?: object };
  const problems: string[] = [];
  const added: [string, (customer: Customer) => unknown][] = [];
  for (const definition of sdl?.definitions ?? []) {
    if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION || definition.name.value !== 'Customer') continue;
    for (const { name: named, arguments: parameters = [] } of definition.fields ?? []) {
      const field = named.value;
      if (field in resolversOfCustomer) continue;
      if (identity === undefined)
        problems.push(
          `${name} declares Customer.${field}, which has no resolver. Add one, or declare identity if the field is in the source's record of the customer.`,
        );
      else if (parameters.length > 0)
        problems.push(
          `${name} declares Customer.${field} with arguments, so it cannot be read from a record. Add a resolver.`,
        );
      else added.push([field, recordField(identity, field)]);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return added.length === 0
    ? resolvers
    : { ...resolvers, Customer: { ...Object.fromEntries(added), ...resolversOfCustomer } };
}

/** Reads the field from the record that found the customer. */
function recordField(identity: IdentityDeclaration<Client>, field: string): (customer: Customer) => unknown {
  return (customer) => customer.withRecords(identity, ([record]) => valueIn(record ?? null, field));
}

function valueIn(record: object | null, field: string): unknown {
  return record === null ? null : (record as Readonly<Record<string, unknown>>)[field];
}
