/**
 * What went wrong with a source system, for the operator. It never holds a personal value: only names from our own
 * requests, statuses, and codes in the forms that `safeCode` accepts.
 */
export interface Requested {
  method?: string | undefined;
  /** The path with `{}` in place of values, and the names of its query parameters. */
  path?: string | undefined;
  /** A SOAP operation. */
  operation?: string | undefined;
  /** The tables that the statement reads. */
  tables?: readonly string[] | undefined;
}

export interface Received {
  /** The HTTP status. */
  status?: number | undefined;
  sqlState?: string | undefined;
  /** The error number of MySQL or MariaDB, or the error type of DuckDB. */
  databaseError?: string | undefined;
  /** The SOAP fault code. */
  faultCode?: string | undefined;
  /** The vendor's own code, of REST, OData, OAuth and GraphQL systems. */
  vendorCode?: string | undefined;
  /** Why there is no connection, such as ECONNREFUSED. */
  networkCode?: string | undefined;
  /** The table, column or other name of our statement that the database rejects. */
  name?: string | undefined;
  /** Where the answer does not fit its schema, and what was expected there. */
  mismatches?: readonly { path: string; expected: string }[];
}

/** The kinds of failure, each with its remedy. They are labels of metrics, so the list is closed. */
export const REMEDIES = {
  unreachable: 'Check the address in the settings, the network, and that the system runs.',
  certificate: 'Renew the certificate of the system, or add its CA in the settings of the source.',
  'broken-off':
    'Check the system and the proxies in front of it: a connection ended in the middle of an answer.',
  timeout: 'Check the load of the system. If it is always this slow, allow a longer timeout.',
  deadline: 'Check the load of the system, or allow more time with DEADLINE_MS.',
  'breaker-open': 'Resolve the failures before this one: the gateway pauses its calls to the system.',
  'server-error': 'Check the logs of the system: it reports an error of its own.',
  fault: 'Look up the fault code in the documentation of the system.',
  'graphql-error': 'Look up the code in the documentation of the system, and check the access of the token.',
  'rate-limited': 'Reduce the load: cache records longer, or have the system allow more calls.',
  'no-room': 'Give the system more connections or memory, or lower the concurrency of the source.',
  'own-limit': 'Raise the limits of the source if the system can take more, or cache records longer.',
  credentials: 'Renew the key, token or password in the settings of the source.',
  'token-refused': 'Check the client id, client secret and refresh token of the source.',
  forbidden: 'Give the account of the gateway access to this part of the system.',
  'missing-grant': 'Grant SELECT on the named table, and USAGE on its schema, to the role of the gateway.',
  'missing-table': 'Create the named table, or correct the database or schema in the settings.',
  'missing-column': 'Add the named column: the README of the source lists what the gateway reads.',
  'table-scan':
    'Create an index for the columns by which the query finds rows of the named table, or declare readsWholeTable: true.',
  'not-found': 'Check the address in the settings: the system does not know the requested path.',
  'request-refused': 'Check that the system has the version which the README of the source names.',
  'wrong-format': 'Check that the address leads to the API and not to a web page or a proxy.',
  'wrong-shape': 'Compare the named places with the contract of the system; it may have a new version.',
  'wrong-record': 'Report it to the vendor: the answer is about a record that was not requested.',
  incomplete: 'Check the system for duplicates: there are more records than the gateway reads.',
  'too-large': 'Check the system: the answer is larger than the gateway accepts for this source.',
  'missing-files': 'Check the folder and the file pattern in the settings of the source.',
  'gateway-stopping': 'Nothing: the gateway is stopping.',
} as const satisfies Record<string, string>;

export type FailureKind = keyof typeof REMEDIES;

const MAX_CODE_CHARACTERS = 64;
const MAX_CODE_DIGITS = 6;
/** A shorter number is a code even if the request has the same digits somewhere. */
const MIN_VALUE_CHARACTERS = 5;

/** How vendors write codes. A plain word is not accepted: it may be a name. */
const CODE_FORMS: readonly RegExp[] = [
  // ACCESS_DENIED, 42P01, 190
  /^[A-Z\d]+(_[A-Z\d]+)*$/,
  // invalid_grant
  /^[a-z]+(_[a-z\d]+)+$/,
  // RecordNotFound, undefinedField
  /^[A-Za-z][a-z\d]+([A-Z][a-z\d]+)+$/,
  // BadRequest_ResourceNotFound, Client.Authentication
  /^[A-Z][A-Za-z]+([_.][A-Z][A-Za-z]+)+$/,
  // ORA-00942
  /^[A-Z]{1,8}-\d{1,6}$/,
  // Codes of SOAP 1.1 and 1.2, and those with a prefix.
  /^(Server|Client|Sender|Receiver)$/,
  /^[A-Za-z\d]{1,20}:[A-Z][A-Za-z]+(\.[A-Z][A-Za-z]+)*$/,
];

/**
 * A vendor's code, if it is written like one. `avoid` is the request as it was sent: a code that repeats a part of it
 * may be a value.
 */
export function safeCode(value: unknown, avoid = ''): string | undefined {
  const code = Number.isInteger(value) ? String(value) : value;
  if (typeof code !== 'string' || code.length > MAX_CODE_CHARACTERS) return undefined;
  if (code.replace(/\D/g, '').length > MAX_CODE_DIGITS) return undefined;
  if (!CODE_FORMS.some((form) => form.test(code))) return undefined;
  const isShortNumber = /^\d+$/.test(code) && code.length < MIN_VALUE_CHARACTERS;
  return !isShortNumber && avoid.toLowerCase().includes(code.toLowerCase()) ? undefined : code;
}
