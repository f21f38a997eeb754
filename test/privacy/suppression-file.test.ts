import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { ConfigError, SuppressionUnavailableError } from '../../src/errors.js';
import { openSuppressionFile } from '../../src/privacy/suppression-file.js';
import { createDigests, createSuppression } from '../../src/privacy/suppression.js';
import { createLogger } from '../../src/telemetry/logger.js';
import { fakeClock } from '../support/clock.js';

const SECRET = 'a secret of the tests';
const { mark, of } = createDigests(SECRET);
const digest = (value: string): string => of({ namespace: 'email', value });
const [ANNA, BERT, CARLA] = ['anna@example.nl', 'bert@example.nl', 'carla@example.nl'].map(digest) as [
  string,
  string,
  string,
];

let path: string;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-list-'));
  path = join(folder, 'suppressed');
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
});

function open(content: string) {
  writeFileSync(path, content);
  const clock = fakeClock();
  const logger = createLogger('silent');
  const error = vi.spyOn(logger, 'error').mockReturnValue();
  const warn = vi.spyOn(logger, 'warn').mockReturnValue();
  return { list: openSuppressionFile({ path, mark, logger, clock }), clock, error, warn };
}

function problemsWith(content: string): string {
  try {
    open(content);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.join('\n');
    throw error;
  }
  return 'none';
}

test.each<[string, string, string[]]>([
  ['an empty file', '', []],
  ['only the mark', `${mark}\n`, []],
  ['digests', `${mark}\n${ANNA}\n${BERT}\n`, [ANNA, BERT]],
  ['a last line without its line break', `${mark}\n${ANNA}`, [ANNA]],
  ['the mark after the digests', `${ANNA}\n${mark}\n`, [ANNA]],
  ['marks of two secrets', `key:older\n${mark}\n${ANNA}\n`, [ANNA]],
  ['comments, empty lines and spaces', `# of 2026\r\n\n  ${mark} \r\n\t${ANNA}\r\n`, [ANNA]],
])('a suppression file with %s is read without a warning', (_, content, digests) => {
  const { list, warn, error } = open(content);
  expect([...list.current()]).toEqual(digests);
  expect(list.loading()).toBeUndefined();
  expect(warn).not.toHaveBeenCalled();
  expect(error).not.toHaveBeenCalled();
});

test('lines of a suppression file that are not digests are ignored, and their number is logged', () => {
  const { list, warn } = open(`${mark}\n${ANNA}\nanna@example.nl\n${BERT}x\nx${BERT}\n${BERT}\n`);
  expect([...list.current()]).toEqual([ANNA, BERT]);
  expect(warn).toHaveBeenCalledExactlyOnceWith({ lines: 3 }, expect.any(String));
});

test.each<[string, string, RegExp]>([
  ['digests without a mark', `${ANNA}\n`, /^SUPPRESSION_FILE was written with another ID_SECRET/],
  [
    'the mark of another secret',
    `${createDigests('another secret').mark}\n`,
    /written with another ID_SECRET/,
  ],
])('a suppression file with %s is refused', (_, content, problem) => {
  expect(problemsWith(content)).toMatch(problem);
});

test('a missing suppression file is reported with the code of the system and a remedy', () => {
  expect(() =>
    openSuppressionFile({ path, mark, logger: createLogger('silent'), clock: fakeClock() }),
  ).toThrow(/SUPPRESSION_FILE cannot be read \(ENOENT\)\. .*create an empty file/);
});

test('a suppression file is read again after a second, and only if it has changed', () => {
  const { list, clock } = open(`${mark}\n${ANNA}\n`);
  appendFileSync(path, `${BERT}\n`);
  clock.advance(999);
  const before = list.current();
  expect([...before]).toEqual([ANNA]);
  clock.advance(1);
  const after = list.current();
  expect([...after]).toEqual([ANNA, BERT]);
  appendFileSync(path, `${CARLA}\n`);
  clock.advance(999);
  expect(list.current()).toBe(after);
  clock.advance(1);
  const last = list.current();
  expect([...last]).toEqual([ANNA, BERT, CARLA]);
  clock.advance(1_000);
  // A new set signals a changed list to callers.
  expect(list.current()).toBe(last);
});

test('another suppression file of the same length under the same name is detected', () => {
  const { list, clock } = open(`${mark}\n${ANNA}\n`);
  writeFileSync(`${path}.new`, `${mark}\n${BERT}\n`);
  renameSync(`${path}.new`, path);
  clock.advance(1_000);
  expect([...list.current()]).toEqual([BERT]);
});

