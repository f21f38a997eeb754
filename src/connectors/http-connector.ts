import type { Setting, SettingsReader } from '../settings.js';
import type { Auth } from './auth.js';
import type { CallScope, Client, Connector } from './connector.js';
import { openHttp, type HttpExtras, type HttpTransport } from './http.js';
import { trustCertificates } from './tls.js';

export interface HttpConnectorOptions extends Omit<HttpExtras, 'session' | 'trust'> {
  /** The base address of the system, with an optional path. */
  url: Setting<string>;
  auth: Auth;
  /** Additional CA certificates: see `caSetting`. */
  ca?: Setting<string | undefined> | undefined;
  /** Further settings of the connector. Default: none. */
  settings?: (reader: SettingsReader) => readonly Setting<unknown>[];
  /** Headers of every call, in addition to those of `auth`. Default: none. */
  headers?: Readonly<Record<string, string>>;
  /** Whether paths are relative to the origin, so that links outside the path of `url` can be followed. Default false. */
  isAtOrigin?: boolean;
}

interface HttpConnection {
  http: HttpTransport;
  /** The value of `url`. */
  address: string;
  reader: SettingsReader;
  source: string;
}

/**
 * A connector to a system that speaks HTTP. Address, credentials and certificates come from settings, and all calls
 * share one transport. `createClients` runs once for each connection.
 */
export function httpConnector<C extends Client>(
  { url, auth, ca, settings, headers, isAtOrigin = false, ...extras }: HttpConnectorOptions,
  createClients: (connection: HttpConnection) => (scope: CallScope) => C,
): Connector<C> {
  return {
    // The same setting can occur twice, for example when tokens are issued at the same address.
    settings: (reader) => [
      ...new Set([
        url,
        ...auth.settings(reader),
        ...(settings?.(reader) ?? []),
        ...(ca === undefined ? [] : [ca]),
      ]),
    ],
    connect: (reader, options) => {
      const { source } = options;
      const address = reader.read(url) ?? '';
      const trust = ca === undefined ? undefined : trustCertificates(reader.read(ca));
      const http = openHttp(
        isAtOrigin ? new URL(address).origin : address,
        { ...headers, ...auth.headers(reader) },
        options,
        { ...extras, trust, session: auth.session?.(reader, options, trust) },
      );
      return {
        client: createClients({ http, address, reader, source }),
        forget: () => {
          http.forget();
        },
        close: () => http.close(),
      };
    },
  };
}
