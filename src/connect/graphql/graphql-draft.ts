import type { DraftField, DraftType, Finding } from '../draft.js';
import { listOrderOf } from '../list-order.js';
import { dayOf, every, isText, isWhole, momentOf, NUMBER, textOf, type Decided } from '../scalars.js';
import { valuesAt } from '../values.js';
import type { PlannedField, PlannedList, PlannedType, TypePlan } from './graphql-types.js';

/** Decides the types of a source from the schema and sampled values. */

export interface Samples {
  /** Records of the customer. */
  records: readonly unknown[];
  /** Rows of the lists, by call. */
  rows: ReadonlyMap<string, readonly unknown[]>;
}

export interface DraftTypes {
  customer: DraftType;
  types: Readonly<Record<string, DraftType>>;
  /** The lists that fields read. */
  lists: readonly PlannedList[];
  findings: readonly Finding[];
}

/** Makes the types of a plan. A field whose values cannot be declared is left out, with a finding. */
export function draftTypesOf(plan: TypePlan, { records, rows }: Samples): DraftTypes {
  const planned = [plan.customer, ...plan.types];
  const values = samplesOf(plan, { records, rows });
  const leftOut = new Map<string, string[]>();
  const drafts = new Map(
    planned.map((type) => [
      type,
      type.fields.flatMap((field): { field: PlannedField; draft: DraftField }[] => {
        const draft = draftFieldOf(field, valuesAt(values.get(type) ?? [], field.from));
        if (typeof draft !== 'string') return [{ field, draft }];
        leftOut.set(draft, [...(leftOut.get(draft) ?? []), `${type.vendor.name}.${field.from}`]);
        return [];
      }),
    ]),
  );
  // A type without fields cannot be declared, and neither can a field of it.
  const isEmpty = (type: PlannedType | undefined) =>
    type !== undefined && (drafts.get(type)?.length ?? 0) === 0;
  for (let again = true; again;) {
    again = false;
    for (const [type, fields] of drafts) {
      const rest = fields.filter(({ field }) => !isEmpty(field.object ?? field.list?.item));
      if (rest.length < fields.length) again = true;
      drafts.set(type, rest);
    }
  }
  const finished = (type: PlannedType): DraftType => ({
    name: type.name,
    description: type.description,
    ...(type.id === undefined ? {} : { id: type.id }),
    fields: (drafts.get(type) ?? []).map(({ field, draft }) => {
      const { list } = field;
      if (list === undefined) return draft;
      const items = (drafts.get(list.item) ?? []).map((item) => item.draft);
      const order = listOrderOf(list.item.id, items);
      return {
        ...draft,
        call: { name: list.call, key: list.keyPath, ...(order === undefined ? {} : { order }) },
      };
    }),
  });
  const reached = new Set<PlannedType>();
  const reach = (type: PlannedType): void => {
    if (reached.has(type)) return;
    reached.add(type);
    for (const { field } of drafts.get(type) ?? []) {
      const inner = field.object ?? field.list?.item;
      if (inner !== undefined) reach(inner);
    }
  };
  reach(plan.customer);
  const types = [...reached].filter((type) => type !== plan.customer);
  const used = new Set(
    [...reached].flatMap((type) => (drafts.get(type) ?? []).flatMap(({ field }) => field.list ?? [])),
  );
  return {
    customer: finished(plan.customer),
    types: Object.fromEntries(types.map((type) => [type.name, finished(type)])),
    lists: plan.lists.filter((list) => used.has(list)),
    findings: [...leftOut].map(([reason, fields]) => ({
      step: 'look',
      text: `Left out, because ${reason}: ${fields.slice(0, 8).join(', ')}${fields.length > 8 ? ` and ${fields.length - 8} more` : ''}.`,
      isWarning: true,
    })),
  };
}

