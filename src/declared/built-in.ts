import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { FileClient } from '../connectors/file/connector.js';
import type { GraphqlClient } from '../connectors/graphql/client.js';
import type { OdataClient } from '../connectors/odata/client.js';
import type { RestClient } from '../connectors/rest.js';
import type { SoapClient } from '../connectors/soap/client.js';
import type { SqlClient } from '../connectors/sql/client.js';
import type { Loader } from '../loaders/loader.js';
import type { SourceDefinition } from '../source.js';
import { declaredCalls } from './declared-source.js';
import { describeProblem } from './problems.js';
import type { ConnectorCode } from './connector-kind.js';
import type { MappedBy, RowMapper } from './row-mapper.js';

/** The client of each kind of connector that can be declared. */
interface Clients {
  rest: RestClient;
  graphql: GraphqlClient;
  sql: SqlClient;
  soap: SoapClient;
  odata: OdataClient;
  files: FileClient;
}

/**
 * The calls that `<name>.yaml` in the folder `sources/<name>` declares, for a source whose records are mapped in code. Pass
 * `source`, its declared members, to `defineSource()`. `connector` has the parts of a REST connector that are code.
 */
export function readDeclaredCalls<
  K extends keyof Clients,
  M extends Readonly<Record<string, RowMapper<unknown>>>,
>(kind: K, folder: string, mappers: M, connector?: K extends 'rest' ? ConnectorCode : undefined) {
  const name = basename(folder);
  const compiled = declaredCalls({
    file: `sources/${name}/${name}.yaml`,
    yaml: readFileSync(join(folder, `${name}.yaml`), 'utf8'),
    ...{ folder, kind, mappers, connector },
  });
  if ('problems' in compiled) throw new Error(compiled.problems.map(describeProblem).join('\n'));
  const { source, loaders } = compiled;
  return {
    // The kind was checked, so the connector has the clients of this kind.
    source: source as unknown as SourceDefinition<Clients[K]>,
    loaders: loaders as unknown as {
      readonly [Call in keyof M]: Loader<Clients[K], string, MappedBy<M[Call]>>;
    },
  };
}
