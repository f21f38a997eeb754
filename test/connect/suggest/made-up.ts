/** Made-up values in the formats that systems send. Each list has the values of twelve records. */

export const RECORDS = 12;

export const each = <T>(valueOf: (i: number) => T): T[] =>
  Array.from({ length: RECORDS }, (_, i) => valueOf(i));
const pick = <T>(...values: readonly T[]): T[] => each((i) => values[i % values.length] as T);
const padded = (n: number, length: number): string => String(n).padStart(length, '0');
/** A hexadecimal text that looks random. */
export const hex = (i: number, length: number, salt = 1): string =>
  Array.from({ length }, (_, k) => (((i + 3) * 7919 * (k + 1) * salt + k * 104_729) % 65_521) % 16)
    .map((digit) => digit.toString(16))
    .join('');

const GIVEN = [
  'Sanne',
  'Jeroen',
  'Fatima',
  'Pieter',
  'Anouk',
  'Mehmet',
  'Lotte',
  'Willem',
  'Chloé',
  'Jürgen',
  'Emma',
  'Tom',
];
const FAMILY = [
  'Jansen',
  'de Vries',
  'El Amrani',
  'van den Berg',
  'Bakker',
  'Yılmaz',
  'Visser',
  'Smit',
  'Dubois',
  'Müller',
  'Brown',
  'Peters',
];
const CITIES = [
  'Utrecht',
  'Zwolle',
  'Breda',
  'Leiden',
  'Gent',
  'Rotterdam',
  'Assen',
  'Tilburg',
  'Lyon',
  'Köln',
  'Leeds',
  'Delft',
];
const STREETS = ['Kerkstraat', 'Dorpsweg', 'Lange Nieuwstraat', 'Parklaan', 'Stationsplein', 'Molenweg'];

export const givenNames = each((i) => GIVEN[i] ?? '');
export const familyNames = each((i) => FAMILY[i] ?? '');
export const fullNames = each((i) => `${GIVEN[i] ?? ''} ${FAMILY[i] ?? ''}`);
export const otherNames = each((i) => `${GIVEN[(i + 5) % 12] ?? ''} ${FAMILY[(i + 2) % 12] ?? ''}`);
export const middleNames = pick('van', 'de', 'der', 'ten');
export const honorifics = pick('Dhr.', 'Mevr.', 'Dr.');
export const emails = each(
  (i) =>
    `${(GIVEN[i] ?? '').toLowerCase().normalize('NFKD').replace(/\p{M}/gu, '')}.${i + 11}@voorbeeldpost.nl`,
);
export const otherEmails = each((i) => `inkoop-${i + 3}@bedrijf${i}.example`);
export const mobiles = each((i) => `+316${24_571_903 + i * 31_337}`);
export const dutchPhones = each((i) => `0${pick('30', '20', '10')[i] ?? ''}-${2_345_671 + i * 1_013}`);
/** Phone numbers without a country code, as in many databases. Few of them are valid in one country. */
export const mixedPhones = each(
  (i) =>
    pick(
      `(5) 555-47${20 + i}`,
      `030-00743${21 + i}`,
      `(171) 555-77${80 + i}`,
      `0621-084${60 + i}`,
      `(91) 555 22 ${80 + i}`,
      `40.67.88.${80 + i}`,
    )[i] ?? '',
);
export const worldPhones = each(
  (i) =>
    pick(
      `+55 (12) 3923-55${55 + i}`,
      `+49 0711 28422${20 + i}`,
      `+1 (514) 721-47${11 + i}`,
      `+47 22 44 22 ${22 + i}`,
      `+420 2 4177 04${49 + i}`,
    )[i] ?? '',
);
export const otherWorldPhones = each((i) => `+1 (780) 428-94${82 + i}`);
export const streets = each((i) => `${STREETS[i % STREETS.length] ?? ''} ${17 + i * 3}`);
export const extraLines = each((i) => `3 hoog ${i % 2 === 0 ? 'links' : 'rechts'}`);
export const postcodes = each(
  (i) => `${1011 + i * 173} ${String.fromCharCode(65 + i)}${String.fromCharCode(80 - i)}`,
);
export const cities = each((i) => CITIES[i] ?? '');
export const regions = pick('Utrecht', 'Overijssel', 'Noord-Brabant', 'WA', 'SP');
export const countries = pick('NL', 'BE', 'DE', 'FR');
export const countryNames = pick('Germany', 'Mexico', 'UK', 'Sweden', 'France', 'Brazil');
export const birthDates = each((i) => `19${padded(51 + i * 4, 2)}-0${1 + (i % 9)}-${padded(3 + i * 2, 2)}`);
export const companies = each(
  (i) =>
    `${pick('Bouwbedrijf', 'Studio', 'Apotheek', 'Rederij')[i] ?? ''} ${pick('Noord', 'De Linde', 'Hoek', 'Ster', 'Zuid')[i] ?? ''} B.V.`,
);
export const jobTitles = pick(
  'Owner',
  'Sales Representative',
  'Marketing Manager',
  'Accounting Manager',
  'Order Administrator',
);
export const vatNumbers = each((i) => {
  const belgian = 4_119_058 + i * 1_013;
  const luxembourgish = 150_276 + i * 131;
  return i % 2 === 0
    ? `BE0${belgian}${padded(97 - (belgian % 97), 2)}`
    : `LU${luxembourgish}${padded(luxembourgish % 89, 2)}`;
});
export const ips = each((i) => `203.0.113.${17 + i}`);
export const userAgents = pick(
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/131.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/537.36',
);
export const avatars = each((i) => `https://secure.gravatar.com/avatar/${hex(i, 32)}?s=96`);
export const usernames = each((i) => `${(GIVEN[i] ?? '').toLowerCase()}_${i + 60}`);
export const ibans = each((i) => `NL${padded(11 + i, 2)}BANK0${417_164_300 + i * 17}`);

