import type { ISecurity } from 'soap';
import type { Setting, SettingsReader } from '../../settings.js';

/** How a system wants to know who asks, in the header of each message. */
export interface SoapSecurity {
  settings(reader: SettingsReader): readonly Setting<unknown>[];
  /** Makes, before the first message, what writes the header of each. */
  writer(reader: SettingsReader): () => Promise<ISecurity>;
}

export interface UsernameTokenOptions {
  /** `digest`: instead of the password a hash of it, with a nonce, is sent. Default `text`. */
  password?: 'text' | 'digest';
}

/** WS-Security's UsernameToken (OASIS WSS 1.1), with a timestamp that ends after ten minutes. */
export function usernameToken(
  user: Setting<string>,
  password: Setting<string>,
  { password: passwordType = 'text' }: UsernameTokenOptions = {},
): SoapSecurity {
  return {
    settings: () => [user, password],
    writer: (reader) => {
      const [name, secret] = [reader.read(user) ?? '', reader.read(password) ?? ''];
      return async () => {
        const { WSSecurity } = await import('soap');
        return new WSSecurity(name, secret, {
          passwordType: passwordType === 'text' ? 'PasswordText' : 'PasswordDigest',
          mustUnderstand: true,
        });
      };
    },
  };
}
