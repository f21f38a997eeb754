import { columnName } from '../../declared/sql-grammar.js';

/**
 * Whether a declaration can contain a name. It cannot have quotes, dots, blanks, `$` or control characters,
 * or be a member of every JavaScript object.
 */
export function isDeclarable(name: string): boolean {
  return columnName.safeParse(name).success && !(name in Object.prototype) && !/^-|\p{C}/u.test(name);
}
