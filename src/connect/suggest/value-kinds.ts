import { isIPv4, isIPv6 } from 'node:net';
import { commonNamespaces, normalise } from '../../identity/identifiers.js';
import type { DataCategory, Mask } from '../../customer/schema.generated.js';
import { shareOf, type Values } from './record-fields.js';

/** Recognises the kind of sampled values by their form alone, without the name of the field. */

const [email, phone, vatNumber] = ['email', 'phone', 'vatNumber'].map((name) => {
  const namespace = commonNamespaces('NL').find((common) => common.name === name);
  if (namespace === undefined) throw new Error(`There is no namespace ${name}.`);
  return (text: string): boolean => normalise(namespace, text) !== null;
}) as [Test, Test, Test];

type Test = (text: string) => boolean;

const EMAIL_INSIDE = /[^\s@]+@[^\s@]+\.[a-z]{2,}/i;
const DATE = /^\d{4}-\d{2}-\d{2}|^\d{1,2}[-./]\d{1,2}[-./]\d{4}$|^\d{1,4}(?:\.\d+){1,3}$/;
const hasPhoneMarks: Test = (text) =>
  /^[+(]?[\d\s().\-/]+$/.test(text) &&
  /^[+(0]|[\s()\-/]/.test(text) &&
  !DATE.test(text) &&
  digitsIn(text) >= 8 &&
  digitsIn(text) <= 15;

function digitsIn(text: string): number {
  return text.replace(/\D/g, '').length;
}

/**
 * ISO 13616: move the first four characters to the end and convert letters to digits. The number modulo 97 is
 * 1.
 */
const isIban: Test = (text) => {
  const compact = text.replaceAll(' ', '').toUpperCase();
  if (!/^[A-Z]{2}\d{2}[A-Z\d]{11,30}$/.test(compact)) return false;
  const digits = Array.from(`${compact.slice(4)}${compact.slice(0, 4)}`, (character) =>
    parseInt(character, 36),
  ).join('');
  return BigInt(digits) % 97n === 1n;
};

const isCardNumber: Test = (text) => {
  const digits = text.replace(/[ -]/g, '');
  if (!/^[3-6]\d{13,15}$/.test(digits)) return false;
  const sum = Array.from(digits, Number)
    .reverse()
    .reduce((total, digit, i) => total + (i % 2 === 0 ? digit : digit > 4 ? 2 * digit - 9 : 2 * digit), 0);
  return sum % 10 === 0;
};

/** Hashes of passwords, signed tokens, and links that grant access without a password. */
const isSecret: Test = (text) =>
  /^\$(?:2[aby]|argon2\w*|scrypt|[156])\$/.test(text) ||
  /^eyJ[\w-]+\.[\w-]+\.[\w-]*$/.test(text) ||
  /^(?:sk|pk|rk|ghp|gho|xox[abp]|AKIA)[_-]?[A-Za-z0-9_-]{16,}$/.test(text) ||
  /[?&](?:key|token|signature|sig|secret|auth|password|access_token)=[^&]{8,}/i.test(text) ||
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text);

/** A long text of random characters: a hash or a token, unless the name shows another kind. */
const isRandom: Test = (text) =>
  /^(?:[\da-f]{32}|[\da-f]{40}|[\da-f]{64}|[\da-f]{128})$/i.test(text) ||
  (/^[\w+/=-]{32,}$/.test(text) && /\d/.test(text) && /[a-z]/.test(text) && /[A-Z]/.test(text));

/** A field with these values is left out, so that clients never receive them. */
const FORBIDDEN: readonly (readonly [label: string, test: Test])[] = [
  ['numbers of payment cards', isCardNumber],
  ['secrets', isSecret],
];

const KINDS: readonly (readonly [label: string, test: Test, category: DataCategory, mask: Mask])[] = [
  ['e-mail addresses', email, 'CONTACT', 'EMAIL'],
  ['IP addresses', (text) => isIPv4(text) || isIPv6(text), 'BEHAVIOUR', 'ALL'],
  ['VAT numbers', vatNumber, 'COMPANY', 'LAST_FOUR'],
  ['bank accounts', isIban, 'FINANCIAL', 'LAST_FOUR'],
  ['user agents', (text) => text.startsWith('Mozilla/'), 'BEHAVIOUR', 'ALL'],
  ['phone numbers', (text) => hasPhoneMarks(text) && phone(text), 'CONTACT', 'LAST_FOUR'],
  ['postcodes', (text) => /^[1-9]\d{3} ?[A-Z]{2}$/.test(text), 'CONTACT', 'INITIAL'],
];

/** A column with a lower share may have another kind of values. */
const MIN_SHARE = 0.8;

export type ValueKind = { label: string; count: number } & (
  { isForbidden: true } | { isForbidden: false; category: DataCategory; mask: Mask }
);

/** The kind of the values. Undefined if their form does not show it. */
export function kindOfValues({ texts }: Values): ValueKind | undefined {
  for (const [label, test] of FORBIDDEN) {
    const count = texts.filter(test).length;
    if (count > 0 && count / texts.length >= MIN_SHARE) return { label, count, isForbidden: true };
  }
  for (const [label, test, category, mask] of KINDS) {
    const count = texts.filter(test).length;
    if (count > 0 && count / texts.length >= MIN_SHARE)
      return { label, count, isForbidden: false, category, mask };
  }
  return undefined;
}

export function areRandom({ texts, distinct }: Values): boolean {
  return texts.length > 0 && distinct.length === texts.length && texts.every(isRandom);
}

/**
 * Why values may be personal although the name is not, such as an address in a status. Undefined if none is.
 * The reason contains no value.
 */
export function contradictionIn({ texts }: Values): string | undefined {
  if (texts.some((text) => EMAIL_INSIDE.test(text))) return 'some values contain an e-mail address';
  if (shareOf(texts, hasPhoneMarks) > 0.2) return 'values look like phone numbers';
  if (texts.some((text) => isSecret(text) || isCardNumber(text))) return 'some values look like secrets';
  if (texts.some((text) => isIban(text))) return 'some values look like bank accounts';
  if (shareOf(texts, (text) => text.split(/\s+/).length >= 5) > 0.2) return 'values are long texts';
  return undefined;
}

export function areChoices({ texts, distinct }: Values): boolean {
  return distinct.length <= Math.max(2, Math.min(12, texts.length / 2));
}

export function areLinks({ texts }: Values): boolean {
  return shareOf(texts, (text) => /^https?:\/\//.test(text)) > 0.5;
}

export function haveDigits({ texts }: Values): boolean {
  return shareOf(texts, (text) => /\d/.test(text)) > 0.5;
}
