import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ROOT, type Build } from '../processes.js';

const HERE = join(ROOT, 'test/bench/peers');
/** npm writes this file at the end of an installation. */
const INSTALLED = join(HERE, 'node_modules/.package-lock.json');

const lock = z.object({ packages: z.record(z.string(), z.object({ version: z.string().optional() })) });

/** Path of the program of Tailcall, if it exists for this machine. */
export const TAILCALL = join(HERE, 'node_modules/@tailcallhq/core-linux-x64-gnu/bin/tailcall');

/** Installs the peers of the lock file, if they are not installed, and links them into the build. */
export async function installPeers({ folder }: Build): Promise<void> {
  if (!existsSync(INSTALLED) || ageOf(INSTALLED) > ageOf(join(HERE, 'package-lock.json')))
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: HERE,
      // Standard output has only the figures.
      stdio: ['ignore', 2, 'inherit'],
    });
  await symlink(join(HERE, 'node_modules'), join(folder, 'test/bench/peers/node_modules'));
}

function ageOf(path: string): number {
  return -statSync(path).mtimeMs;
}

/** The versions of the packages that are installed, by name. */
export async function installedVersions(): Promise<(name: string) => string> {
  const { packages } = lock.parse(JSON.parse(await readFile(INSTALLED, 'utf8')));
  return (name) => packages[`node_modules/${name}`]?.version ?? 'not installed';
}
