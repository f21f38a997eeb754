import type { DraftField } from '../draft.js';
import { dayOf, every, isText, isWhole, momentOf, NUMBER, textOf, type Decided } from '../scalars.js';
import { wordsOf } from '../words.js';
import type { Shape } from './shape.js';

/** The scalar of a JSON value, by its described shape and by samples. */

type Scalar = Decided & Pick<DraftField, 'check' | 'values'>;

const LOCAL = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?$/;
const MAX_VALUES = 40;
const MOMENT_WORD =
  /^(at|created|updated|modified|changed|registered|expires|time|timestamp|date|birthdate|since|until|start|end)$/;

interface Leaf {
  name: string;
  shape: Shape;
  /** Whether the value is the id of its object. */
  isId: boolean;
}

/** The scalar and its conversion, or the reason why there is none. */
export function scalarOf({ name, shape, isId }: Leaf, samples: readonly unknown[]): Scalar | string {
  const words = wordsOf(name);
  if (isId && every(samples, (value) => isText(value) || Number.isSafeInteger(value))) return { type: 'ID' };
  switch (shape.kind) {
    case 'text':
      return textScalar(shape, words, samples);
    case 'integer':
      return integerScalar(shape, words, samples);
    case 'number':
      return /^(decimal|currency|money)$/.test(shape.format ?? '')
        ? { type: 'Decimal' }
        : { type: isAmount(words) ? 'Decimal' : 'Float' };
    case 'boolean':
      return { type: 'Boolean' };
    default:
      return samples.length === 0
        ? 'its type is not described, and no value of it was sampled'
        : 'its values have several types';
  }
}

const isAmount = (words: readonly string[]) =>
  words.some((word) => /^(amount|total|price|balance|subtotal|cost|fee|tax)$/.test(word));

function textScalar(
  { format, values, kind }: Shape,
  words: readonly string[],
  samples: readonly unknown[],
): Scalar {
  if (values !== undefined && kind === 'text') {
    const isClosed = every(samples, (value) => isText(value) && values.includes(value));
    if (isClosed && values.length <= MAX_VALUES && values.every((value) => value !== ''))
      return { type: 'Enum', values };
  }
  if (format === 'date-time') return momentScalar(samples) ?? { type: 'String' };
  if (format === 'date') return dayOf(samples) ?? { type: 'String' };
  if (words.some((word) => /^(id|uuid|guid)$/.test(word))) return { type: 'ID' };
  const decided = textOf(samples);
  if (decided.type !== 'String') return decided;
  const isLocal = samples.length > 1 && every(samples, (value) => isText(value) && LOCAL.test(value));
  if (isLocal) return momentScalar(samples) ?? decided;
  const isNumber =
    samples.length > 1 &&
    every(samples, (value) => isText(value) && NUMBER.test(value) && value.includes('.'));
  return isNumber && isAmount(words) ? { type: 'Decimal' } : decided;
}

function momentScalar(samples: readonly unknown[]): Scalar | undefined {
  const decided = momentOf(samples);
  if (decided !== undefined && decided.type !== 'String') return decided;
  if (samples.length === 0 || !every(samples, (value) => isText(value) && LOCAL.test(value))) return decided;
  return {
    ...{ type: 'DateTime', conversion: { dateTime: { zone: 'UTC' } } },
    check: 'the zone: the times have none, and UTC was assumed',
  };
}

function integerScalar({ format }: Shape, words: readonly string[], samples: readonly unknown[]): Scalar {
  if (
    words.some((word) => /^(id|uuid|number|nr|no)$/.test(word)) &&
    every(samples, isWhole) &&
    /^(id|uuid)$/.test(words.at(-1) ?? '')
  )
    return { type: 'ID' };
  const isMoment = words.some((word) => MOMENT_WORD.test(word)) && samples.length > 0;
  const moment = isMoment ? momentOf(samples) : undefined;
  if (moment?.conversion !== undefined) return moment;
  const fits = every(samples, (value) => typeof value === 'number' && (value | 0) === value);
  return fits && (format !== 'int64' || samples.length > 0) ? { type: 'Int' } : { type: 'BigInt' };
}
