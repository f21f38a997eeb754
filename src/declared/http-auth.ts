import { anyOf, apiKey, basic, bearer, noAuth, type Auth } from '../connectors/auth.js';
import { oauth2 } from '../connectors/oauth2.js';
import { caSetting } from '../connectors/tls.js';
import { secretSetting, urlSetting, type Setting } from '../settings.js';
import type { HttpAuth } from './http-grammar.js';
import { variableIn } from './setting-name.js';

/** The address, credentials and certificates of a system that is called over HTTP. */
export function httpOptions(
  url: string,
  {
    auth,
    headers = {},
    ca,
  }: {
    auth?: HttpAuth | readonly HttpAuth[] | undefined;
    headers?: Readonly<Record<string, string>> | undefined;
    ca?: string | undefined;
  },
): { baseUrl: Setting<string>; auth: Auth; ca?: Setting<string | undefined> } {
  const [first, ...others] = auth === undefined ? [] : [auth].flat().map(authOf);
  return {
    baseUrl: urlSetting(variableIn(url), 'https://api.example.com'),
    auth: withHeaders(
      first === undefined ? noAuth : others.length === 0 ? first : anyOf(first, ...others),
      headers,
    ),
    ...(ca === undefined ? {} : { ca: caSetting(variableIn(ca)) }),
  };
}

/** Adds headers that are the same in every call. */
function withHeaders(auth: Auth, headers: Readonly<Record<string, string>>): Auth {
  const added = Object.entries(headers).map(([name, value]): Auth => {
    const variable = variableIn(value);
    if (variable !== '') return apiKey(name.toLowerCase(), secretSetting(variable));
    return { settings: () => [], headers: () => ({ [name.toLowerCase()]: value }) };
  });
  if (added.length === 0) return auth;
  return {
    ...auth,
    settings: (reader) => [auth, ...added].flatMap((part) => part.settings(reader)),
    headers: (reader) =>
      Object.assign({}, ...[...added, auth].map((part) => part.headers(reader))) as Record<string, string>,
  };
}

function authOf(auth: HttpAuth): Auth {
  if ('bearer' in auth) return bearer(secretSetting(variableIn(auth.bearer)));
  if ('apiKey' in auth) {
    const { key, header, prefix } = auth.apiKey;
    return apiKey(header.toLowerCase(), secretSetting(variableIn(key)), prefix);
  }
  if ('basic' in auth) {
    const { user, password, userSuffix } = auth.basic;
    return basic(secretSetting(variableIn(user)), secretSetting(variableIn(password)), userSuffix);
  }
  const { tokenUrl, tokenPath, clientId, clientSecret, refreshToken, scope } = auth.oauth2;
  return oauth2({
    tokenUrl: urlSetting(variableIn(tokenUrl), 'https://login.example.com'),
    ...(tokenPath === undefined ? {} : { tokenPath }),
    clientId: secretSetting(variableIn(clientId)),
    clientSecret: secretSetting(variableIn(clientSecret)),
    ...(refreshToken === undefined ? {} : { refreshToken: secretSetting(variableIn(refreshToken)) }),
    ...(scope === undefined ? {} : { scope }),
  });
}
