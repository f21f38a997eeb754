import type { Values } from './record-fields.js';

/** Five different random numbers all pass the check in one of 160,000 cases. */
const CERTAIN_NUMBERS = 5;
/** Some values may be typing errors. */
const MIN_SHARE = 0.8;

const BSN_NAME =
  /_(?:bsn|bsn_?(?:nummer|nr|number)|burger_?service_?nummer|sofi|sofi_?(?:nummer|nr)|citizen_?service_?number|nationaal_?nummer|rijksregister_?nummer|national_?(?:id|identity|identification|insurance)(?:_?(?:number|nr|no))?|social_?security(?:_?(?:number|nr|no))?|ssn|nin|nir|numero_?(?:de_?)?securite_?sociale|sozialversicherungs_?(?:nummer|nr)|steuer_?id|steuer_?identifikations_?nummer|personal_?identity_?number|persoonsnummer|passport|passport_?(?:number|nr|no)|paspoort|paspoort_?(?:nummer|nr)|(?:id|identity)_?card_?(?:number|nr|no)|identiteitskaart_?(?:nummer|nr)?)_/;

const WEIGHTS = [9, 8, 7, 6, 5, 4, 3, 2, -1];

/** Whether a text is a Dutch citizen service number: nine digits, or eight without the leading zero, that pass its check. */
export function isBsn(text: string): boolean {
  const digits = text.replace(
    /^(\d{3})[ .](\d{3})[ .](\d{3})$|^(\d{4})[ .](\d{2})[ .](\d{3})$/,
    '$1$2$3$4$5$6',
  );
  if (!/^\d{8,9}$/.test(digits) || /^(\d)\1+$/.test(digits)) return false;
  const sum = Array.from(digits.padStart(9, '0')).reduce(
    (total, digit, i) => total + Number(digit) * (WEIGHTS[i] ?? 0),
    0,
  );
  return sum % 11 === 0;
}

/**
 * Whether a field has national identification numbers. `maybe`: too few values are known, and its name does
 * not say what it is.
 */
export function nationalNumber(name: string, { texts }: Values): 'yes' | 'maybe' | 'no' {
  if (BSN_NAME.test(name)) return 'yes';
  // Numbers of companies have the same check.
  if (/_rsin_/.test(name)) return 'no';
  const passing = texts.filter(isBsn);
  // Most BSNs have nine digits. A field with only eight digits has another kind of number.
  const isLong = passing.filter((text) => text.replace(/\D/g, '').length === 9).length > passing.length / 2;
  if (!isLong || passing.length / texts.length < MIN_SHARE) return 'no';
  return new Set(passing).size < CERTAIN_NUMBERS ? 'maybe' : 'yes';
}
