import type { Environment } from '../../settings.js';
import { credentialsOf, credentialVariables, variableOf, type Credentials } from '../http-system.js';
import type { CurlCommand } from './curl.js';
import type { Description } from './description.js';

/**
 * The credentials of a REST system: from the environment, sent as the description declares, or from a curl
 * command.
 */

export function describedCredentials(
  source: string,
  environment: Environment,
  { schemes }: Description,
  url?: URL,
): Credentials {
  const found = credentialsOf(source, environment, url);
  const key = variableOf(source, 'KEY');
  const header = schemes.find(({ kind }) => kind === 'header')?.header;
  const value = found.values[key];
  if (value === undefined || header === undefined) return found;
  return keyCredentials(key, header, value);
}

/** The variables of the credentials that the description declares, for messages. Undefined if it declares none. */
export function describedVariables(source: string, { schemes }: Description): string | undefined {
  const { token, user, password, key } = credentialVariables(source);
  const texts = schemes.flatMap((scheme) => {
    if (scheme.kind === 'bearer') return [token];
    if (scheme.kind === 'basic') return [`${user} and ${password}`];
    return scheme.kind === 'header' ? [`${key} (the header ${scheme.header ?? ''})`] : [];
  });
  return texts.length === 0 ? undefined : [...new Set(texts)].join(', or ');
}

/** Headers that most reading calls of a description require, such as that of a tenant. */
export function requiredHeaders({ operations }: Description): string[] {
  const reading = operations.filter(({ method }) => method === 'GET');
  const counts = new Map<string, number>();
  for (const { parameters } of reading)
    for (const { name, in: place, isRequired } of parameters)
      if (
        place === 'header' &&
        isRequired &&
        !USUAL.test(name.toLowerCase()) &&
        !/^authorization$/i.test(name)
      )
        counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].flatMap(([name, count]) => (count * 2 > reading.length ? [name] : []));
}

/** Adds headers of every call. Their values are in variables, because a value may be personal. */
export function withHeaders(
  source: string,
  credentials: Credentials,
  headers: Readonly<Record<string, string | undefined>>,
): Credentials {
  const sent = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value, variable: headerVariable(source, name) }],
  );
  if (sent.length === 0) return credentials;
  const by = <T>(entry: (header: (typeof sent)[number]) => [string, T]) =>
    Object.fromEntries(sent.map(entry));
  return {
    ...credentials,
    headers: { ...by(({ name, value }) => [name.toLowerCase(), value]), ...credentials.headers },
    declaredHeaders: by(({ name, variable }) => [name, `\${${variable}}`]),
    variables: {
      ...credentials.variables,
      ...by(({ name, variable }) => [variable, `The value of the header ${name}.`]),
    },
    values: { ...credentials.values, ...by(({ value, variable }) => [variable, value]) },
  };
}

/** The variable of a header: `XERO_TENANT_ID` of `xero-tenant-id`. */
export function headerVariable(source: string, header: string): string {
  const name = header.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_');
  const prefix = variableOf(source, '');
  return name.startsWith(prefix) ? name : `${prefix}${name.replace(/^X_/, '')}`;
}

function keyCredentials(variable: string, header: string, value: string): Credentials {
  return {
    auth: { apiKey: { key: `\${${variable}}`, header } },
    headers: { [header.toLowerCase()]: value },
    variables: { [variable]: `The key in the header ${header}.` },
    values: { [variable]: value },
  };
}

/** Headers that do not depend on the system. */
const USUAL =
  /^(accept|accept-language|accept-encoding|content-type|content-length|user-agent|referer|origin|host|connection|cache-control|pragma|priority|te|dnt|sec-.*|if-.*)$/;
const SECRET = /token|key|secret|auth|session|password/;

export interface CurlHeaders {
  credentials: Credentials;
  accept: string | undefined;
  /** Other headers of every call. */
  others: readonly string[];
}

export function curlHeaders(source: string, { headers }: CurlCommand): CurlHeaders {
  const names = Object.keys(headers).filter((name) => !USUAL.test(name) && name !== 'authorization');
  const secretName = names.find((name) => SECRET.test(name));
  const accept = headers['accept'];
  return {
    credentials: credentialsIn(source, headers, secretName),
    accept: accept === undefined || accept === '*/*' || accept === 'application/json' ? undefined : accept,
    others: names.filter((name) => headers['authorization'] !== undefined || name !== secretName),
  };
}

function credentialsIn(
  source: string,
  headers: CurlCommand['headers'],
  secretName: string | undefined,
): Credentials {
  const authorization = headers['authorization'];
  const [, scheme = '', value = ''] = /^(\S+)\s+(.+)$/.exec(authorization ?? '') ?? [];
  const { token, user, password, key } = credentialVariables(source);
  if (/^bearer$/i.test(scheme)) return credentialsOf(source, { [token]: value });
  if (/^basic$/i.test(scheme)) {
    const [, name = '', secret = ''] =
      /^([^:]*):([\s\S]*)$/.exec(Buffer.from(value, 'base64').toString('utf8')) ?? [];
    return credentialsOf(source, { [user]: name, [password]: secret });
  }
  if (authorization !== undefined) {
    const prefix = scheme === '' ? '' : `${scheme} `;
    const secret = scheme === '' ? authorization : value;
    return {
      auth: { apiKey: { key: `\${${key}}`, header: 'Authorization', ...(prefix === '' ? {} : { prefix }) } },
      headers: { authorization },
      variables: { [key]: 'The key in the header Authorization.' },
      values: { [key]: secret },
    };
  }
  const secret = secretName === undefined ? undefined : headers[secretName];
  return secretName === undefined || secret === undefined
    ? { headers: {}, variables: {}, values: {} }
    : keyCredentials(key, secretName, secret);
}
