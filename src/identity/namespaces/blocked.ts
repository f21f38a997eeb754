/** What systems hold where nobody knew the real value, and what testers left behind. Lower case. */
const PLACEHOLDERS = new Set([
  '-1',
  'n/a',
  '#n/a',
  'na',
  'n.v.t.',
  'nvt',
  'nil',
  'null',
  '(null)',
  'none',
  'nan',
  'undefined',
  '[object object]',
  'unknown',
  'onbekend',
  'geen',
  'leeg',
  'empty',
  'anonymous',
  'anoniem',
  'guest',
  'gast',
  'test',
  'tester',
  'dummy',
  'fake',
  'asdf',
  'xxx',
]);

/** Whether a value says in any kind of identifier that nobody knows: a word for it, zeros, or no letter or digit at all. */
export function standsForNobody(value: string): boolean {
  return PLACEHOLDERS.has(value.toLowerCase()) || /^[\p{P}\p{S}\s]*$/u.test(value) || /^0+$/.test(value);
}

/** Whether a number is one digit over and over, as only somebody types who had to fill in something. */
export function isOneDigit(number: string): boolean {
  return /^(\d)\1+$/.test(number);
}
