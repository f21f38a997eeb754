import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LockedError, takeLock } from '../../src/privacy/audit-lock.js';
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

test('the lock of a process that has ended is taken over, and no other file remains', () => {
  const folder = temporaryFolder();
  const path = join(folder, 'audit.log.lock');
  // No process has an id this high.
  writeFileSync(path, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }));
  const release = takeLock(path);
  expect(readdirSync(folder)).toEqual(['audit.log.lock']);
  release();
  expect(readdirSync(folder)).toEqual([]);
});

test.skipIf(process.platform !== 'linux')(
  'the lock of a process that has ended is taken over if another process has its id now',
  () => {
    const path = join(temporaryFolder(), 'audit.log.lock');
    const owner = { pid: process.pid, host: hostname(), started: 'an earlier boot 1' };
    writeFileSync(path, JSON.stringify(owner));
    takeLock(path)();
    expect(existsSync(path)).toBe(false);
  },
);

test.each<[string, string, RegExp]>([
  ['of this process', JSON.stringify({ pid: process.pid, host: hostname() }), /is writing it/],
  ['of another host', JSON.stringify({ pid: 2 ** 22 + 1, host: 'another' }), /on another has taken it/],
  ['without an owner', 'x', /is not a valid lock/],
])('the lock %s is respected', (_, content, message) => {
  const folder = temporaryFolder();
  const path = join(folder, 'audit.log.lock');
  writeFileSync(path, content);
  const take = () => takeLock(path);
  expect(take).toThrow(LockedError);
  expect(take).toThrow(message);
  expect(readFileSync(path, 'utf8')).toBe(content);
  expect(readdirSync(folder)).toEqual(['audit.log.lock']);
});
