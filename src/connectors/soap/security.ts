import type { ISecurity } from 'soap';
import type { Setting, SettingsReader } from '../../settings.js';

/** Authentication in the header of each message. */
export interface SoapSecurity {
  settings(reader: SettingsReader): readonly Setting<unknown>[];
  /** Creates the writer of the header, before the first message. */
  writer(reader: SettingsReader): () => Promise<ISecurity>;
}

export interface UsernameTokenOptions {
  /** `digest`: a hash of the password with a nonce is sent instead of the password. Default `text`. */
  password?: 'text' | 'digest';
}

/** WS-Security's UsernameToken (OASIS WSS 1.1), with a timestamp that expires after ten minutes. */
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
