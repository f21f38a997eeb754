import { camelCase, pascalCase, wordsOf } from '../words.js';

/** Converts names of a system to GraphQL names. A valid GraphQL name stays unchanged. */

/** Letters without accents: `größe` is `grosse`. */
function plain(name: string): string {
  return name.replaceAll('ß', 'ss').normalize('NFKD').replace(/\p{M}/gu, '');
}

/** `e-mail` becomes `eMail`, and `2nd line` becomes `n2ndLine`. */
export function fieldName(name: string): string {
  if (/^[a-z][A-Za-z0-9]*$/.test(name)) return name;
  const words = wordsOf(plain(name));
  const joined = camelCase(words);
  return joined === '' ? 'unnamed' : /^\d/.test(joined) ? `n${joined}` : joined;
}

/** `order_line` becomes `OrderLine`. */
export function typeName(name: string): string {
  if (/^[A-Z][A-Za-z0-9]*$/.test(name)) return name;
  const joined = pascalCase(wordsOf(plain(name)));
  return joined === '' ? 'Unnamed' : /^\d/.test(joined) ? `N${joined}` : joined;
}

/** `extra-long` becomes `EXTRA_LONG`, and `2` becomes `VALUE_2`. */
export function enumValueName(value: string): string {
  if (/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(value)) return value;
  const joined = wordsOf(plain(value)).join('_').toUpperCase();
  return joined === '' ? 'EMPTY' : /^\d/.test(joined) ? `VALUE_${joined}` : joined;
}

/** The name, with a number behind it if it is taken. Adds the result to the taken names. */
export function distinctName(name: string, taken: Set<string>, separator = ''): string {
  let distinct = name;
  for (let n = 2; taken.has(distinct); n += 1) distinct = `${name}${separator}${n}`;
  taken.add(distinct);
  return distinct;
}
