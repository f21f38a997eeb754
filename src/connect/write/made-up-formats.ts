import { parsePhoneNumberFromString, type PhoneNumber } from 'libphonenumber-js/min';
import { vatNumber } from '../../identity/namespaces/vat-number.js';
import { phone } from '../../identity/namespaces/phone.js';
import type { Random } from './random.js';

/** Makes texts of the same format as others: the same length, case and separators, and valid check digits. */

const VOWELS = 'aeiou';
const CONSONANTS = 'bcdfghjklmnprstvwz';
const ATTEMPTS = 2_000;

/** Another text of the same format. A digit becomes a digit, a vowel a vowel, and a consonant a consonant. */
export function similarText(text: string, random: Random): string {
  // A number of ten digits may be limited to 32 bits.
  if (/^[12]\d{9}$/.test(text) && Number(text) < 2 ** 31)
    return `1${similarCharacters(text.slice(1), random)}`;
  return isHexadecimal(text) ? similarHexadecimal(text, random) : similarCharacters(text, random);
}

function similarCharacters(text: string, random: Random): string {
  let isInNumber = false;
  return Array.from(text, (character) => {
    // Leading zeros stay, and no others are added.
    if (character === '0' && !isInNumber) return character;
    const isDigit = /\d/.test(character);
    const replacement = isDigit
      ? random.of(isInNumber ? '0123456789' : '123456789')
      : similarCharacter(character, random);
    isInNumber = isDigit;
    return replacement;
  }).join('');
}

function similarCharacter(character: string, random: Random): string {
  if (/\p{N}/u.test(character)) return random.of('123456789');
  if (!/\p{L}/u.test(character)) return character;
  const base = character.normalize('NFD').charAt(0).toLowerCase();
  const replacement = random.of(VOWELS.includes(base) ? VOWELS : CONSONANTS);
  return character !== character.toLowerCase() ? replacement.toUpperCase() : replacement;
}

/** A UUID, a digest, or another text of hexadecimal digits. */
function isHexadecimal(text: string): boolean {
  const digits = text.replaceAll('-', '');
  return /^[\da-f]{8,}$/i.test(digits) && /\d/.test(digits) && /[a-f]/i.test(digits);
}

function similarHexadecimal(text: string, random: Random): string {
  const isUuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text);
  const isUpper = text !== text.toLowerCase();
  return Array.from(text, (character, i) => {
    // The version and the variant of a UUID stay.
    if (character === '-' || (isUuid && (i === 14 || i === 19))) return character;
    const replacement = random.of('0123456789abcdef');
    return isUpper ? replacement.toUpperCase() : replacement;
  }).join('');
}

interface MakeOptions {
  /** Makes a similar text of a part. */
  change: (part: string) => string;
  /** The number of values that were made before and could not be used, for example because they are taken. */
  attempt: number;
}

/** A format with rules for its values. */
export interface Format {
  /** The canonical form of all notations of a value. Undefined if the text has another format. */
  canonical(text: string): string | undefined;
  /** Another canonical text. Undefined if none was found. */
  make(canonical: string, random: Random, options: MakeOptions): string | undefined;
  /** A canonical text in the notation of another one. */
  render(notation: string, replacement: string): string;
}

