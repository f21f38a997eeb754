import type { DraftField, DraftType } from '../draft.js';
import { isSecretName, nameWords, fieldName, typeName } from '../tables/table-names.js';
import { uniqueName } from '../tables/table-fields.js';
import type { XmlPart } from './wsdl-model.js';

/** Decides the types of a record, by the WSDL and by sampled values. */

export interface RecordTypes {
  customer: DraftType;
  types: Readonly<Record<string, DraftType>>;
  /** Elements that are left out, by the reason. */
  leftOut: ReadonlyMap<string, readonly string[]>;
}

export interface RecordOptions {
  source: string;
  /** The name of the record, such as the name of its element. */
  name: string;
  record: readonly XmlPart[];
  samples: readonly unknown[];
  /** The path of the id in the record. */
  id: string | undefined;
}

const MAX_SAMPLES = 50;
const MAX_ENUM_VALUES = 40;

export function recordTypes(options: RecordOptions): RecordTypes {
  const { source, name, record, samples, id } = options;
  const types: Record<string, DraftType> = {};
  const leftOut = new Map<string, string[]>();
  const leave = (path: string, because: string): void => {
    leftOut.set(because, [...(leftOut.get(because) ?? []), path]);
  };
  const names = new Set<string>();
  const typeOf = (plain: string, parts: readonly XmlPart[], objects: readonly unknown[]): DraftType => {
    const unique = uniqueName(typeName(source, plain, names.size + 1), names);
    names.add(unique);
    const words = nameWords(plain).join(' ');
    const fields: DraftField[] = [];
    const taken = new Set<string>();
    const add = (inner: readonly XmlPart[], above: readonly string[], isNullable: boolean): void => {
      for (const part of inner) {
        const path = [...above, part.name];
        const from = path.join('.');
        const isOptional = isNullable || part.isOptional;
        if (isSecretName(part.name)) leave(from, 'they look like secrets');
        else if (part.children !== undefined && !part.isList) add(part.children, path, isOptional);
        else {
          const values = valuesIn(objects, from);
          const decided = decide(part, values);
          // A list without items is left out.
          const base = { from, isList: part.isList, isNullable: isOptional || part.isList };
          const field = uniqueName(fieldName(path.join('_'), taken.size + 1), taken);
          if (part.children !== undefined) {
            const item = typeOf(part.name, part.children, values);
            if (item.fields.length === 0) continue;
            types[item.name] = item;
            taken.add(field);
            fields.push({ ...base, name: field, type: item.name, samples: [], ...described(part) });
          } else if (decided === undefined)
            leave(from, `values of the type ${part.type ?? ''} cannot be declared`);
          else {
            taken.add(field);
            const isId = objects === samples && from === id;
            const samplesOfField = values.slice(0, MAX_SAMPLES);
            fields.push({
              ...base,
              name: field,
              ...(isId ? { type: 'ID' } : decided),
              samples: samplesOfField,
              ...described(part),
            });
          }
        }
      }
    };
    add(parts, [], false);
    return { name: unique, description: `${words.replace(/^./, (first) => first.toUpperCase())}.`, fields };
  };
  const customer = typeOf(name, record, samples);
  return { customer: id === undefined ? customer : { ...customer, id }, types, leftOut };
}

function described({ description }: XmlPart): Pick<DraftField, 'description'> {
  return description === undefined ? {} : { description };
}

/** The values at a path in some objects: items of lists one by one, and no nulls. */
export function valuesIn(objects: readonly unknown[], path: string): unknown[] {
  return path
    .split('.')
    .reduce<readonly unknown[]>(
      (values, name) =>
        values.flatMap((value) =>
          typeof value === 'object' && value !== null
            ? [(value as Readonly<Record<string, unknown>>)[name]].flat()
            : [],
        ),
      objects,
    )
    .filter((value) => value != null);
}

type Decided = Pick<DraftField, 'type' | 'conversion' | 'values' | 'check'>;

const WITH_ZONE = /(Z|[+-]\d\d:\d\d)$/;

function decide({ type = 'string', values }: XmlPart, samples: readonly unknown[]): Decided | undefined {
  const isNamed = (text: string) => /^[A-Za-z][\w -]*$/.test(text);
  if (values !== undefined && values.length <= MAX_ENUM_VALUES && values.every(isNamed))
    return { type: 'Enum', values };
  const every = (test: RegExp) => samples.every((sample) => test.test(String(sample)));
  switch (type) {
    case 'boolean':
      return { type: 'Boolean' };
    case 'int':
    case 'short':
    case 'byte':
    case 'unsignedShort':
    case 'unsignedByte':
      return { type: 'Int' };
    case 'long':
    case 'integer':
    case 'unsignedInt':
    case 'unsignedLong':
    case 'nonNegativeInteger':
    case 'positiveInteger':
      return { type: 'BigInt' };
    case 'decimal':
      return { type: 'Decimal' };
    case 'float':
    case 'double':
      return { type: 'Float' };
    case 'date':
      // A day may have a zone.
      return every(/^\d{4}-\d\d-\d\d$/) ? { type: 'Date' } : { type: 'String' };
    case 'dateTime':
      return every(WITH_ZONE)
        ? { type: 'DateTime' }
        : {
            type: 'DateTime',
            conversion: { dateTime: { zone: 'UTC' } },
            check: 'The times have no zone. UTC is a guess.',
          };
    case 'base64Binary':
    case 'hexBinary':
    case 'anyType':
      return undefined;
    default:
      return { type: 'String' };
  }
}
