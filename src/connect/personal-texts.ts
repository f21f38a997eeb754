import type { Decisions, Draft, DraftField, DraftType } from './draft.js';

/** Removes personal values from the texts in which a system describes itself, such as "The name, for example ...". */

/** An e-mail address, or at least six digits, as in a phone number, a date or an IBAN. */
const VALUE = /\S@\S|\d(?:[ ./-]?\d){5}/;
/** Shorter values occur in other texts by chance. */
const MIN_CHARACTERS = 4;

/** The draft without the descriptions that contain a personal value. Their names describe those fields instead. */
export function withoutPersonalDescriptions(draft: Draft, privacy: Decisions['privacy']): Draft {
  const words = personalWords(draft, privacy);
  const isPersonal = (text: string): boolean =>
    VALUE.test(text) || (text.match(WORD) ?? []).some((word) => words.has(word));
  const fieldOf = (field: DraftField): DraftField => {
    const { description, ...rest } = field;
    return description !== undefined && isPersonal(description) ? rest : field;
  };
  const typeOf = (type: DraftType): DraftType => ({
    ...type,
    description: isPersonal(type.description) ? `A record of ${type.name}.` : type.description,
    fields: type.fields.map(fieldOf),
  });
  return {
    ...draft,
    customer: typeOf(draft.customer),
    types: Object.fromEntries(Object.entries(draft.types).map(([name, type]) => [name, typeOf(type)])),
  };
}

const WORD = /[\p{L}\p{N}]+/gu;

/** The words in sampled values that may identify a person. Words in lower case are ordinary ones. */
function personalWords({ customer, types }: Draft, privacy: Decisions['privacy']): ReadonlySet<string> {
  const personal = [customer, ...Object.values(types)].flatMap((type) =>
    type.fields.filter(({ name }) => {
      const decided = privacy[`${type.name}.${name}`];
      if (decided === undefined || 'leftOutBecause' in decided) return true;
      return !decided.isRecognised || ['IDENTITY', 'CONTACT'].includes(decided.category);
    }),
  );
  const texts = personal.flatMap(({ samples }) => samples.filter((sample) => typeof sample === 'string'));
  const words = texts.flatMap((text) => text.match(WORD) ?? []);
  return new Set(words.filter((word) => word.length >= MIN_CHARACTERS && /\p{Lu}|\d/u.test(word)));
}
