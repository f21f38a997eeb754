import { expect, it } from 'vitest';
import { sealWith } from '../../src/webhooks/store-seal.js';

const seal = sealWith('a secret of the test');

it('decrypts only an unchanged text, with its secret and its place', () => {
  const sealed = seal.close('Anna', 'row 1');
  const changed = Buffer.from(sealed, 'base64');
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  expect(seal.open(sealed, 'row 1')).toBe('Anna');
  expect(() => seal.open(sealed, 'row 2')).toThrow();
  expect(() => sealWith('another secret').open(sealed, 'row 1')).toThrow();
  expect(() => seal.open(changed.toString('base64'), 'row 1')).toThrow();
});

it('creates different digests for differently split parts', () => {
  expect(seal.digest('a', 'b')).toBe(seal.digest('a', 'b'));
  expect(seal.digest('a', 'b')).not.toBe(seal.digest('ab'));
  expect(seal.digest('a', 'b')).not.toBe(sealWith('another secret').digest('a', 'b'));
});

it('creates the same digests as an earlier version', () => {
  expect(seal.digest('event', 'webshop', '1')).toBe('cbCj7acHClfzDyGJTmT7n9pFIfw');
  expect(seal.open('OPAvA7XXNyE9ATIUMzYuORmMYOJnfVhQoo+HwMe46hE=', 'row 1')).toBe('Anna');
});