/** The sampled objects of each type. */
function samplesOf(plan: TypePlan, { records, rows }: Samples): Map<PlannedType, unknown[]> {
  const found = new Map<PlannedType, unknown[]>();
  const add = (type: PlannedType, objects: readonly unknown[]): void => {
    found.set(type, [...(found.get(type) ?? []), ...objects]);
    for (const { object, from } of type.fields)
      if (object !== undefined) {
        const inner = valuesAt(objects, from);
        if (inner.length > 0) add(object, inner);
      }
  };
  add(plan.customer, records);
  for (const list of plan.lists) add(list.item, rows.get(list.call) ?? []);
  return found;
}

const MAX_SAMPLES = 50;

/** The field of a draft, or the reason why it cannot be declared. */
function draftFieldOf(field: PlannedField, samples: readonly unknown[]): DraftField | string {
  const { name, from, description, isList, isNullable } = field;
  const base = {
    ...{ name, from, isList, isNullable, samples: samples.slice(0, MAX_SAMPLES) },
    ...(description === undefined ? {} : { description }),
  };
  if (field.list !== undefined) return { ...base, type: field.list.item.name, samples: [] };
  if (field.object !== undefined) return { ...base, type: field.object.name, samples: [] };
  if (field.values !== undefined) return { ...base, type: 'Enum', values: field.values };
  if (field.money !== undefined) {
    const { currency, minorUnits } = field.money;
    if (samples.some((value) => !/^-?\d+(\.\d+)?$/.test(String(value))))
      return 'its amount is not a decimal number';
    const money = { currency: { from: currency }, ...(minorUnits === undefined ? {} : { minorUnits }) };
    return { ...base, type: 'Money', conversion: { money } };
  }
  const decided = scalarOf(field.scalar ?? '', samples);
  return typeof decided === 'string' ? decided : { ...base, ...decided };
}

/** The gateway's scalars, by common names of such scalars in other systems. */
const NAMED: readonly (readonly [RegExp, (samples: readonly unknown[]) => Decided | undefined])[] = [
  [
    /^(DateTime|ISO8601DateTime|Timestamp(tz|z)?|DateTimeOffset|OffsetDateTime|Instant|DateTimeISO)$/i,
    momentOf,
  ],
  [/^(Date|ISO8601Date|LocalDate|CalendarDate|DateOnly)$/i, dayOf],
  [
    /^(Decimal|BigDecimal|Money|Numeric|BigFloat)$/i,
    (samples) => (every(samples, (value) => NUMBER.test(String(value))) ? { type: 'Decimal' } : undefined),
  ],
  [
    /^(BigInt|Long|Int64|UInt64|UnsignedInt64|Int8|LongInt)$/i,
    (samples) => (every(samples, isWhole) ? { type: 'BigInt' } : undefined),
  ],
  [
    /^(URL|URI|HTML|UUID|GUID|E?mail(Address)?|Phone(Number)?|Locale|Language|Time|LocalTime|TimeZone|Country(Code)?|Currency(Code)?|ObjectI[dD]|FormattedString|Markdown|Slug|Color|Text|citext|IBAN|BIC|PostalCode|NonEmptyString|Char|Name)$/i,
    (samples) => (every(samples, isText) ? { type: 'String' } : undefined),
  ],
];

/** The scalar and its conversion, or the reason why there is none. */
function scalarOf(scalar: string, samples: readonly unknown[]): Decided | string {
  if (scalar === 'String') return textOf(samples);
  if (/^(ID|Int|Float|Boolean)$/.test(scalar)) return { type: scalar };
  const named = NAMED.find(([pattern]) => pattern.test(scalar))?.[1](samples);
  if (named !== undefined) return named;
  if (samples.length === 0) return `the scalar ${scalar} is not known, and no value of it was sampled`;
  if (every(samples, isText)) return textOf(samples);
  if (every(samples, (value) => typeof value === 'boolean')) return { type: 'Boolean' };
  if (every(samples, (value) => typeof value === 'number' && (value | 0) === value)) return { type: 'Int' };
  if (every(samples, isWhole)) return { type: 'BigInt' };
  if (every(samples, (value) => typeof value === 'number')) return { type: 'Float' };
  return `the values of the scalar ${scalar} have several types`;
}
