import { camelCase, pascalCase, wordsOf } from '../words.js';

/** Interprets the names of tables and columns, in English, Dutch, German and French. */

/** The words of a name in lower case and without accents: `KlantNr` is `klant`, `nr`. */
export function nameWords(name: string): string[] {
  return wordsOf(name.normalize('NFKD').replace(/\p{M}/gu, '').replaceAll('ß', 'ss'));
}

/** Words that describe the storage of a table instead of its rows. */
const STORAGE =
  /^(tbl|table|t|vw|v|view|dim|mst|master|data|info|all|current|list|lijst|dbo|v\d+|export|dump|\d+)$/;

/** The words of a table's name without those of its storage, in the singular. */
export function tableWords(name: string): string[] {
  const words = nameWords(name);
  const meaning = words.filter((word) => !STORAGE.test(word));
  const used = meaning.length === 0 ? words : meaning;
  return used.map((word, i) => (i === used.length - 1 ? singularOf(word) : word));
}

const IRREGULAR: Readonly<Record<string, string>> = {
  people: 'person',
  leden: 'lid',
  personen: 'persoon',
  klanten: 'klant',
  kunden: 'kunde',
  mitglieder: 'mitglied',
  adressen: 'adres',
  facturen: 'factuur',
};

function singularOf(word: string): string {
  const irregular = IRREGULAR[word];
  if (irregular !== undefined) return irregular;
  if (/(ss|us|is)$/.test(word)) return word;
  return word
    .replace(/aties$/, 'atie')
    .replace(/ies$/, 'y')
    .replace(/(ss|sh|ch|x|z)es$/, '$1')
    .replace(/s$/, '');
}

/** A plural for the name of a list. */
export function pluralOf(word: string): string {
  const irregular = Object.entries(IRREGULAR).find(([, singular]) => singular === word)?.[0];
  if (irregular !== undefined) return irregular;
  if (/[^aeiou]y$/.test(word)) return word.replace(/y$/, 'ies');
  return /(s|sh|ch|x|z)$/.test(word) ? `${word}es` : `${word}s`;
}

/** Only the last word of a table counts: a customer group is not a customer. */
const PERSONS: readonly (readonly [RegExp, number])[] = [
  [
    /^(customer|klant|client|consumer|shopper|buyer|debtor|debiteur|kunde|acheteur|afnemer|deelnemer|relatie)$/,
    12,
  ],
  [
    /^(member|patient|contact|person|persoon|subscriber|guest|donor|user|gebruiker|relation|lid|student|pupil|leerling|tenant|huurder|passenger|resident|citizen|burger|policyholder|visitor|reader|borrower|party|mitglied|benutzer|membre|adherent|utilisateur|abonnee|holder|driver|owner|rider|player|attendee|participant|individual|consument)$/,
    10,
  ],
  [/^(company|organisation|organization|business|bedrijf|organisatie|firma)$/, 6],
  [/^(account|profile|profiel|lead|prospect)$/, 5],
  // Persons that are not customers.
  [/^(employee|staff|medewerker|mitarbeiter|supplier|leverancier|vendor|agent)$/, 2],
];

/** How likely the rows of a table with this name are persons or organisations. Zero: they are not. */
export function personWordScore(name: string): number {
  const last = tableWords(name).at(-1) ?? '';
  return PERSONS.find(([word]) => word.test(last))?.[1] ?? 0;
}

const EMAIL = /(^|_)(e_?mail|mail|emailadres|mailadres|courriel)(_(address|adres|adresse|addr|1))?(_|$)/;
const PHONE =
  /(^|_)(phone|telephone|mobile|mobiel|telefoon|telefon|tel|gsm|msisdn|cellphone|handy|portable)(_|$)|phone(_number)?$/;
const PERSON_NAME =
  /(^|_)((first|given|last|family|sur|full|contact|company|display)_?name|voornaam|achternaam|vorname|nachname|prenom|naam|name)$/;
const ADDRESS =
  /(^|_)(street|straat|postcode|postal_code|zip|zip_code|plz|city|plaats|woonplaats|address|adres|adresse)(_|$)/;
