import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { HeadError, openHead, readHead } from '../../src/privacy/audit-head.js';
import { temporaryFolder } from './audit-entries.js';

const link = (seq: number) => ({ seq, hash: String(seq).repeat(64) });

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  // A spy on a timer is restored first, because it holds the imitated one.
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test('the head has the newest line within 100 ms, each time, with one timer', () => {
  const path = join(temporaryFolder(), 'audit.log.head');
  const head = openHead(path);
  const timers = vi.spyOn(globalThis, 'setTimeout');
  head.start(link(1));
  for (const seq of [2, 4, 6]) {
    head.note(link(seq));
    head.note(link(seq + 1));
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(99);
    expect(readHead(path)).toEqual(link(seq - 1));
    vi.advanceTimersByTime(1);
    expect(readHead(path)).toEqual(link(seq + 1));
  }
  // The wait does not delay the end of the process.
  const [timer] = timers.mock.results.map(({ value }) => value as NodeJS.Timeout);
  expect(timer?.hasRef()).toBe(false);
  head.close();
});

test('a closed head has the newest line, and no timer', () => {
  const path = join(temporaryFolder(), 'audit.log.head');
  const head = openHead(path);
  expect(head.found).toBeUndefined();
  head.note(link(3));
  head.close();
  expect(vi.getTimerCount()).toBe(0);
  expect(readHead(path)).toEqual(link(3));
  const next = openHead(path);
  expect(next.found).toEqual(link(3));
  next.close();
});

test.each(['{}', 'x', `{"seq":1,"hash":"${'0'.repeat(64)}"}${' '.repeat(40)}\nmore`])(
  'a head with the content %j is refused',
  (content) => {
    const path = join(temporaryFolder(), 'audit.log.head');
    writeFileSync(path, content);
    expect(() => openHead(path)).toThrow(HeadError);
  },
);

test('a head that cannot be read is an error, and not a log without a head', () => {
  const folder = temporaryFolder();
  expect(readHead(join(folder, 'missing'))).toBeUndefined();
  expect(() => readHead(folder)).toThrow('EISDIR');
});
