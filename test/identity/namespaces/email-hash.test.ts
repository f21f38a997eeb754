import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normalise } from '../../../src/identity/identifiers.js';
import { DEFAULT_BLOCKLISTS } from '../../../src/blocklists.js';
import { emailHash as emailHashOf } from '../../../src/identity/namespaces/email-hash.js';

const emailHash = emailHashOf(DEFAULT_BLOCKLISTS.values);
const valueOf = (text: string): string | null => normalise(emailHash, text)?.value ?? null;
const hex = 'c7edadcb3d9d4c2f5f0f3ae3aa2d0bbd3c5b1dfd3d3b6cf4b1aa3a04a3f7a9e1';

describe('a hashed e-mail address', () => {
  test('is the same, written as hex, base64 or base64url', () => {
    fc.assert(
      fc.property(fc.emailAddress(), (address) => {
        const hash = createHash('sha256').update(address);
        const bytes = hash.digest();
        const expected = bytes.toString('hex');
        expect(valueOf(expected)).toBe(expected);
        expect(valueOf(expected.toUpperCase())).toBe(expected);
        expect(valueOf(bytes.toString('base64'))).toBe(expected);
        expect(valueOf(bytes.toString('base64').replace('=', ''))).toBe(expected);
        expect(valueOf(` ${bytes.toString('base64url')} `)).toBe(expected);
      }),
    );
  });

  test.each([hex.slice(1), `${hex}0`, `0x${hex}`, 'jan@example.nl', 'd41d8cd98f00b204e9800998ecf8427e'])(
    '%s is not a valid hash',
    (text) => {
      expect(valueOf(text)).toBeNull();
    },
  );

  test('has one base64 text: other texts for the same bytes are invalid', () => {
    const text = Buffer.from(hex, 'base64url').toString('base64url');
    const base64 = Buffer.from(hex, 'hex').toString('base64url');
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const decoding = Array.from(letters, (letter) => base64.slice(0, -1) + letter);
    expect(text).not.toBe(base64);
    expect(decoding.filter((candidate) => valueOf(candidate) === hex)).toEqual([base64]);
    const mixed = Buffer.from('fbf0'.padEnd(64, '1'), 'hex').toString('base64').replace('/', '_');
    expect(mixed).toMatch(/\+.*|_/);
    expect(valueOf(`+_${'A'.repeat(40)}A`)).toBeNull();
  });

  test.each(['', 'null', 'unknown'])('is a placeholder if it is the hash of %j', (text) => {
    expect(valueOf(createHash('sha256').update(text).digest('hex'))).toBeNull();
    expect(valueOf(createHash('sha256').update(text).digest('base64'))).toBeNull();
  });

  test('never links two records', () => {
    expect(emailHash.mayLink?.(hex)).toBe(false);
  });
});