test('an emptied suppression file is logged once, and the list remains in effect until the file can be read again', () => {
  const { list, clock, error } = open(`${mark}\n${ANNA}\n`);
  const reasons = () => error.mock.calls.map(([about]: unknown[]) => about);
  for (const content of ['', '# nothing\n', ANNA]) {
    writeFileSync(path, content);
    clock.advance(1_000);
    expect([...list.current()]).toEqual([ANNA]);
    // The same content is still invalid at the next check.
    clock.advance(1_000);
    expect([...list.current()]).toEqual([ANNA]);
  }
  expect(reasons()).toEqual([{ reason: 'has been emptied' }]);
  writeFileSync(path, `${mark}\n${BERT}\n`);
  clock.advance(1_000);
  expect([...list.current()]).toEqual([BERT]);
  rmSync(path);
  clock.advance(1_000);
  expect([...list.current()]).toEqual([BERT]);
  expect(reasons().slice(1)).toEqual([{ reason: 'cannot be read (ENOENT)' }]);
});

test('an empty suppression list may stay empty, and a list may lose its last digest but not its mark', () => {
  const { list, clock, error } = open(`${mark}\n${ANNA}\n`);
  writeFileSync(path, `${mark}\n`);
  clock.advance(1_000);
  expect([...list.current()]).toEqual([]);
  writeFileSync(path, '');
  clock.advance(1_000);
  expect([...list.current()]).toEqual([]);
  expect(error).not.toHaveBeenCalled();
});

test('the mark and each digest are written once', async () => {
  const { list } = open('');
  await list.add([ANNA]);
  expect(readFileSync(path, 'utf8')).toBe(`${mark}\n${ANNA}\n`);
  await list.add([ANNA, BERT]);
  expect(readFileSync(path, 'utf8')).toBe(`${mark}\n${ANNA}\n${BERT}\n`);
  // The second write happens at the same time of the clock.
  expect([...list.current()]).toEqual([ANNA, BERT]);
});

test('an added digest is flushed to the disk, and the file is closed', async () => {
  const { list } = open('');
  const handle = await openFile(path);
  await handle.close();
  const methods = Object.getPrototypeOf(handle) as typeof handle;
  const sync = vi.spyOn(methods, 'sync');
  onTestFinished(() => {
    sync.mockRestore();
  });
  await list.add([ANNA]);
  expect(sync).toHaveBeenCalledTimes(1);
  // The descriptor of a closed file is -1.
  expect(sync.mock.contexts[0]).toMatchObject({ fd: -1 });
});

test('only a partial line of an interrupted write is completed with a line break', async () => {
  const { list } = open(`${mark}\n${ANNA.slice(0, 20)}`);
  await list.add([BERT]);
  expect(readFileSync(path, 'utf8')).toBe(`${mark}\n${ANNA.slice(0, 20)}\n${BERT}\n`);
});

test('no new suppression file is created if the old one is missing', async () => {
  const { list } = open(`${mark}\n${ANNA}\n`);
  rmSync(path);
  await expect(list.add([BERT])).rejects.toBeInstanceOf(SuppressionUnavailableError);
  await expect(list.add([BERT])).rejects.toMatchObject({ cause: { code: 'ENOENT' } });
  expect(() => readFileSync(path)).toThrow('ENOENT');
  expect([...list.current()]).toEqual([ANNA]);
});

const anna = { namespace: 'email', value: 'anna@example.nl' };

function suppression(secret = SECRET) {
  writeFileSync(path, '', { flag: 'a' });
  const clock = fakeClock();
  return createSuppression({
    secret,
    file: path,
    redisUrl: undefined,
    logger: createLogger('silent'),
    clock,
  });
}

test('the version of the suppression list changes only when the list changes', async () => {
  const list = suppression();
  const { version } = list;
  expect(list.version).toBe(version);
  expect(list.isEmpty).toBe(true);
  expect(list.has(anna)).toBe(false);
  await list.add([anna]);
  expect(list.has(anna)).toBe(true);
  expect(list.has({ ...anna, namespace: 'crmId' })).toBe(false);
  expect(list.isEmpty).toBe(false);
  const next = list.version;
  expect(next).not.toBe(version);
  expect(list.version).toBe(next);
});

test('the health of a configured suppression list is reported', async () => {
  const list = suppression();
  expect(await list.health['suppressionList']?.()).toBe('up');
  const none = createSuppression({
    secret: SECRET,
    file: undefined,
    redisUrl: undefined,
    logger: createLogger('silent'),
    clock: fakeClock(),
  });
  expect(none.health).toEqual({});
  expect([none.isEmpty, none.has(anna), none.loading()]).toEqual([true, false, undefined]);
  await expect(none.add([anna])).rejects.toThrow('set SUPPRESSION_FILE or REDIS_URL');
});

test('the digest of an identifier does not contain it, and depends on secret, namespace and value', () => {
  const other = createDigests('another secret');
  const all = [
    of(anna),
    other.of(anna),
    of({ ...anna, namespace: 'login' }),
    of({ ...anna, value: 'bert@example.nl' }),
    of({ namespace: 'em', value: 'ail\nanna@example.nl' }),
  ];
  expect(new Set(all).size).toBe(all.length);
  for (const value of all) expect(value).toMatch(/^[\w-]{43}$/);
  expect(mark).toMatch(/^key:[\w-]{43}$/);
  expect(other.mark).not.toBe(mark);
});
