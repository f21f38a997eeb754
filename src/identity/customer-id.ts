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

/**
 * AES-SIV (RFC 5297) is deterministic, so a customer has the same id on every instance without a stored
 * table. It is authenticated, so clients cannot forge an id.
 */
export function createCustomerIds(secret: string): CustomerIds {
  // The audit needs the id of every customer in an answer, and encryption is its most expensive step.
  const sealed = new LRUCache<string, string>({ max: MAX_CACHED_IDS });
  const key = new Uint8Array(hkdfSync('sha512', secret, '', 'stekkerdoos customer id', 64));
  return {
    seal: ({ namespace, value }) => {
      const text = `${namespace}\n${value}`;
      let id = sealed.get(text);
      if (id === undefined) {
        id = Buffer.from(aessiv(key).encrypt(Buffer.from(text))).toString('base64url');
        sealed.set(text, id);
      }
      return id;
    },
    open: (id) => {
      const bytes = Buffer.from(id, 'base64url');
      // Several base64url texts decode to the same bytes. Only the canonical text is accepted.
      if (bytes.toString('base64url') !== id) return null;
      try {
        const [namespace = '', value = ''] = Buffer.from(aessiv(key).decrypt(bytes)).toString().split('\n');
        return { namespace, value };
      } catch {
        return null;
      }
    },
  };
}
