import { hkdfSync } from 'node:crypto';
import { aessiv } from '@noble/ciphers/aes.js';
import { LRUCache } from 'lru-cache';
import type { Identifier } from './identifiers.js';

/** Encrypts the strongest identifier of a customer into an opaque id, and decrypts it again. */
export interface CustomerIds {
  seal(identifier: Identifier): string;
  /** Decrypts an id. Null if the id is malformed or was made with another secret. */
  open(id: string): Identifier | null;
}

const MAX_CACHED_IDS = 10_000;

/** A customer has the same id on every instance without a stored table. */
export function createCustomerIds(secret: string): CustomerIds {
  // The audit needs the id of every customer in an answer, and encryption is its most expensive step.
  const sealed = new LRUCache<string, string>({ max: MAX_CACHED_IDS });
  const texts = createSealedTexts(secret, 'customer id');
  return {
    seal: ({ namespace, value }) => {
      const text = `${namespace}\n${value}`;
      let id = sealed.get(text);
      if (id === undefined) sealed.set(text, (id = texts.seal(text)));
      return id;
    },
    open: (id) => {
      const [namespace = '', value = ''] = texts.open(id)?.split('\n') ?? [];
      return namespace === '' ? null : { namespace, value };
    },
  };
}

/** Encrypts texts for clients, who cannot read them, and decrypts them again. */
export interface SealedTexts {
  seal(text: string): string;
  /** Null if the sealed text is malformed, or was made with another secret or for another use. */
  open(sealed: string): string | null;
}

/** AES-SIV (RFC 5297) is deterministic. It is authenticated, so clients cannot forge a text. */
export function createSealedTexts(secret: string, use: string): SealedTexts {
  const key = new Uint8Array(hkdfSync('sha512', secret, '', `stekkerdoos ${use}`, 64));
  return {
    seal: (text) => Buffer.from(aessiv(key).encrypt(Buffer.from(text))).toString('base64url'),
    open: (sealed) => {
      const bytes = Buffer.from(sealed, 'base64url');
      // Several base64url texts decode to the same bytes. Only the canonical text is accepted.
      if (bytes.toString('base64url') !== sealed) return null;
      try {
        return Buffer.from(aessiv(key).decrypt(bytes)).toString();
      } catch {
        return null;
      }
    },
  };
}
