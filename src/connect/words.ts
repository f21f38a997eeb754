/** Interprets the names in a description: their words, whether a type is a person, and the kind of a key. */

/** The words of a name in lower case: `customerIds` is `customer`, `ids`. */
export function wordsOf(name: string): string[] {
  return name
    .replace(/IDs\b/g, 'Ids')
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase());
}

export function camelCase(words: readonly string[]): string {
  return words
    .map((word, i) => (i === 0 ? word : `${word.charAt(0).toUpperCase()}${word.slice(1)}`))
    .join('');
}

export function pascalCase(words: readonly string[]): string {
  return words.map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`).join('');
}

export const singularOf = (word: string): string =>
  /(?:ss|us|is)$/.test(word) ? word : word.replace(/ies$/, 'y').replace(/s$/, '');

/** Only the last word of a type counts: a CustomerGroup is not a customer. */
const PERSONS: readonly (readonly [RegExp, number])[] = [
  [/^(customer|klant|consumer|shopper|buyer|debtor)$/, 6],
  [
    /^(member|client|patient|contact|person|subscriber|guest|donor|user|relation|relatie|lid|student|pupil|employee|tenant|passenger|resident|citizen|policyholder|visitor|reader|borrower)$/,
    5,
  ],
  [/^(company|organisation|organization|business|supplier)$/, 3],
  [/^(account|profile|party|lead)$/, 2],
];

export const EMAIL = /^(email|mail)$/;
export const PHONE = /^(phone|mobile|telephone|tel|msisdn|cellphone)$/;
const IDENTIFIER = /^(id|uuid|guid|gid)$/;
const CODE =
  /^(number|nr|no|num|code|login|username|handle|reference|ref|coc|vat|key|iban|card|barcode|external|legacy)$/;

/** How likely a type with this name and these fields is a person or an organisation. Zero: it is not. */
export function personScoreOf(typeName: string, fieldNames: readonly string[]): number {
  const last = singularOf(wordsOf(typeName).at(-1) ?? '');
  const named = PERSONS.find(([word]) => word.test(last))?.[1] ?? 0;
  const words = fieldNames.map(wordsOf);
  const has = (test: RegExp) => words.some((parts) => parts.some((part) => test.test(part)));
  const isNamed = words.some(
    (parts) =>
      /^(name|first|last|given|family|surname|display)$/.test(parts.at(-1) ?? '') || parts[0] === 'first',
  );
  const held =
    (has(EMAIL) ? 3 : 0) +
    (has(PHONE) ? 2 : 0) +
    (isNamed ? 2 : 0) +
    (has(/^(birth|born|birthday)$/) ? 2 : 0) +
    (has(/^(address|addresses)$/) ? 1 : 0);
  // A profile may belong to anything: one of a person has an address or a number.
  if (named > 0) return held < (named === 2 ? 3 : 1) ? 0 : named * 2 + held;
  // An order has the address of its customer too.
  const isDocument = has(/^(total|amount|price|lines|items|status|subject)$/);
  return held >= 7 && !isDocument ? held : 0;
}

/**
 * The kind of key that a name suggests, such as `id`, `email` or `customerNumber`. Undefined if it is not a
 * key.
 */
export function keyKindOfName(name: string, typeName: string): string | undefined {
  const last = wordsOf(typeName).at(-1) ?? '';
  // The argument customerId of a ShopCustomer is its id.
  const ofType = new Set([last, `${last}s`]);
  const all = wordsOf(name).filter((word) => word !== 'by');
  const words = all.filter((word) => !ofType.has(word)).map(singularOf);
  const ending = words.at(-1) ?? '';
  if (words.some((word) => EMAIL.test(word))) return 'email';
  if (words.some((word) => PHONE.test(word))) return 'phone';
  if (words.length === 1 && IDENTIFIER.test(ending)) return 'id';
  if (IDENTIFIER.test(ending) || CODE.test(ending) || CODE.test(words[0] ?? '')) return camelCase(words);
  return undefined;
}

const UUID = /^[\da-f]{8}-([\da-f]{4}-){3}[\da-f]{12}$/i;

/** Whether a name is data: an e-mail address, a number of at least six digits, a date or a UUID. */
export function isKeyOfPerson(name: string): boolean {
  return name.includes('@') || /^\+?\d[\d -]{4,}\d$/.test(name) || UUID.test(name);
}
