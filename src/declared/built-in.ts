import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Client } from '../connectors/connector.js';
import type { OdataClient } from '../connectors/odata/client.js';
import type { RestClient } from '../connectors/rest.js';
import type { SoapClient } from '../connectors/soap/client.js';
import type { SqlClient } from '../connectors/sql/client.js';
import type { Loader } from '../loaders/loader.js';
import type { SourceDefinition } from '../source.js';
import type { SourceCode } from './compile-source.js';
import { declaredCalls, declaredSource } from './declared-source.js';
import { describeProblem, type DeclarationProblem } from './problems.js';
import type { MappedBy, RowMapper } from './row-mapper.js';

/** The client of each kind of connector that can be declared. */
interface Clients {
  rest: RestClient;
  sql: SqlClient;
  soap: SoapClient;
  odata: OdataClient;
}

/**
 * The source in the folder `sources/<name>` that `<name>.yaml` there and `schema/sources/<name>.graphql` declare, with its
 * parts in code.
 */
export function readDeclaredSource<C extends Client = Client>(
  folder: string,
  code?: SourceCode<C>,
): SourceDefinition {
  const name = basename(folder);
  const sdlFile = join(folder, `../../schema/sources/${name}.graphql`);
  const result = declaredSource({
    ...readYaml(folder),
    sdlFile: `schema/sources/${name}.graphql`,
    sdl: existsSync(sdlFile) ? readFileSync(sdlFile, 'utf8') : undefined,
    ...(code === undefined ? {} : { code: code }),
  });
  return orThrow(result).source;
}

/**
 * The calls that `<name>.yaml` in the folder `sources/<name>` declares, for a source whose records are mapped in code. Pass
 * `source`, its declared members, to `defineSource()`.
 */
export function readDeclaredCalls<
  K extends keyof Clients,
  M extends Readonly<Record<string, RowMapper<unknown>>>,
>(kind: K, folder: string, mappers: M) {
  const { source, loaders } = orThrow(declaredCalls({ ...readYaml(folder), kind, mappers }));
  return {
    // The kind was checked, so the connector has the clients of this kind.
    source: source as unknown as SourceDefinition<Clients[K]>,
    loaders: loaders as unknown as {
      readonly [Call in keyof M]: Loader<Clients[K], string, MappedBy<M[Call]>>;
    },
  };
}

function readYaml(folder: string) {
  const name = basename(folder);
  return {
    file: `sources/${name}/${name}.yaml`,
    yaml: readFileSync(join(folder, `${name}.yaml`), 'utf8'),
    folder,
  };
}

function orThrow<T extends object>(result: T | { problems: readonly DeclarationProblem[] }): T {
  if ('problems' in result) throw new Error(result.problems.map(describeProblem).join('\n'));
  return result;
}
