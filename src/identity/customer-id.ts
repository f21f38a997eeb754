import { hkdfSync } from 'node:crypto';
import { aessiv } from '@noble/ciphers/aes.js';
import { LRUCache } from 'lru-cache';
import type { Identifier } from './identifiers.js';

/** Seals the strongest identifier of a customer into an id that shows nothing of it, and opens it again. */
export interface CustomerIds {
  seal(identifier: Identifier): string;
  /** Null when it was not sealed here, or with another secret. */
  open(id: string): Identifier | null;
}

const KEPT_IDS = 10_000;

/**
 * AES-SIV (RFC 5297): deterministic, so that one customer has one id on every instance without a store of our own, and
 * authenticated, so that no id can be made up.
 */
export function createCustomerIds(secret: string): CustomerIds {
  // The audit names everybody in every answer, and sealing takes longer than all else that it does.
  const sealed = new LRUCache<string, string>({ max: KEPT_IDS });
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
      // Other texts decode to the same bytes, and an id has one way of writing.
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
