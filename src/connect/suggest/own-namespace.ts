import { camelCase, wordsOf } from '../words.js';

/** A common prefix of fewer values may identify one person. */
const MIN_VALUES_OF_PREFIX = 5;
const MAX_LENGTH = 64;

/** The name of a namespace that only this source has, such as `clubMemberId`. */
export function namespaceName(source: string, type: string, path: string): string {
  const sourceWords = wordsOf(source);
  const typeWords = wordsOf(type);
  const startsWithSource = sourceWords.every((word, i) => typeWords[i] === word);
  const above = startsWithSource ? typeWords : [...sourceWords, ...typeWords];
  const field = wordsOf(path.split('.').at(-1) ?? path);
  const ofType = typeWords.at(-1);
  const [first, ...rest] = field;
  // The field ContactID of the type XeroContact becomes xeroContactId.
  const fieldWords = rest.length > 0 && first === ofType ? rest : field;
  const words = [...above, ...fieldWords];
  return camelCase(/^[a-z]/.test(words[0] ?? '') ? words : ['n', ...words]);
}

/** A pattern that matches all values and others of the same kind. It contains no whole value. */
export function patternOfValues(values: readonly string[]): string {
  const texts = [...new Set(values)];
  const every = (test: RegExp) => texts.every((text) => test.test(text));
  if (texts.length === 0) return '^[!-~]{1,100}$';
  if (every(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i)) {
    const digit = every(/^[^A-F]*$/) ? '[0-9a-f]' : every(/^[^a-f]*$/) ? '[0-9A-F]' : '[0-9A-Fa-f]';
    return `^${digit}{8}(-${digit}{4}){3}-${digit}{12}$`;
  }
  const prefix = prefixOf(texts);
  const rests = texts.map((text) => text.slice(prefix.length));
  return `^${escaped(prefix)}${restOf(rests)}$`;
}

/** The common prefix of all values. It ends where another kind of character begins. */
function prefixOf(texts: readonly string[]): string {
  if (texts.length < MIN_VALUES_OF_PREFIX) return '';
  const [first = ''] = texts;
  let length = 0;
  while (
    length < first.length &&
    texts.every((text) => text.length > length + 1 && text[length] === first[length])
  )
    length += 1;
  const common = first.slice(0, length);
  const [letters = ''] = /^\D*/.exec(common) ?? [];
  // A word that continues in the rest is not a prefix, and lower-case letters before a digit may be a name.
  const isBeforeDigits = texts.every((text) => /\d/.test(text[letters.length] ?? ''));
  const prefix = isBeforeDigits && /[A-Z]$/.test(letters) ? letters : letters.replace(/[A-Za-z]+$/, '');
  return /[@\s]/.test(prefix) ? '' : prefix;
}

function restOf(rests: readonly string[]): string {
  const every = (test: RegExp) => rests.every((rest) => test.test(rest));
  const lengths = rests.map(({ length }) => length);
  const isOneLength = new Set(lengths).size === 1 && rests.length >= MIN_VALUES_OF_PREFIX;
  const longest = Math.max(...lengths);
  if (every(/^[1-9]\d*$/)) return longest > 18 ? `[1-9]\\d{0,${MAX_LENGTH - 1}}` : '[1-9]\\d{0,18}';
  if (every(/^\d+$/)) return isOneLength ? `\\d{${longest}}` : `\\d{1,${Math.max(longest, 18)}}`;
  const groups = groupsOf(rests);
  if (groups !== undefined) return groups;
  const set = [
    every(/^[^a-z]*$/) ? '' : 'a-z',
    every(/^[^A-Z]*$/) ? '' : 'A-Z',
    every(/^\D*$/) ? '' : '0-9',
    ...['_', '.', ':', '/', '+', '=', '|', '~', '@', ' ', '-'].filter((mark) =>
      rests.some((rest) => rest.includes(mark)),
    ),
  ].join('');
  if (!every(new RegExp(`^[${escapedInSet(set)}]+$`))) return `.{1,${Math.max(longest, MAX_LENGTH)}}`;
  return `[${escapedInSet(set)}]${isOneLength ? `{${longest}}` : `{1,${Math.max(longest, MAX_LENGTH)}}`}`;
}

/** Capitals and digits in the same order in all values, such as `D002040`. */
function groupsOf(rests: readonly string[]): string | undefined {
  const shapes = rests.map((rest) => rest.match(/[A-Z]+|\d+|[^A-Z\d]/g) ?? []);
  const [first = []] = shapes;
  const kindOf = (group: string) => (/^[A-Z]/.test(group) ? 'A' : /^\d/.test(group) ? '9' : group);
  const kinds = first.map(kindOf).join('\n');
  if (first.length > 5 || first.length < 2 || !/[A9]/.test(kinds) || /^[a-z]$/m.test(kinds)) return undefined;
  if (!shapes.every((shape) => shape.map(kindOf).join('\n') === kinds)) return undefined;
  return first
    .map((group, i) => {
      const lengths = shapes.map((shape) => shape[i]?.length ?? 0);
      const most = Math.max(...lengths);
      const count = Math.min(...lengths) === most ? `{${most}}` : `{1,${most + 6}}`;
      return /^[A-Z]/.test(group) ? `[A-Z]${count}` : /^\d/.test(group) ? `\\d${count}` : escaped(group);
    })
    .join('');
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/** The pattern is compiled with the flag `u`, which accepts few escapes in a set. */
function escapedInSet(set: string): string {
  return set.replace(/[/|]/g, '\\$&');
}
