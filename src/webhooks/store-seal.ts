import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

/** Encrypts and hashes values that may be personal, for storage on disk. */
export interface Seal {
  /** Returns a keyed digest: the same for the same parts and secret. */
  digest(...parts: readonly string[]): string;
  /** Encrypts a text for a place, such as a key of a row. It can be decrypted only with the same place. */
  close(text: string, place: string): string;
  /** Decrypts a text. Throws if the secret or the place differs, or if the text was changed. */
  open(sealed: string, place: string): string;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export function sealWith(secret: string): Seal {
  const keyFor = (use: string) => Buffer.from(hkdfSync('sha256', secret, '', `webhooks ${use}`, 32));
  const digestKey = keyFor('digest');
  const sealKey = keyFor('seal');
  return {
    digest: (...parts) =>
      createHmac('sha256', digestKey)
        .update(JSON.stringify(parts))
        .digest()
        .subarray(0, 20)
        .toString('base64url'),
    close: (text, place) => encrypt(sealKey, text, place),
    open: (sealed, place) => decrypt(sealKey, sealed, place),
  };
}

/** Encrypts a text with AES-256-GCM. The place is authenticated, so that the result is valid only there. */
export function encrypt(key: Uint8Array, text: string, place: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(place));
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
}

/** Decrypts the result of `encrypt`. Throws if the key or the place differs, or if the text was changed. */
export function decrypt(key: Uint8Array, sealed: string, place: string): string {
  const bytes = Buffer.from(sealed, 'base64');
  const start = NONCE_BYTES + TAG_BYTES;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  })
    .setAAD(Buffer.from(place))
    .setAuthTag(bytes.subarray(NONCE_BYTES, start));
  return Buffer.concat([decipher.update(bytes.subarray(start)), decipher.final()]).toString('utf8');
}
