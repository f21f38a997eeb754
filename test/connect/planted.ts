/** Made-up persons whose values occur in no list of names and in no other text, so that a search finds each leak. */

export interface PlantedPerson {
  id: string;
  email: string;
  phone: string;
  givenName: string;
  family: string;
  street: string;
  postcode: string;
  city: string;
  born: string;
  iban: string;
  /** A free text with the name and the address of the next person. */
  note: string;
  /** One of two employees. A field with few values may look like an enum. */
  advisor: string;
}

const word = (i: number, start: string) => `${start}qz${String.fromCharCode(97 + (i % 26))}xw`;
const familyOf = (i: number) => `${word(i, 'Vop')}stra`;
const emailOf = (i: number) => `${word(i, 'ul')}.${i}@planted-${i}.nl`;

export const PLANTED: readonly PlantedPerson[] = Array.from({ length: 24 }, (_, i) => {
  const next = (i + 1) % 24;
  return {
    id: `Q-${481_516_234 + i * 37}`,
    email: emailOf(i),
    phone: `+3164815${1_623 + i * 41}`,
    givenName: word(i, 'Ir'),
    family: familyOf(i),
    street: `${word(i, 'Zud')}laan ${i + 31}`,
    postcode: `${7_103 + i * 71} QX`,
    city: word(i, 'Wem'),
    born: `${1921 + i * 3}-0${1 + (i % 9)}-${11 + (i % 17)}`,
    iban: `NL${20 + i}INGB${String(4_815_162_342 + i * 97)}`,
    note: `Called ${word(next, 'Ir')} ${familyOf(next)} about the cellar, wrote to ${emailOf(next)}`,
    advisor: i % 2 === 0 ? 'Brunqzaxw Ketqzbxwma' : 'Djoqzcxw Ketqzdxwma',
  };
});

/** A value that the system adds after it was connected. */
export const ADDED_LATER = 'Nikqzexwke';

/** All values, at least 200. Values that one place changes, such as the case, are searched for in any case. */
export const PLANTED_VALUES: readonly string[] = [
  ...PLANTED.flatMap((person) =>
    Object.entries(person).flatMap(([name, value]: [string, string]) =>
      name === 'note' || name === 'advisor' ? [] : [value],
    ),
  ),
  ...['Brunqzaxw', 'Ketqzbxwma', 'Djoqzcxw', 'Ketqzdxwma', ADDED_LATER],
];

/** The planted values in a text: as they are, and as they stand in a URL. */
export function plantedIn(text: string): string[] {
  const lower = text.toLowerCase();
  return PLANTED_VALUES.filter((value) =>
    [
      value,
      encodeURIComponent(value),
      encodeURIComponent(value).replaceAll('%20', '+'),
      value.replaceAll(' ', ''),
    ].some((form) => lower.includes(form.toLowerCase())),
  );
}
