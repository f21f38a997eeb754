import type { Client } from '../../src/connectors/connector.js';
import type { Loader } from '../../src/loaders/loader.js';
import type { SourceDefinition } from '../../src/source.js';

export type AnyLoader = Loader<Client, unknown, unknown>;

/** Returns all loaders of a source, including those of identity, consents and pages. */
export function loadersOfSource({
  loaders = [],
  identity,
  consents,
  companies,
}: SourceDefinition): AnyLoader[] {
  const identifying = Object.values(identity?.foundBy ?? {}).map(({ loader }) => loader);
  const ofCompanies = Object.values(companies?.foundBy ?? {});
  const all = [...loaders, ...identifying, consents?.ofRecord, ...ofCompanies, companies?.byNameAndPlace];
  return [...new Set(all.filter((loader) => loader !== undefined))];
}
