import { describe, expect, test } from 'vitest';
import { createJobKeys, openWithKey, readJobKey, sealToKey } from '../../src/bulk/job-key.js';

describe('the key of a job', () => {
  const keys = createJobKeys();
  const key = readJobKey(keys.privateKey, keys.publicKey);
  if (key === undefined) throw new Error('The key cannot be read.');
  const sealed = sealToKey(keys.publicKey, 'Eva Vondel', 'job/1');

  test('opens what was sealed to it, at its place only', () => {
    expect(openWithKey(key, sealed, 'job/1')).toBe('Eva Vondel');
    expect(() => openWithKey(key, sealed, 'job/2')).toThrow();
    expect(() =>
      openWithKey(
        key,
        sealed.replace(/.=*$/, (end) => (end.startsWith('A') ? 'B' : 'A')),
        'job/1',
      ),
    ).toThrow();
  });

  test('is needed: the stored public key does not open it, and neither does another key', () => {
    const other = createJobKeys();
    expect(readJobKey(other.privateKey, keys.publicKey)).toBeUndefined();
    expect(readJobKey(keys.publicKey, keys.publicKey)).toBeUndefined();
    expect(readJobKey('', keys.publicKey)).toBeUndefined();
    const otherKey = readJobKey(other.privateKey, other.publicKey);
    expect(() => (otherKey === undefined ? '' : openWithKey(otherKey, sealed, 'job/1'))).toThrow();
  });

  test('seals the same text differently each time', () => {
    expect(sealToKey(keys.publicKey, 'Eva Vondel', 'job/1')).not.toBe(sealed);
  });
});
