/**
 * The public API: what a source may import of the engine, and how to create a gateway in a custom program.
 */

// Creating a gateway
export { createGateway, type Gateway, type GatewayOptions } from './gateway.js';

// Declaring a source
export { defineSource, type SourceDefinition } from './source.js';
export { MAX_SEARCH_RECORDS } from './identity/declaration.js';
export type {
  CustomerRecord,
  CustomerSearch,
  IdentityDeclaration,
  SearchDeclaration,
} from './identity/declaration.js';
export { secretSetting, setting, urlSetting } from './settings.js';
export { idNamespace } from './identity/identifiers.js';

// Declaring a source in YAML
export {
  declarationSchemas,
  declaredSource,
  type DeclarationFiles,
  type DeclaredSource,
} from './declared/declared-source.js';
export { readDeclaredCalls } from './declared/built-in.js';
export { allRows, oneRow } from './declared/row-mapper.js';
export { describeProblem, type DeclarationProblem } from './declared/problems.js';

// Connecting to its system
export type { CallScope, Client, Connection, Connector, ConnectorOptions } from './connectors/connector.js';
export { toAbortSignal } from './v8/call-signal.js';
export { anyOf, apiKey, basic, bearer, noAuth, type Auth } from './connectors/auth.js';
export { oauth2 } from './connectors/oauth2.js';
export { caSetting } from './connectors/tls.js';
export { file, filesSetting, folderSetting, type FileClient } from './connectors/file/connector.js';
export { graphql, type GraphqlClient, type WireError } from './connectors/graphql/client.js';
export { pointLimits } from './connectors/graphql/points.js';
export type { GraphqlMapping } from './connectors/graphql/mapping.js';
export { decimalText, parseExactJson, plainDecimal } from './connectors/decimal.js';
export { odata, odataDecimalText, type OdataClient, type OdataPart } from './connectors/odata/client.js';
export { odataDate, odataDecimal, odataGuid, type Condition } from './connectors/odata/query.js';
export { pages, pagesOfEach, tooMany, type PagedList } from './connectors/paging.js';
export { pathPart, rest, type RestClient } from './connectors/rest.js';
export {
  combineConnectors,
  settingOnly,
  type CombinedClient,
  type SettingClient,
} from './connectors/combine-connectors.js';
export { soap, type SoapClient } from './connectors/soap/client.js';
export { usernameToken } from './connectors/soap/security.js';
export { databaseUrl, sql, type SqlClient } from './connectors/sql/client.js';

export { errorOf, type ErrorKind } from './connectors/http.js';
export type { RateLimitInfo } from './rate-limit-info.js';
export { mismatchesOf } from './connectors/mismatches.js';
export { safeCode } from './diagnosis.js';

// Loading records
export { alignMany, alignOne, alignSingle, isSameByCollation, uniqueById } from './loaders/align.js';
export { callEach, defineLoader } from './loaders/loader.js';
export type { Subject } from './cache/invalidation.js';

// Receiving changes
export { epochMs, moment, readJson, readText, recordId } from './webhooks/body.js';
export type {
  SignatureCheck,
  ReportedEvent,
  WebhookAnswer,
  WebhookDeclaration,
  WebhookRequest,
} from './webhooks/declaration.js';
export type { EventType } from './webhooks/event.js';
export type { OutboxDeclaration } from './webhooks/outbox.js';
export { hmac, isHmacOf, isWithinTolerance, isSameText, webhookSecrets } from './webhooks/signatures.js';
export { signedMessage } from './webhooks/signed-message.js';
export { standardWebhook } from './webhooks/standard.js';

// Resolving fields
export {
  connection,
  connectionOfEdges,
  connectionOfList,
  decodeCursor,
  encodeCursor,
  invalidCursor,
  pageSize,
  type Connection as ListConnection,
  type PageArguments,
} from './connection.js';
export { globalId } from './global-id.js';
export type {
  AnyCondition,
  Comparisons,
  ConditionList,
  ConditionType,
  TicketComparison,
} from './customer/condition-declaration.js';
export type { Company, CompanyDeclaration, CompanyRecord, NameAndPlace } from './customer/company.js';
export type { ConsentDeclaration, ConsentStatement } from './customer/consent-declaration.js';
export type { Context, Customer } from './customer/customer.js';
export type { DealRecord, DealsDeclaration } from './customer/deal.js';
export { pageOfSource, positionOfRecord } from './customer/merged-list.js';
export type { PartOfList, PartRequest, UnsortedItems } from './customer/merged-list.js';
export type { OrganisationRecord, OrganisationsDeclaration } from './customer/organisation.js';
export type { TicketCommentRecord, TicketRecord, TicketsDeclaration } from './customer/ticket.js';
export type { TimelineRequest, TimelineDeclaration, TimelineItem } from './customer/timeline-declaration.js';
export {
  InvalidInputError,
  SourceAuthenticationError,
  SourceContractError,
  SourceForbiddenError,
  SourceRateLimitedError,
  SourceUnavailableError,
} from './errors.js';
