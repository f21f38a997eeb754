import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, inject, test, vi } from 'vitest';

const run = promisify(execFile);
const installed = inject('installed');

const running: ChildProcess[] = [];
afterEach(async () => {
  for (const child of running.splice(0)) {
    const ended = once(child, 'close');
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    else continue;
    await ended;
  }
});

function npmRun(script: string, folder: string, environment: Record<string, string>) {
  const child = spawn('npm', ['run', script], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: installed, ...environment },
    detached: true,
  });
  running.push(child);
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  child.stderr.on('data', (chunk) => (output += String(chunk)));
  return () => output;
}

test('the commands of the README create and serve a project folder', { timeout: 180_000 }, async () => {
  const readme = readFileSync('README.md', 'utf8');
  const section = readme.slice(readme.indexOf('## Your own systems'));
  const commands = /\n\n((?: {4}.*\n)+)/.exec(section)?.[1]?.trim().split(/\n +/) ?? [];
  expect(commands).toEqual([
    'npx stekkerdoos init my-gateway',
    'cd my-gateway',
    'npm install',
    'npm run example &',
    'npm run dev',
  ]);
  await run('npx', ['stekkerdoos', 'init', 'my-gateway'], { cwd: installed });
  // `npm install` is skipped: it would fetch the package from the registry, and the parent folder already has it.
  const folder = join(installed, 'my-gateway');
  expect(existsSync(join(folder, '.gitignore'))).toBe(true);
  expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toContain('.env');
  const { stdout } = await run('npx', ['stekkerdoos', 'start', '--check'], { cwd: folder });
  expect(stdout).toBe('The settings are right. Sources: loyalty.\n');

  const tested = await run('npx', ['stekkerdoos', 'test'], { cwd: folder });
  expect(tested.stdout).toMatch(/^loyalty: \d+ ok, 0 failed, 5 not applicable$/m);

  npmRun('example', folder, {});
  const output = npmRun('dev', folder, { PORT: '0' });
  const url = await vi.waitFor(
    () => {
      const found = /ready (http\S+\/graphql)/.exec(output())?.[1];
      if (found === undefined) throw new Error(output());
      return found;
    },
    { timeout: 60_000 },
  );
  const page = readFileSync(join(folder, 'README.md'), 'utf8');
  const body = (/-d '(\{"query".*\})'/.exec(page)?.[1] ?? '').replaceAll('\\\\"', '\\"');
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  expect(await answer.json()).toEqual({
    data: { customer: { name: 'Eva de Wit', loyalty: { tier: 'GOLD', points: 1200 } } },
  });
});

test('init does not overwrite files in a folder', async () => {
  const failed = await run('npx', ['stekkerdoos', 'init', 'node_modules'], { cwd: installed }).catch(
    (error: unknown) => error,
  );
  expect((failed as { stderr: string }).stderr).toContain('node_modules is not empty');
});
