import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '..');

/** Suites with a configuration of their own. `mutate` has one too, and is not a suite. */
const suites = readdirSync(folder).filter(
  (name) => name !== 'mutate' && existsSync(join(folder, name, 'vitest.config.ts')),
);

/** Names the suites that `npm test` does not run, once it is done. */
export default function nameOtherSuites(): (() => void) | undefined {
  if (process.env['npm_lifecycle_event'] !== 'test') return undefined;
  return () => {
    const commands = suites.map((name) => `  npx vitest run --config test/${name}/vitest.config.ts`);
    console.log(
      [
        'npm test does not run these suites. .ci/run does; test/README.md says what each needs.',
        ...commands,
      ].join('\n'),
    );
  };
}
