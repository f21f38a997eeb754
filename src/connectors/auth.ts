import type { SecureContext } from 'node:tls';
import type { Setting, SettingsReader } from '../settings.js';
import type { ConnectorOptions } from './connector.js';

/** How a system wants to know who asks: the headers that every call to it carries. */
export interface Auth {
  /** The settings it needs, given those that are there. */
  settings(reader: SettingsReader): readonly Setting<unknown>[];
  headers(settings: SettingsReader): Record<string, string>;
  /** Of a system that wants to be told in the query too: what every call carries there. */
  query?(settings: SettingsReader): Record<string, string>;
  /** Only where a part of the headers is got from somewhere, and not for ever. */
  session?(settings: SettingsReader, options: ConnectorOptions, trust?: SecureContext): Session | undefined;
}

/** Credentials that are got while the gateway runs, and expire. */
export interface Session {
  /** What the next call carries. However many calls wait for it, it is got once. */
  headers(): Promise<Record<string, string>>;
  /** The system has let in a call that carried these. */
  accepted(headers: Record<string, string>): void;
  /** The system has turned away a call that carried these: whether it may be made once more with other headers. */
  refused(headers: Record<string, string>): boolean;
  close(): Promise<void>;
}

/** Of a system that everybody may ask. */
export const noAuth: Auth = { settings: () => [], headers: () => ({}) };

/** `Authorization: Bearer <token>` (RFC 6750). */
export function bearer(token: Setting<string>): Auth {
  return apiKey('authorization', token, 'Bearer ');
}

/** A key in a header of the vendor's own. */
export function apiKey(header: string, key: Setting<string>, prefix = ''): Auth {
  // A line break, such as a file with a secret ends in, would make every call fail; so the gateway does not start.
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

/** `Authorization: Basic` (RFC 7617). The user's name may need a suffix of the vendor's, such as `/token`. */
export function basic(user: Setting<string>, password: Setting<string>, userSuffix = ''): Auth {
  // The first colon ends the name.
  const name: Setting<string> = {
    ...user,
    schema: user.schema.refine((text) => !text.includes(':')),
    expects: `${user.expects}, without a colon`,
    // Often the address of an employee.
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

/** Several ways that a system accepts: the first of which a setting is there is taken. Without any, all are told. */
export function anyOf(...ways: readonly [Auth, ...Auth[]]): Auth {
  const chosen = (reader: SettingsReader) =>
    ways.find((way) => way.settings(reader).some((one) => reader.isPresent(one)));
  return {
    settings: (reader) => {
      const way = chosen(reader);
      if (way !== undefined) return way.settings(reader);
      const others = ways.slice(1).map((other) => namesOf(other.settings(reader)));
      return ways[0].settings(reader).map((one) => ({
        ...one,
        expects: [one.expects, ...others].join('; or instead of it set '),
      }));
    },
    headers: (reader) => (chosen(reader) ?? ways[0]).headers(reader),
    session: (reader, options, trust) => chosen(reader)?.session?.(reader, options, trust),
  };
}

function namesOf(settings: readonly Setting<unknown>[]): string {
  return settings.map(({ variable }) => variable).join(' and ');
}