export const ids = each((i) => 25 + i * 7);
export const otherIds = each((i) => 90_131 + i * 13);
export const smallIds = pick(1, 2, 3);
export const uuids = each(
  (i) => `${hex(i, 8)}-${hex(i, 4, 3)}-4${hex(i, 3, 5)}-a${hex(i, 3, 7)}-${hex(i, 12, 11)}`,
);
export const otherUuids = each(
  (i) => `${hex(i, 8, 13)}-${hex(i, 4, 17)}-4${hex(i, 3, 19)}-b${hex(i, 3, 23)}-${hex(i, 12, 29)}`,
);
export const orderNumbers = each((i) => `#${1_001 + i}`);
export const longNumbers = each((i) => padded(100_000_231 + i, 9));
export const accountNumbers = each((i) => `D${padded(2_040 + i * 3, 6)}`);

export const createdAt = each((i) => `2025-0${1 + (i % 9)}-1${i % 10}T09:2${i % 10}:${padded(10 + i, 2)}Z`);
export const localTimes = each((i) => `2025-0${1 + (i % 9)}-1${i % 10} 09:2${i % 10}:${padded(10 + i, 2)}`);
export const days = each((i) => `2026-0${1 + (i % 9)}-1${i % 10}`);
export const seconds = each((i) => 1_734_567_890 + i * 86_411);
export const amounts = each((i) => `${19 + i * 3}.95`);
export const cents = each((i) => 1_995 + i * 300);
export const counts = each((i) => 1 + (i % 5));
export const flags = pick(true, false);
export const currencies = pick('EUR', 'USD');
export const notes = pick(
  'Please ring twice, the bell is broken.',
  'Prefers an invoice on paper.',
  'Will call back after the holidays.',
);
export const productNames = pick('Notebook A5', 'Fountain pen', 'Desk lamp');
export const skus = pick('NB-A5-01', 'FP-221', 'DL-09');
export const urls = each((i) => `https://shop.example/offers/${40 + i}`);
