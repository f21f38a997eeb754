import type { Setting, SettingsReader } from '../config.js';

/** How a system wants to know who asks: the headers that every call to it carries. */
export interface Auth {
  /** The settings it needs, given those that are there. */
  settings(reader: SettingsReader): readonly Setting<unknown>[];
  headers(settings: SettingsReader): Record<string, string>;
}

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
  };
  return {
    settings: () => [inHeader],
    headers: (settings) => ({ [header]: `${prefix}${settings.read(inHeader) ?? ''}` }),
  };
}

/** `Authorization: Basic` (RFC 7617). The user's name may need a suffix of the vendor's, as Zendesk's `/token`. */
export function basic(user: Setting<string>, password: Setting<string>, userSuffix = ''): Auth {
  // The first colon ends the name.
  const name: Setting<string> = {
    ...user,
    schema: user.schema.refine((text) => !text.includes(':')),
    expects: `${user.expects}, without a colon`,
  };
  return {
    settings: () => [name, password],
    headers: (settings) => {
      const pair = `${settings.read(name) ?? ''}${userSuffix}:${settings.read(password) ?? ''}`;
      return { authorization: `Basic ${Buffer.from(pair, 'utf8').toString('base64')}` };
    },
  };
}

/** Several ways that a system accepts: the first of which a setting is there is taken, else the first. */
export function anyOf(...ways: readonly [Auth, ...Auth[]]): Auth {
  const chosen = (reader: SettingsReader) =>
    ways.find((way) => way.settings(reader).some((one) => reader.isPresent(one))) ?? ways[0];
  return {
    settings: (reader) => chosen(reader).settings(reader),
    headers: (reader) => chosen(reader).headers(reader),
  };
}
