import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const lockFile = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      license: z.string().optional(),
      dev: z.boolean().default(false),
      hasInstallScript: z.boolean().default(false),
    }),
  ),
});

export interface Dependency {
  name: string;
  version: string;
  /** The SPDX expression that the package declares; undefined if it declares none. */
  licence: string | undefined;
  /** Needed only to build and test; not installed with the gateway. */
  isForDevelopment: boolean;
  /** Has an install script. */
  runsAtInstall: boolean;
}

/** All packages of package-lock.json, for every platform. */
export function dependencies(): Dependency[] {
  const text = readFileSync(join(import.meta.dirname, '../package-lock.json'), 'utf8');
  const { packages } = lockFile.parse(JSON.parse(text));
  return Object.entries(packages)
    .filter(([path]) => path !== '')
    .map(([path, { version = '', license, dev, hasInstallScript }]) => ({
      name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
      version,
      licence: license,
      isForDevelopment: dev,
      runsAtInstall: hasInstallScript,
    }));
}

// `npm run licences` prints the production dependencies of the gateway with their licences.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const lines = dependencies()
    .filter(({ isForDevelopment }) => !isForDevelopment)
    .map(({ name, version, licence = 'unknown' }) => `${licence.padEnd(14)} ${name} ${version}`);
  process.stdout.write(`${[...new Set(lines)].sort().join('\n')}\n`);
}