/** The formats, in the order in which they are tried. */
export const FORMATS: readonly Format[] = [
  {
    canonical: (text) => (/^[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+$/.test(text) ? text.toLowerCase() : undefined),
    make: (email, _, { change }) => `${change(email.slice(0, email.lastIndexOf('@')))}@example.com`,
    render: inCase,
  },
  {
    canonical: (text) => (/^https?:\/\/[^\s/]+/i.test(text) ? text : undefined),
    make: makeUrl,
    render: (_, replacement) => replacement,
  },
  {
    canonical: (text) => (decodedId(text) === undefined ? undefined : text),
    make: (text, _, { change }) => Buffer.from(change(decodedId(text) ?? '')).toString('base64'),
    render: (_, replacement) => replacement,
  },
  { canonical: ibanIn, make: makeIban, render: inGroups },
  { canonical: (text) => vatNumber.normalise(text) ?? undefined, make: makeVatNumber, render: inGroups },
  {
    canonical: (text) => (/^(\d{1,3}\.){3}\d{1,3}$/.test(text) ? text : undefined),
    // An address of a private network.
    make: (_, random) => `10.${random.below(256)}.${random.below(256)}.${1 + random.below(254)}`,
    render: (_, replacement) => replacement,
  },
  { canonical: phoneIn, make: makePhone, render: renderPhone },
  {
    canonical: (text) => (/^\d{13,19}$/.test(text) && luhnSum(text) % 10 === 0 ? text : undefined),
    make: (text, random) => withLuhnDigit(similarText(text, random)),
    render: (_, replacement) => replacement,
  },
];

/** A text in the case of another one. */
export function inCase(notation: string, replacement: string): string {
  if (notation === notation.toLowerCase()) return replacement;
  if (notation === notation.toUpperCase()) return replacement.toUpperCase();
  return Array.from(replacement, (character, i) => {
    const like = notation.charAt(i);
    return like === like.toLowerCase() ? character : character.toUpperCase();
  }).join('');
}

/** The letters and digits of a text in the groups of another one. */
function inGroups(notation: string, replacement: string): string {
  const characters = Array.from(replacement);
  const text = notation.replace(/[a-z\d]/gi, () => characters.shift() ?? '');
  return /[a-z]/.test(notation) ? text.toLowerCase() : text;
}

/** The text of an id that is encoded in base64, such as `gid://shop/Customer/17`. */
export function decodedId(text: string): string | undefined {
  if (!/^[A-Za-z\d+/]{8,}={0,2}$/.test(text)) return undefined;
  const decoded = Buffer.from(text, 'base64').toString('utf8');
  const isId = /^[\x20-\x7e]*[:/][\x20-\x7e]*\d$/.test(decoded);
  return isId && Buffer.from(decoded).toString('base64') === text ? decoded : undefined;
}

function makeUrl(text: string, random: Random, { change }: MakeOptions): string {
  const [, scheme = '', host = '', rest = ''] = /^(https?:\/\/)([^/?#]+)(.*)$/is.exec(text) ?? [];
  const [label = ''] = host.replace(/^www\./i, '').split(/[.:@]/, 1);
  return `${scheme}${similarText(label.toLowerCase(), random)}.example.com${change(rest)}`;
}

/** A similar number of the same country with valid check digits. */
function makeIban(compact: string, random: Random): string {
  const country = compact.slice(0, 2);
  const replacement = similarCharacters(compact.slice(4), random);
  const check = 98 - ibanRemainder(`${country}00${replacement}`);
  return `${country}${String(check).padStart(2, '0')}${replacement}`;
}

/** The letters of a VAT number are part of its format, so only its digits change. */
function makeVatNumber(compact: string, random: Random): string | undefined {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const replacement = compact.replace(/\d/g, () => random.of('0123456789'));
    if (vatNumber.normalise(replacement) === replacement && vatNumber.refusal?.(replacement) === undefined)
      return replacement;
  }
  return undefined;
}

function ibanIn(text: string): string | undefined {
  const compact = text.replaceAll(' ', '').toUpperCase();
  return /^[A-Z]{2}\d{2}[A-Z\d]{11,30}$/.test(compact) && ibanRemainder(compact) === 1 ? compact : undefined;
}

/** The remainder of ISO 7064: 1 if the check digits are valid. */
function ibanRemainder(compact: string): number {
  const moved = `${compact.slice(4)}${compact.slice(0, 4)}`;
  const digits = moved.replace(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55));
  return Array.from(digits).reduce((remainder, digit) => (remainder * 10 + Number(digit)) % 97, 0);
}

function luhnSum(digits: string): number {
  return Array.from(digits)
    .reverse()
    .reduce((sum, digit, i) => {
      const doubled = i % 2 === 0 ? Number(digit) : Number(digit) * 2;
      return sum + (doubled > 9 ? doubled - 9 : doubled);
    }, 0);
}

function withLuhnDigit(digits: string): string {
  const open = `${digits.slice(0, -1)}0`;
  return `${open.slice(0, -1)}${(10 - (luhnSum(open) % 10)) % 10}`;
}

/** Numbers without a country code are those of this country. */
const REGION = 'NL';
const dutchPhone = phone(REGION);

/** The canonical form of a phone number. Undefined for another text. */
export function phoneIn(text: string): string | undefined {
  // Digits without + or separators are more probably an id.
  return /^[+(0]|\d[\s()./-]/.test(text) ? (dutchPhone.normalise(text) ?? undefined) : undefined;
}

/** Number ranges that regulators reserve for fiction, by country code and the first digits of the national number. */
const FICTION: Readonly<Record<string, (national: string, random: Random) => string | undefined>> = {
  // Ofcom: numbers of London. Its mobile numbers are not valid.
  44: (_, random) => `2079460${threeDigits(random)}`,
  // The North American Numbering Plan: 555-0100 to 555-0199 in each area.
  1: (national, random) => `${national.slice(0, 3)}55501${twoDigits(random)}`,
  // Arcep: mobile numbers, and numbers of the north west.
  33: (national, random) =>
    /^[67]/.test(national)
      ? `63998${twoDigits(random)}${twoDigits(random)}`
      : `26191${twoDigits(random)}${twoDigits(random)}`,
  // ACMA: mobile numbers, and numbers of the central east.
  61: (national, random) =>
    national.startsWith('4') ? `491570${threeDigits(random)}` : `255501${threeDigits(random)}`,
  // PTS: numbers of Stockholm.
  46: (national, random) =>
    national.startsWith('7') ? `70174${String(605 + random.below(95)).padStart(4, '0')}` : undefined,
  // The Federal Network Agency: numbers of Berlin, and of mobile networks.
  49: (national, random) =>
    national.startsWith('1') ? `17139200${twoDigits(random)}` : `3023125${threeDigits(random)}`,
};

const twoDigits = (random: Random): string => String(random.below(100)).padStart(2, '0');
const threeDigits = (random: Random): string => String(random.below(1_000)).padStart(3, '0');

function makePhone(canonical: string, random: Random, { attempt: before }: MakeOptions): string | undefined {
  const number = parsePhoneNumberFromString(canonical);
  if (number === undefined) return undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const replacement = `+${number.countryCallingCode}${similarNational(number, before + attempt, random)}`;
    if (dutchPhone.normalise(replacement) === replacement && dutchPhone.refusal?.(replacement) === undefined)
      return replacement;
  }
  return undefined;
}

/**
 * The number of attempts with the ranges for fiction. They are small, and may not have a number of this
 * length.
 */
const FICTION_ATTEMPTS = 20;
/** The number of digits that identify its network or area. */
const AREA_DIGITS = 2;

function similarNational(number: PhoneNumber, attempt: number, random: Random): string {
  const { countryCallingCode, nationalNumber: national } = number;
  const fiction = attempt < FICTION_ATTEMPTS ? FICTION[countryCallingCode]?.(national, random) : undefined;
  if (fiction?.length === national.length) return fiction;
  return Array.from(national, (digit, i) => (i < AREA_DIGITS ? digit : random.of('0123456789'))).join('');
}

/**
 * The notation with the digits of another number of the same country. Its last digits are the national
 * number.
 */
function renderPhone(notation: string, replacement: string): string {
  const number = parsePhoneNumberFromString(notation, { defaultCountry: REGION, extract: false });
  const national = number?.nationalNumber ?? '';
  const otherNational = parsePhoneNumberFromString(replacement)?.nationalNumber ?? '';
  const digits = notation.replace(/\D/g, '');
  if (national.length !== otherNational.length || !digits.endsWith(national)) return replacement;
  const all = Array.from(`${digits.slice(0, -national.length)}${otherNational}`);
  return notation.replace(/\d/g, () => all.shift() ?? '');
}

/** The usual notations of a phone number without separators. */
export function phoneNotations(canonical: string): string[] {
  const number = parsePhoneNumberFromString(canonical);
  if (number === undefined) return [canonical];
  const digits = canonical.slice(1);
  return [canonical, digits, `00${digits}`, `0${number.nationalNumber}`];
}
