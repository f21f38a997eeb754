import { anyOf, apiKey, basic, bearer, noAuth, type Auth } from '../connectors/auth.js';
import { oauth2 } from '../connectors/oauth2.js';
import { caSetting } from '../connectors/tls.js';
import { secretSetting, urlSetting, type Setting } from '../settings.js';
import type { HttpAuth } from './http-grammar.js';
import { variableIn } from './setting-name.js';

/** The address, credentials and certificates of a system that is called over HTTP. */
export function httpOptions(
  url: string,
  { auth, ca }: { auth?: HttpAuth | readonly HttpAuth[] | undefined; ca?: string | undefined },
): { baseUrl: Setting<string>; auth: Auth; ca?: Setting<string | undefined> } {
  const [first, ...others] = auth === undefined ? [] : [auth].flat().map(authOf);
  return {
    baseUrl: urlSetting(variableIn(url), 'https://api.example.com'),
    auth: first === undefined ? noAuth : others.length === 0 ? first : anyOf(first, ...others),
    ...(ca === undefined ? {} : { ca: caSetting(variableIn(ca)) }),
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
