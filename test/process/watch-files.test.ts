import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { watchProject } from '../../src/process/watch-files.js';

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