const BIRTH = /(^|_)(birth|born|birthdate|birthday|dob|geboortedatum|geburtsdatum|naissance)(_|$)/;
const NUMBER =
  /(^|_)((customer|client|member|contact|account|person|debtor|relation|loyalty|card|external|legacy|crm|erp)_?(number|nr|no|num|code|ref|reference|key|uuid|guid|id)|(klant|lid|relatie|debiteur|kunden|mitglieds)_?(nummer|nr|code)|(vat|btw)(_?id)?|[a-z]{3}_(number|nummer|nr)|uuid|guid|username|login|public_id|loyalty_card|barcode)$|^(number|nummer|nr|no|code|key|reference|handle)$/;

/** Members of a household share a bank account, so it is not a key. */
const BANK_ACCOUNT = /(^|_)(iban|bank|rekening|konto)(_|$)/;

/** The kind of key that the name of a column suggests. */
export type KeyKind = 'email' | 'phone' | 'number';

export function keyKindOf(column: string): KeyKind | undefined {
  const name = nameWords(column).join('_');
  if (BANK_ACCOUNT.test(name)) return undefined;
  if (
    /(^|_)(hash|hashed|sha|sha256|md5|verified|confirmed|opt|status|at|on|count|fax|template)(_|$)/.test(name)
  )
    return undefined;
  if (EMAIL.test(name)) return 'email';
  if (PHONE.test(name)) return 'phone';
  return NUMBER.test(name) ? 'number' : undefined;
}

/** Whether a column has a part of a person's name. */
export function isPartOfName(column: string): boolean {
  return /(^|_)((first|given|last|family|sur)_?name|voornaam|achternaam|vorname|nachname|prenom)$/.test(
    nameWords(column).join('_'),
  );
}

/** The sign of a person that a column is, for the evidence. */
export function personSign(column: string): 'e-mail' | 'phone' | 'name' | 'birth' | 'address' | undefined {
  const kind = keyKindOf(column);
  if (kind === 'email') return 'e-mail';
  if (kind === 'phone') return 'phone';
  const name = nameWords(column).join('_');
  if (BIRTH.test(name)) return 'birth';
  if (PERSON_NAME.test(name)) return 'name';
  return ADDRESS.test(name) ? 'address' : undefined;
}

/** Whether a column belongs to a document, such as an order, and not to a person. */
export function isOfDocument(column: string): boolean {
  return /(^|_)(total|subtotal|amount|price|quantity|subject|freight|due|invoice|order|bedrag|prijs|aantal)(_|$)/.test(
    nameWords(column).join('_'),
  );
}

const SECRET =
  /(^|_)(password|passwd|passphrase|passcode|pass|pwd|pw|wachtwoord|kennwort|passwort|mot_de_passe|secret|secrets|geheim|token|tokens|hash|hashes|hashed|digest|salt|pepper|otp|totp|mfa|two_factor|2fa|api_?key|private_?key|secret_?key|access_?key|encryption_?key|session|cookie|jwt|pin|pincode|pin_code|cvv|cvc|security_?(code|answer|question)|recovery_?codes?|credential|credentials)(_|$)|(password|passwd|wachtwoord|passwort|pwd|secret|token|apikey|passwordhash)$/;

/** Whether a column looks like a secret. A digest of an e-mail address is an identifier. */
export function isSecretName(column: string): boolean {
  const name = nameWords(column).join('_');
  if (/(^|_)e_?mail(_|$)/.test(name) && /(^|_)(hash|hashed|sha256|sha|md5|digest)(_|$)/.test(name))
    return false;
  // A time or a boolean about a secret is not a secret.
  return SECRET.test(name) && !/(^|_)(at|on|date|count|expires|expiry|verified|enabled|changed)$/.test(name);
}

/** Whether the rows of a table are secrets, such as sessions. */
export function isSecretTable(table: string): boolean {
  return /(^|_)(password|passwords|token|tokens|session|sessions|secret|secrets|credential|credentials|api_?keys?)(_|$)/.test(
    nameWords(table).join('_'),
  );
}

