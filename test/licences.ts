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
  /** As the package says itself (SPDX); undefined when it does not. */
  licence: string | undefined;
  /** Only for building and testing: it does not come with the gateway. */
  isForDevelopment: boolean;
  /** It runs a program of its own when it is installed. */
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

// `npm run licences`: the packages that come with the gateway, and their licences.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const lines = dependencies()
    .filter(({ isForDevelopment }) => !isForDevelopment)
    .map(({ name, version, licence = 'unknown' }) => `${licence.padEnd(14)} ${name} ${version}`);
  process.stdout.write(`${[...new Set(lines)].sort().join('\n')}\n`);
}
