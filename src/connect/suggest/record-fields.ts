import type { Draft, DraftField, DraftType } from '../draft.js';
import { lastWords, partsOf, wordsIn } from './names.js';

/** The maximum nesting of objects in a record. */
const MAX_DEPTH = 4;
/** More samples do not make a share more certain. */
const MAX_SAMPLES = 500;

/** A field with a value, in the customer's record or in an object of it. */
export interface RecordField {
  field: DraftField;
  type: DraftType;
  /** The path in the customer's record. */
  path: string;
  depth: number;
  /** Whether it is in an object of a list, so that a path cannot address it. */
  isInList: boolean;
  /** The words of its name. */
  name: string;
  /** The words of the whole path. */
  pathName: string;
  values: Values;
}

/** Sampled values as texts. */
export interface Values {
  texts: readonly string[];
  distinct: readonly string[];
}

/** The texts of sampled values. Objects and empty texts do not count. */
export function valuesOf({ samples }: DraftField): Values {
  const texts = samples
    .slice(0, MAX_SAMPLES)
    .flat()
    .filter((value) => ['string', 'number', 'bigint', 'boolean'].includes(typeof value))
    .map((value) => String(value).trim())
    .filter((text) => text !== '');
  return { texts, distinct: [...new Set(texts)] };
}

/** The fields of the customer's record, and of the objects in it. Fields that a further call loads are left out. */
export function recordFields({ customer, types }: Draft): RecordField[] {
  const found: RecordField[] = [];
  const visit = (
    type: DraftType,
    above: string,
    depth: number,
    isInList: boolean,
    seen: readonly DraftType[],
  ): void => {
    for (const field of type.fields) {
      if (field.call !== undefined) continue;
      const path = field.from === '.' ? above : above === '' ? field.from : `${above}.${field.from}`;
      const object = types[field.type];
      if (object === undefined) {
        const parts = partsOf(path);
        found.push({
          ...{ field, type, path, isInList, values: valuesOf(field) },
          depth: parts.length - 1,
          name: lastWords(parts.length === 0 ? [field.name] : parts),
          pathName: wordsIn(parts.join('_')),
        });
      } else if (depth < MAX_DEPTH && !seen.includes(object))
        visit(object, path, depth + 1, isInList || field.isList, [...seen, object]);
    }
  };
  visit(customer, '', 0, false, [customer]);
  return found;
}

export function shareOf(texts: readonly string[], matches: (text: string) => boolean): number {
  return texts.length === 0 ? 0 : texts.filter(matches).length / texts.length;
}