const SECRET_VALUE =
  /^(\$(2[abxy]|argon2(id|i|d)|5|6|1|y|pbkdf2[\w-]*|scrypt)\$|\{(SSHA|SHA|MD5|CRYPT|bcrypt)|pbkdf2_sha\d+\$|bcrypt|argon2|eyJ[\w-]+\.[\w-]+\.|-----BEGIN |(sk|rk|pk)_(live|test)_|gh[pousr]_\w{20}|xox[abpr]-|AKIA[A-Z\d]{12})/;

/** Whether a text is a digest of a password, a token or a key. */
export function isSecretValue(value: unknown): boolean {
  return typeof value === 'string' && SECRET_VALUE.test(value);
}

const AMOUNT =
  /(^|_)(amount|total|subtotal|price|cost|costs|fee|fees|balance|revenue|discount_amount|freight|paid|tax|vat_amount|credit|debit|turnover|bedrag|prijs|totaal|saldo|kosten|omzet|betrag|preis|summe|montant|prix|cents|minor)(_|$)/;

/** Whether a number is an amount of money. */
export function isAmountName(column: string): boolean {
  return AMOUNT.test(nameWords(column).join('_'));
}

/** Whether an amount is in hundredths of its currency. */
export function isInCents(column: string): boolean {
  return /(^|_)(cents?|minor|minor_units|eurocents?)(_|$)/.test(nameWords(column).join('_'));
}

/** Whether the digits of a column are a code, such as a phone number, and not a quantity. */
export function isCode(column: string): boolean {
  return (
    keyKindOf(column) !== undefined ||
    /(^|_)(id|nr|no|number|nummer|code|zip|postcode|postal|plz|phone|fax|house_number|huisnummer|bic|ean|sku|year)(_|$)/.test(
      nameWords(column).join('_'),
    )
  );
}

export function isCurrencyName(column: string): boolean {
  return /(^|_)(currency|currency_code|currency_iso|iso_currency|valuta|munt|munteenheid|wahrung|devise)$/.test(
    nameWords(column).join('_'),
  );
}

/**
 * How suitable a column is for the order of a list: the time of the event is better than that of a later
 * change.
 */
export function momentScore(column: string): number {
  const name = nameWords(column).join('_');
  if (/(^|_)(updated|modified|changed|deleted|synced|imported|expires|expiry|due|required|birth)/.test(name))
    return 0;
  if (
    /(^|_)(placed|ordered|order|invoice|invoiced|booked|started|starts|occurred|sent|paid|date|datum|at|on)/.test(
      name,
    )
  )
    return 2;
  return 1;
}

/** A GraphQL name from words. Undefined if they have no letter of the alphabet. */
function graphqlName(words: readonly string[]): string | undefined {
  const ascii = words.map((word) => word.replace(/[^a-z\d]/g, '')).filter((word) => word !== '');
  if (ascii.length === 0) return undefined;
  return camelCase(/^[a-z]/.test(ascii[0] ?? '') ? ascii : ['n', ...ascii]).slice(0, 60);
}

/** The name of the field of a column. A column without letters gets a name with its `position`. */
export function fieldName(column: string, position: number): string {
  return graphqlName(nameWords(column)) ?? `column${position}`;
}

/** The name of the field with the rows of a table, without the words of the owner's table. */
export function linkName(table: string, owner: string, isList: boolean): string {
  const words = tableWords(table);
  const ownerWords = tableWords(owner);
  const startsWithOwner =
    words.length > ownerWords.length && ownerWords.every((word, i) => singularOf(words[i] ?? '') === word);
  const rest = startsWithOwner ? words.slice(ownerWords.length) : words;
  const last = rest.at(-1);
  if (last === undefined) return isList ? 'rows' : 'row';
  return graphqlName([...rest.slice(0, -1), isList ? pluralOf(last) : last]) ?? (isList ? 'rows' : 'row');
}

/** The name of the type of a table, such as `SchoolLesson`. */
export function typeName(source: string, table: string, position: number): string {
  const prefix = nameWords(source);
  const words = tableWords(table)
    .map((word) => word.replace(/[^a-z\d]/g, ''))
    .filter((word) => word !== '');
  const startsWithSource = prefix.every((word, i) => words[i] === word);
  const typeWords = words.length === 0 ? ['table', String(position)] : words;
  return pascalCase(startsWithSource ? typeWords : [...prefix, ...typeWords]).slice(0, 60);
}
