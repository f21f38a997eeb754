import { ForbiddenError, InvalidInputError } from '../errors.js';
import type { CustomerRecord, CustomerSearch } from '../identity/declaration.js';
import { normaliseIn } from '../identity/identifiers.js';
import type { IdentityRules } from '../identity/identity-graph.js';
import type { Permissions } from './customer.js';
import type { CustomerSearchTerm } from './schema.generated.js';

type Term = keyof CustomerSearch;

/** The terms in their order, each with its name in the schema and the field that shows the same data. */
const TERMS: readonly [Term, CustomerSearchTerm, shownBy: string | undefined][] = [
  ['name', 'NAME', 'Customer.name'],
  ['email', 'EMAIL', 'Customer.emails'],
  ['phone', 'PHONE', 'Customer.phones'],
  ['postcode', 'POSTCODE', 'Customer.address'],
  ['houseNumber', 'HOUSE_NUMBER', 'Customer.address'],
  // These numbers do not describe a customer.
  ['orderNumber', 'ORDER_NUMBER', undefined],
  ['ticketNumber', 'TICKET_NUMBER', undefined],
];

const MAX_CHARACTERS = 100;
const MIN_EMAIL_CHARACTERS = 3;

/**
 * Reads the terms of a search, in the form that sources get. Throws an InvalidInputError for a search without terms or with a term
 * that could not find anything. Throws a ForbiddenError if the caller may not see the data that a term describes.
 */
export function readSearch(
  input: Readonly<Partial<Record<Term, string | null | undefined>>>,
  rules: IdentityRules,
  { maySee }: Pick<Permissions, 'maySee'>,
): { search: CustomerSearch; terms: CustomerSearchTerm[] } {
  const search: CustomerSearch = {};
  const terms: CustomerSearchTerm[] = [];
  for (const [term, name, shownBy] of TERMS) {
    const value = input[term];
    if (value == null) continue;
    if (shownBy !== undefined && !maySee(shownBy))
      throw new ForbiddenError(`This caller may not see ${shownBy}, so it may not search by ${term}.`);
    search[term] = readTerm(term, value, rules);
    terms.push(name);
  }
  if (terms.length === 0) throw new InvalidInputError('Give at least one term to search for customers by.');
  if ((search.postcode === undefined) !== (search.houseNumber === undefined))
    throw new InvalidInputError('Give both the postcode and the house number, or neither.');
  return { search, terms };
}

function readTerm(term: Term, input: string, rules: IdentityRules): string {
  // A name is also written as in a list, such as "Jansen, Eva".
  const text = term === 'name' ? input.replaceAll(/[,;]/g, ' ') : input;
  const value = text.normalize('NFC').trim().replaceAll(/\s+/g, ' ');
  if (value === '' || value.length > MAX_CHARACTERS || /\p{Cc}/u.test(value))
    throw new InvalidInputError(
      `The ${term} of a search has 1 to ${MAX_CHARACTERS} characters, and no control characters.`,
    );
  if (term === 'name') {
    if (!wordsOfName(value).some((word) => Array.from(word).length >= 2))
      throw new InvalidInputError('The name of a search needs a word of at least two letters.');
    return value;
  }
  if (term === 'email') {
    if (value.length < MIN_EMAIL_CHARACTERS || /\s/.test(value))
      throw new InvalidInputError(
        `The email of a search has at least ${MIN_EMAIL_CHARACTERS} characters, and no spaces.`,
      );
    return value.toLowerCase();
  }
  if (term === 'phone') {
    const phone = normaliseIn(rules, 'phone', value);
    if (phone === null) throw new InvalidInputError('The phone of a search is a complete telephone number.');
    return phone.value;
  }
  if (term === 'postcode' || term === 'houseNumber') return compact(value);
  return value;
}

/** Without spaces, in upper case. */
function compact(value: string): string {
  return value.replaceAll(/\s/g, '').toUpperCase();
}

/**
 * Whether a record matches the terms whose data it has: name, addresses and number. A search of a system may be less exact. An
 * order or a ticket is not in the record, so the source ensures that the record has it.
 */
export function matchesSearch(
  { identifiers, profile }: CustomerRecord,
  { name, email, phone, postcode, houseNumber }: CustomerSearch,
  rules: IdentityRules,
): boolean {
  const values = (namespace: string): string[] =>
    identifiers.flatMap(({ namespace: of, value }) =>
      of === namespace && value != null ? (normaliseIn(rules, of, value)?.value ?? []) : [],
    );
  if (name !== undefined) {
    const words = wordsOfName(profile?.name ?? '');
    if (!wordsOfName(name).every((word) => words.some((other) => other.startsWith(word)))) return false;
  }
  if (email !== undefined && !values('email').some((value) => value.includes(email))) return false;
  if (phone !== undefined && !values('phone').includes(phone)) return false;
  if (postcode !== undefined && compact(profile?.address?.postcode ?? '') !== postcode) return false;
  return houseNumber === undefined || compact(profile?.address?.houseNumber ?? '') === houseNumber;
}

/** The words of a name in lower case and without accents, so that different spellings of one name are equal. */
function wordsOfName(name: string): string[] {
  return (
    name
      .normalize('NFKD')
      .replaceAll(/\p{M}/gu, '')
      .toLowerCase()
      .replaceAll('ß', 'ss')
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}
