import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unwatchFile,
  watchFile,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi, type Mock } from 'vitest';
import { watchProject, watchSecretFiles } from '../../src/process/watch-files.js';

test('a project folder that is created later is also watched', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-watch-'));
  const onChange = vi.fn();
  const stop = watchProject(folder, onChange);
  mkdirSync(join(folder, 'sources'));
  await vi.waitFor(() => {
    expect(onChange).toHaveBeenCalledTimes(1);
  }, 10_000);
  writeFileSync(join(folder, 'sources/loyalty.yaml'), 'source: loyalty');
  await vi.waitFor(() => {
    expect(onChange).toHaveBeenCalledTimes(2);
  }, 10_000);
  stop();
  rmSync(folder, { recursive: true });
});

test('a file of a setting is watched, also if it is a symbolic link to another file, until watching stops', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-watch-'));
  const [file, other] = [join(folder, 'secret'), join(folder, 'other')];
  const replaceLink = (text: string): void => {
    const target = join(folder, text);
    writeFileSync(target, text);
    symlinkSync(target, `${file}.new`);
    renameSync(`${file}.new`, file);
  };
  const write = (text: string): void => {
    writeFileSync(other, text);
  };
  replaceLink('first');
  write('first');
  // A file is polled in the interval of its first listener, so this one makes the test short.
  const listener = vi.fn();
  for (const watched of [file, other]) watchFile(watched, { interval: 20, persistent: false }, listener);
  const onChange = vi.fn();
  const stop = watchSecretFiles([file, other], onChange);
  /** Changes a file until this is noticed: a change before the first poll is not. */
  const isNoticed = async (change: (text: string) => void, called: Mock): Promise<void> => {
    called.mockClear();
    let text = 'changed';
    await vi.waitFor(
      () => {
        change((text += '+'));
        expect(called).toHaveBeenCalled();
      },
      { timeout: 10_000, interval: 100 },
    );
  };
  await isNoticed(replaceLink, onChange);
  await isNoticed(write, onChange);
  stop();
  onChange.mockClear();
  await isNoticed(write, listener);
  expect(onChange).not.toHaveBeenCalled();
  for (const watched of [file, other]) unwatchFile(watched, listener);
  rmSync(folder, { recursive: true });
});
