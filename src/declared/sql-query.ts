import { didYouMean } from '../did-you-mean.js';
import type { CompileContext } from './connector-kind.js';

/** A declared query, with the keys as its only parameter, `$1`. */
export interface CompiledQuery {
  statement: string;
  takes: 'key' | 'keys';
}

/**
 * The tokens of a query: texts and quoted names, which stay unchanged; lists of keys; refused characters; parameters; words. A
 * text with a backslash is refused, because databases read it differently.
 */
const TOKEN =
  /'(?:[^'\\]|'')*'|"[^"]*"|\b(NOT\s+)?IN\s*\(\s*:keys\s*\)|=\s*ANY\s*\(\s*:keys\s*\)|(--|\/\*|[;$?`\\'"#])|::|:(\w+)|[\w\u0080-\uffff]+/gi;

const REFUSED: Readonly<Record<string, string>> = {
  '--': 'Write comments in YAML, outside of the query.',
  '/*': 'Write comments in YAML, outside of the query.',
  ';': 'Write one statement, without a semicolon.',
  $: 'Write :keys, or :key for one call for each key.',
  '?': 'Write :keys, or :key for one call for each key.',
  '#': 'Write comments in YAML, and use functions in place of operators with #.',
  '`': 'Quote names with double quotes.',
};
const REFUSED_OTHERWISE = 'Close each quotation mark, and use no backslash.';

/** Words of statements that change data or take locks. */
const CHANGES = new Set(['insert', 'update', 'delete', 'merge', 'into', 'lock', 'share']);

/**
 * Checks a query, and replaces `:keys` by a parameter. The keys never become part of the text. The role of the gateway
 * decides in the end what a statement may do: these checks find mistakes at the start.
 */
export function compileQuery(query: string, { place, report }: CompileContext): CompiledQuery {
  const at = [...place, 'query'];
  const taken = new Set<'key' | 'keys'>();
  if (!/^\s*(SELECT|WITH)\b/i.test(query))
    report(at, 'The query is not a SELECT statement.', 'Begin it with SELECT or WITH.');
  const statement = query.replace(
    TOKEN,
    (token, not: string | undefined, refused: string | undefined, parameter: string | undefined) => {
      if (refused !== undefined) {
        report(at, `The query contains ${refused}.`, REFUSED[refused] ?? REFUSED_OTHERWISE);
        return token;
      }
      if (not !== undefined) {
        report(at, 'NOT IN (:keys) finds the rows of all other keys.', 'Write = ANY(:keys).');
        return token;
      }
      if (/:keys\s*\)$/i.test(token)) {
        taken.add('keys');
        // The connector writes this as IN for databases that have no ANY.
        return '= ANY($1)';
      }
      if (parameter === 'key') {
        taken.add('key');
        return '$1';
      }
      if (parameter === 'keys') report(at, ':keys is a list.', 'Write = ANY(:keys) or IN (:keys).');
      else if (parameter !== undefined)
        report(
          at,
          `The parameter :${parameter} is not known.`,
          didYouMean(parameter, ['keys', 'key']).trim() || 'Write :keys, or :key for one call for each key.',
        );
      else if (CHANGES.has(token.toLowerCase()))
        report(
          at,
          `The query contains ${token.toUpperCase()}, and sources only read.`,
          'Remove it. Write a column of this name in double quotes.',
        );
      return token;
    },
  );
  if (taken.size !== 1)
    report(
      at,
      taken.size === 0 ? 'The query has no keys.' : 'The query has both :key and :keys.',
      'Write = ANY(:keys) for a batch of keys, or :key for one call for each key.',
    );
  return { statement, takes: taken.has('keys') ? 'keys' : 'key' };
}
