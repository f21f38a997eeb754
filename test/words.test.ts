import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';

const root = join(import.meta.dirname, '..');

const List = z.object({
  retired: z.array(z.object({ pattern: z.string(), in: z.string().optional(), instead: z.string() })),
  /** Lines that quote somebody else, such as a vendor's own name for something. */
  exceptions: z.array(z.object({ file: z.string(), text: z.string(), reason: z.string() })),
});
const { retired, exceptions } = List.parse(
  JSON.parse(readFileSync(join(import.meta.dirname, 'words.json'), 'utf8')),
);

const TEXT = /\.(ts|mjs|js|graphql|md|json|html|css|ya?ml)$|^\.ci\/run$/;
/** Generated files, installed packages, and the list itself. */
const OTHERS =
  /package-lock\.json$|\.generated\.|(^|\/)node_modules\/|^test\/words\.|^schema\/gateway\.graphql$/;

/** Splits names into their words, so that `maxAskedMs` is read as "max asked ms". */
function wordsOf(line: string): string {
  return line
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/_/g, ' ')
    .toLowerCase();
}

const rules = retired.map(({ pattern, in: where, instead }) => ({
  expression: new RegExp(`(?<![\\w-])(?:${pattern})(?![\\w])`),
  where: where === undefined ? undefined : new RegExp(where),
  instead,
}));
/** Finds most lines without a retired word at once, instead of word by word. */
const anyRetired = new RegExp(rules.map(({ expression }) => expression.source).join('|'));

function findRetired(file: string, text: string): string[] {
  const ofFile = rules.filter(({ where }) => where?.test(file) !== false);
  return text.split('\n').flatMap((line, at) => {
    const words = wordsOf(line);
    if (!anyRetired.test(words)) return [];
    if (exceptions.some((exception) => exception.file === file && line.includes(exception.text))) return [];
    return ofFile.flatMap(({ expression, instead }) => {
      const found = expression.exec(words);
      return found === null ? [] : [`${file}:${String(at + 1)} "${found[0]}": write ${instead}`];
    });
  });
}

describe('the words of the project', () => {
  const files = ['src', 'sources', 'schema', 'test', '.ci']
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(
        (path) => `${folder}/${path}`,
      ),
    )
    .concat(readdirSync(root))
    .filter((file) => TEXT.test(file) && !OTHERS.test(file));

  test('are plain: no retired word is in code, comments, documentation or messages', () => {
    const found = files.flatMap((file) => findRetired(file, readFileSync(join(root, file), 'utf8')));
    expect(found).toEqual([]);
  });

  test.each([
    ['a comment', '// Told to the caller.'],
    ['a name', 'const askedAt = 1;'],
    ['a constant', 'const MAX_TOLD = 1;'],
  ])('would be found in %s', (_where, line) => {
    expect(findRetired('src/a.ts', line)).toHaveLength(1);
  });

  test.each([['keep-alive'], ['task'], ['in-flight requests'], ['inFlight'], ['returns'], ['Netherlands']])(
    'may hold %s',
    (text) => {
      expect(findRetired('src/a.ts', text)).toEqual([]);
    },
  );

  test('have exceptions only for lines that exist', () => {
    const stale = exceptions.filter(
      ({ file, text }) => !readFileSync(join(root, file), 'utf8').includes(text),
    );
    expect(stale).toEqual([]);
  });
});
