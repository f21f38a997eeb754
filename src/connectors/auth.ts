import type { SecureContext } from 'node:tls';
import type { Setting, SettingsReader } from '../settings.js';
import type { ConnectorOptions } from './connector.js';

/** How the gateway authenticates at a system: the headers of every call. */
export interface Auth {
  /** The settings that are needed, depending on those that are present. */
  settings(reader: SettingsReader): readonly Setting<unknown>[];
  headers(settings: SettingsReader): Record<string, string>;
  /** Query parameters of every call, for a system that needs its credentials there too. */
  query?(settings: SettingsReader): Record<string, string>;
  /** Only for credentials that are obtained at run time and expire. */
  session?(settings: SettingsReader, options: ConnectorOptions, trust?: SecureContext): Session | undefined;
}

/** Credentials that are obtained at run time and expire. */
export interface Session {
  /** The headers for the next call. They are obtained once for all waiting calls. */
  headers(): Promise<Record<string, string>>;
  /** Reports that the system accepted a call with these headers. */
  accepted(headers: Record<string, string>): void;
  /**
   * Reports that the system refused a call with these headers. Returns whether the call can be retried with other
   * headers.
   */
  refused(headers: Record<string, string>): boolean;
  close(): Promise<void>;
}

/** For a system without authentication. */
export const noAuth: Auth = { settings: () => [], headers: () => ({}) };

/** `Authorization: Bearer <token>` (RFC 6750). */
export function bearer(token: Setting<string>): Auth {
  return apiKey('authorization', token, 'Bearer ');
}

/** A key in a vendor-specific header. */
export function apiKey(header: string, key: Setting<string>, prefix = ''): Auth {
  // A file with a secret often ends in a line break, which would make every call fail. So the gateway does not start.
  const inHeader: Setting<string> = {
    ...key,
    schema: key.schema.refine((text) => /^[\x20-\x7e]*$/.test(text)),
    expects: `${key.expects}, of characters that an HTTP header can have`,
    secret: true,
  };
  return {
    settings: () => [inHeader],
    headers: (settings) => ({ [header]: `${prefix}${settings.read(inHeader) ?? ''}` }),
  };
}

/** `Authorization: Basic` (RFC 7617). Some vendors need a suffix after the user's name, such as `/token`. */
export function basic(user: Setting<string>, password: Setting<string>, userSuffix = ''): Auth {
  // The first colon ends the name.
  const name: Setting<string> = {
    ...user,
    schema: user.schema.refine((text) => !text.includes(':')),
    expects: `${user.expects}, without a colon`,
    // It is often the address of an employee.
    secret: true,
  };
  const secret: Setting<string> = { ...password, secret: true };
  return {
    settings: () => [name, secret],
    headers: (settings) => {
      const pair = `${settings.read(name) ?? ''}${userSuffix}:${settings.read(secret) ?? ''}`;
      return { authorization: `Basic ${Buffer.from(pair, 'utf8').toString('base64')}` };
    },
  };
}

/**
 * Alternative ways to authenticate. The first one with a setting that is present is used. Without any, the error
 * lists all.
 */
export function anyOf(...ways: readonly [Auth, ...Auth[]]): Auth {
  const chosen = (reader: SettingsReader) =>
    ways.find((way) => way.settings(reader).some((option) => reader.isPresent(option)));
  return {
    settings: (reader) => {
      const way = chosen(reader);
      if (way !== undefined) return way.settings(reader);
      const others = ways.slice(1).map((other) => namesOf(other.settings(reader)));
      return ways[0].settings(reader).map((option) => ({
        ...option,
        expects: [option.expects, ...others].join('; or instead of it set '),
      }));
    },
    headers: (reader) => (chosen(reader) ?? ways[0]).headers(reader),
    session: (reader, options, trust) => chosen(reader)?.session?.(reader, options, trust),
  };
}

function namesOf(settings: readonly Setting<unknown>[]): string {
  return settings.map(({ variable }) => variable).join(' and ');
}
