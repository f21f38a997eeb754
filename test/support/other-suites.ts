import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '..');

/** Folders with a separate Vitest configuration, except `mutate`, which is not a suite. */
const suites = readdirSync(folder).filter(
  (name) => name !== 'mutate' && existsSync(join(folder, name, 'vitest.config.ts')),
);

/** Prints the names of the suites that `npm test` does not run, after its last test. */
export default function nameOtherSuites(): (() => void) | undefined {
  if (process.env['npm_lifecycle_event'] !== 'test') return undefined;
  return () => {
    const commands = suites.map((name) => `  npx vitest run --config test/${name}/vitest.config.ts`);
    console.log(
      [
        'npm test does not run these suites. .ci/run does. test/README.md lists what each needs.',
        ...commands,
      ].join('\n'),
    );
  };
}
