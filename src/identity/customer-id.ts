import { hkdfSync } from 'node:crypto';
import { aessiv } from '@noble/ciphers/aes.js';
import type { Identifier } from './identifiers.js';

/** Seals the strongest identifier of a customer into an id that shows nothing of it, and opens it again. */
export interface CustomerIds {
  seal(identifier: Identifier): string;
  /** Null when it was not sealed here, or with another secret. */
  open(id: string): Identifier | null;
}

/**
 * AES-SIV (RFC 5297): deterministic, so that one customer has one id on every instance without a store of our own, and
 * authenticated, so that no id can be made up.
 */
export function createCustomerIds(secret: string): CustomerIds {
  const key = new Uint8Array(hkdfSync('sha512', secret, '', 'stekkerdoos customer id', 64));
  return {
    seal: ({ namespace, value }) =>
      Buffer.from(aessiv(key).encrypt(Buffer.from(`${namespace}\n${value}`))).toString('base64url'),
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
