import { columnName } from '../../declared/sql-grammar.js';

/**
 * A name with quotes, dots, blanks, `$` or control characters is in no declaration, and neither is one that every object of
 * JavaScript has.
 */
export function isDeclarable(name: string): boolean {
  return columnName.safeParse(name).success && !(name in Object.prototype) && !/^-|\p{C}/u.test(name);
}
