import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { takeLock } from '../../src/privacy/audit-lock.js';
import { temporaryFolder } from './audit-entries.js';

test('a lock is removed when it is released', () => {
  const path = join(temporaryFolder(), 'audit.log.lock');
  const release = takeLock(path);
  expect(existsSync(path)).toBe(true);
  release();
  expect(existsSync(path)).toBe(false);
});

test('a lock that another process has acquired in the meantime is not removed', () => {
  const path = join(temporaryFolder(), 'audit.log.lock');
  const release = takeLock(path);
  writeFileSync(path, '{"pid":1,"host":"another"}');
  release();
  expect(readFileSync(path, 'utf8')).toBe('{"pid":1,"host":"another"}');
});
