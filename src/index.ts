/**
 * All that a source may import. What is not here is the engine's own business.
 */

// Declaring a source
export { defineSource, type SourceDefinition } from './source.js';
export type { CustomerRecord } from './identity/declaration.js';
export { setting, urlSetting } from './config.js';
export { idNamespace } from './identity/identifiers.js';

// Reaching its system
export type { CallScope, Client, Connection, Connector, ConnectorOptions } from './connectors/connector.js';
export { anyOf, apiKey, basic, bearer } from './connectors/auth.js';
export { graphql, type GraphqlClient, type WireError } from './connectors/graphql/client.js';
export type { GraphqlMapping } from './connectors/graphql/mapping.js';
export { decodeCursor, encodeCursor, pageSize } from './connectors/paging.js';
export { pathPart, rest, type RestClient } from './connectors/rest.js';
export { databaseUrl, sql, type SqlClient } from './connectors/sql.js';

// Loading records
export { alignMany, alignOne } from './loaders/align.js';
export { defineLoader } from './loaders/loader.js';

// Answering fields
export type { Context, Customer } from './customer/customer.js';
export type { TimelineAsk, TimelineDeclaration, TimelineItem } from './customer/timeline-declaration.js';
export { InvalidInputError, SourceContractError, SourceUnavailableError } from './errors.js';
