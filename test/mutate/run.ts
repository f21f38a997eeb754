import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import { prepareMutators } from './mutators.js';

const USAGE = `Usage: npm run mutate -- [--tests <folder or file>]... [--only] [--sample <part>] [--seed <text>] <file>...

Puts one mistake at a time into the files, in a copy, and reports each mistake that no test notices.
A file may end in lines: src/cache/cache.ts:10-40.

  --tests   further tests; by default those of the file's room or source that import it
  --only    no other tests than those of --tests, such as a file's own, which take seconds
  --sample  the part of all mistakes to try, between 0 and 1 (default 1)
  --seed    another seed gives another sample (default "1")`;

const root = join(import.meta.dirname, '../..');

/** The tests that lie beside a file: those of its room or source. */
function testsFor(file: string): string[] {
  const [top, room = '', ...rest] = file.replace(/:.*$/, '').split('/');
  if (top === 'sources') return [`test/sources/${room}*.test.ts`, `test/webhooks/${room}.test.ts`];
  return rest.length === 0 ? [`test/${room.replace(/\.ts$/, '')}.test.ts`] : [`test/${room}/**/*.test.ts`];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tests: { type: 'string', multiple: true, default: [] },
    only: { type: 'boolean', default: false },
    sample: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
  },
});
const fraction = Number(values.sample);
const missing = positionals.filter((file) => !existsSync(join(root, file.replace(/:.*$/, ''))));
if (positionals.length === 0 || missing.length > 0 || !(fraction > 0 && fraction <= 1)) {
  console.error(missing.length > 0 ? `There is no file ${missing.join(', ')}.` : USAGE);
  process.exit(2);
}

const tests = [
  ...(values.only ? [] : positionals.flatMap(testsFor)),
  ...values.tests.map((path) => (path.endsWith('.ts') ? path : join(path, '**/*.test.ts'))),
];
process.env['MUTATE_TESTS'] = [...new Set(tests)].join(',');
process.chdir(root);
await prepareMutators({ fraction, seed: values.seed });

const results = await new Stryker({
  mutate: positionals,
  testRunner: 'vitest',
  plugins: [import.meta.resolve('@stryker-mutator/vitest-runner')],
  vitest: { configFile: 'test/mutate/vitest.config.ts', related: true },
  reporters: ['progress-append-only'],
  concurrency: 1,
  ignorePatterns: ['dist'],
  // The copy needs no other tsconfig.json. Stryker would read it with an API that TypeScript 7 does not have.
  tsconfigFile: 'none',
  // Outside the repository, so that no other tool finds the copy.
  tempDirName: join(tmpdir(), 'stekkerdoos-mutate'),
  cleanTempDir: 'always',
  allowEmpty: true,
}).runMutationTest();

const tried = results.filter(({ status }) => status !== 'Ignored' && !status.endsWith('Error'));
const missed = tried.filter(({ status }) => status === 'Survived' || status === 'NoCoverage');
for (const { fileName, location, mutatorName, replacement, status } of missed) {
  // Lines and columns count from 1.
  const { start, end } = location;
  const lines = readFileSync(fileName, 'utf8')
    .split('\n')
    .slice(start.line - 1, end.line);
  const before = lines[0]?.slice(0, start.column - 1) ?? '';
  const after = lines.at(-1)?.slice(end.column - 1) ?? '';
  const mutated = `${before}${replacement}${after}`.split('\n');
  const where = `${relative(root, fileName)}:${start.line}:${start.column}`;
  console.log(`\n${where} ${mutatorName}${status === 'NoCoverage' ? ', which no test runs' : ''}`);
  console.log([...lines.map((line) => `- ${line}`), ...mutated.map((line) => `+ ${line}`)].join('\n'));
}
function printScore(name: string, all: typeof tried): void {
  const noticed = all.filter((mutant) => !missed.includes(mutant)).length;
  const score = all.length === 0 ? 100 : (100 * noticed) / all.length;
  console.log(`${name}: ${noticed} of ${all.length} mistakes noticed: ${score.toFixed(1)} %`);
}

console.log('');
for (const file of new Set(tried.map(({ fileName }) => fileName)))
  printScore(
    relative(root, file),
    tried.filter(({ fileName }) => fileName === file),
  );
printScore('All files', tried);
