import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transformWithOxc } from 'vite';
import { afterAll, describe, expect, it } from 'vitest';
import { V8_FLAGS } from '../../src/v8/flags.js';

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-flags-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('the flags of V8', () => {
  it('are those of npm start', () => {
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } };
    expect(scripts.start).toBe(`exec node ${V8_FLAGS.join(' ')} dist/src/process/main.js`);
  });

  it('are those of the command stekkerdoos, which forwards its arguments and signals to one process', async () => {
    const { code } = await transformWithOxc(readFileSync('src/cli/cli.ts', 'utf8'), 'cli.ts', {
      target: 'es2023',
    });
    const head = code.split('\n').slice(0, 2).join('\n');
    const [file, link] = [join(folder, 'cli.mjs'), join(folder, 'stekkerdoos')];
    const body = 'console.log(JSON.stringify([process.execArgv, process.argv.slice(2), process.ppid]))';
    writeFileSync(file, `${head}\n${body}\n`);
    chmodSync(file, 0o755);
    symlinkSync(file, link);
    const received = JSON.parse(
      execFileSync(link, ['start', 'a b', '$HOME'], { encoding: 'utf8' }),
    ) as unknown;
    expect(received).toEqual([V8_FLAGS, ['start', 'a b', '$HOME'], process.pid]);
  });

  it('are all known to this Node', () => {
    expect(() => execFileSync(process.execPath, [...V8_FLAGS, '-e', ''])).not.toThrow();
  });
});
