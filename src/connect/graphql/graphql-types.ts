import {
  getNamedType,
  isLeafType,
  isNonNullType,
  isScalarType,
  isUnionType,
  type GraphQLSchema,
} from 'graphql';
import type { Finding } from '../draft.js';
import { pageArguments, rootFields, type PersonWay } from './graphql-people.js';
import {
  fieldsOf,
  isEnum,
  isFielded,
  isLeaf,
  isList,
  listShapeOf,
  needsNoArgument,
  nullableOf,
  type Fielded,
  type OutputField,
} from './graphql-schema.js';
import { camelCase, pascalCase, wordsOf } from '../words.js';
import { keyPathOf } from './graphql-words.js';

/** Plans which fields of a schema become the types of a source, before values are sampled. */

export interface PlannedField {
  name: string;
  /** The path in the record. */
  from: string;
  description?: string;
  isList: boolean;
  isNullable: boolean;
  /** The name of the scalar in the schema. */
  scalar?: string;
  values?: readonly string[];
  object?: PlannedType;
  /** An amount with its currency. */
  money?: { currency: string; minorUnits?: number };
  list?: PlannedList;
}

export interface PlannedType {
  name: string;
  vendor: Fielded;
  description: string;
  id?: string;
  fields: PlannedField[];
}

/** A list that a further call loads. */
export interface PlannedList {
  call: string;
  /**
   * The field in the syntax of a declaration, such as `member(id: $key).purchases(first: 50, after: $after)`.
   */
  field: string;
  keyType: string;
  rows: string;
  hasPages: boolean;
  /** The path of the key in the record that has the list. */
  keyPath: string;
  item: PlannedType;
}

export interface TypePlan {
  customer: PlannedType;
  types: readonly PlannedType[];
  lists: readonly PlannedList[];
  findings: readonly Finding[];
}

/** The maximum nesting of objects in a record. */
const MAX_DEPTH = 2;
const MAX_FIELDS = 120;
/** So that one type does not use up all fields. */
const MAX_FIELDS_OF_TYPE = 40;
/** An object with more fields has a type of its own. */
const MAX_FLAT_FIELDS = 6;
/** Lists are loaded separately, so their number is small. */
const MAX_LISTS = 12;
const AMOUNT = /^(amount|value|cents|centAmount|amountCents|minorUnits|price)$/;
const CURRENCY = /^(currency|currencyCode|currencyIso|currencyIsoCode|isoCurrency)$/;

export function planTypes(
  schema: GraphQLSchema,
  way: PersonWay,
  byId: PersonWay | undefined,
  source: string,
): TypePlan {
  return new TypePlanner(schema, source).plan(way.record, byId);
}

class TypePlanner {
  readonly #schema: GraphQLSchema;
  readonly #prefix: string;
  readonly #types = new Map<string, { planned: PlannedType; depth: number }>();
  readonly #queue: PlannedType[] = [];
  readonly #lists: PlannedList[] = [];
  /** Fields that are left out, by the reason. */
  readonly #leftOut = new Map<string, string[]>();
  #count = 0;

  constructor(schema: GraphQLSchema, source: string) {
    this.#schema = schema;
    this.#prefix = pascalCase(wordsOf(source));
  }

  plan(record: Fielded, byId: PersonWay | undefined): TypePlan {
    const customer = this.#typeOf(record, 0);
    // Types are filled in the order in which they are found, so that one near the customer has its fields first.
    for (let planned = this.#queue.shift(); planned !== undefined; planned = this.#queue.shift())
      this.#fill(planned, planned === customer ? byId : this.#wayOf(planned.vendor));
    const findings = [...this.#leftOut].map(([reason, fields]): Finding => {
      const more = fields.length > 8 ? ` and ${fields.length - 8} more` : '';
      return { step: 'look', text: `Left out, because ${reason}: ${fields.slice(0, 8).join(', ')}${more}.` };
    });
    const types = [...this.#types.values()].map(({ planned }) => planned);
    return {
      customer,
      types: types.filter((type) => type !== customer && type.fields.length > 0),
      lists: this.#lists,
      findings,
    };
  }

  #typeOf(vendor: Fielded, depth: number): PlannedType {
    const known = this.#types.get(vendor.name);
    if (known !== undefined) return known.planned;
    const words = wordsOf(vendor.name);
    const name = pascalCase(words);
    const planned: PlannedType = {
      name: name.startsWith(this.#prefix) ? name : `${this.#prefix}${name}`,
      vendor,
      description: vendor.description ?? `${words.join(' ').replace(/^./, (first) => first.toUpperCase())}.`,
      fields: [],
    };
    const id = keyPathOf('id', 'id', vendor);
    if (id !== undefined) planned.id = id;
    this.#types.set(vendor.name, { planned, depth });
    this.#queue.push(planned);
    return planned;
  }

  #leave(type: PlannedType, field: OutputField, reason: string): void {
    const fields = this.#leftOut.get(reason) ?? [];
    this.#leftOut.set(reason, [...fields, `${type.vendor.name}.${field.name}`]);
  }

  #fill(type: PlannedType, byId: PersonWay | ItemWay | undefined): void {
    for (const field of fieldsOf(type.vendor)) {
      if (field.deprecationReason != null) this.#leave(type, field, 'the system will remove it');
      else if (type.fields.length >= MAX_FIELDS_OF_TYPE)
        this.#leave(type, field, `its type has ${MAX_FIELDS_OF_TYPE} fields already`);
      else if (this.#count >= MAX_FIELDS)
        this.#leave(type, field, `the source has ${MAX_FIELDS} fields already`);
      else this.#add(type, field, byId);
    }
  }

  #add(type: PlannedType, field: OutputField, byId: PersonWay | ItemWay | undefined): void {
    const named = getNamedType(field.type);
    const shape = listShapeOf(field.type);
    if (shape !== undefined && (shape.rows !== '.' || !needsNoArgument(field))) {
      this.#addList(type, field, byId);
      return;
    }
    if (!needsNoArgument(field)) {
      this.#leave(type, field, 'it needs an argument');
      return;
    }
    if (isUnionType(named)) {
      this.#leave(type, field, 'its objects have several types');
      return;
    }
    const base = baseOf(field);
    if (isLeafType(named)) {
      if (isNested(field)) {
        this.#leave(type, field, 'it is a list of lists');
        return;
      }
      this.#push(type, leafOf(field));
      return;
    }
    if (!isFielded(named)) return;
    const money = isList(field.type) ? undefined : moneyOf(named, field.name);
    if (money !== undefined) {
      const { amount, amountScalar, ...of } = money;
      this.#push(type, { ...base, from: `${field.name}.${amount}`, scalar: amountScalar, money: of });
      return;
    }
    this.#addObject(type, field, named);
  }

  /** An object, or a list of objects, in the record itself. */
  #addObject(type: PlannedType, field: OutputField, vendor: Fielded): void {
    const depth = this.#types.get(type.vendor.name)?.depth ?? 0;
    const known = this.#types.get(vendor.name);
    const flat = isList(field.type) ? undefined : flatFieldsOf(vendor);
    if (flat !== undefined) {
      for (const inner of flat) this.#push(type, within(field, inner));
      return;
    }
    if (
      vendor === type.vendor ||
      known?.depth === 0 ||
      (known !== undefined && this.#reaches(known.planned, type))
    ) {
      this.#leave(type, field, 'it refers back to its own type');
      return;
    }
    if (known === undefined && depth >= MAX_DEPTH) {
      this.#leave(type, field, `it is more than ${MAX_DEPTH} objects away from the customer`);
      return;
    }
    if (isNested(field)) {
      this.#leave(type, field, 'it is a list of lists');
      return;
    }
    this.#push(type, { ...baseOf(field), object: this.#typeOf(vendor, depth + 1) });
  }

  /** Whether objects of a type contain one of the other type. Types without fields yet contain none. */
  #reaches(from: PlannedType, to: PlannedType, seen = new Set<PlannedType>()): boolean {
    if (from === to) return true;
    if (seen.has(from)) return false;
    seen.add(from);
    return from.fields.some(({ object }) => object !== undefined && this.#reaches(object, to, seen));
  }

  /** A list that is loaded by a separate call, with a key from the record. */
  #addList(type: PlannedType, field: OutputField, byId: PersonWay | ItemWay | undefined): void {
    const shape = listShapeOf(field.type);
    if (shape === undefined) return;
    if (byId === undefined) {
      this.#leave(type, field, `no field of Query finds one ${type.vendor.name} by its id`);
      return;
    }
    const { texts, hasCursor } = pageArguments(field.args, shape.isConnection);
    const missing = field.args.filter(
      (argument) =>
        isNonNullType(argument.type) &&
        argument.defaultValue === undefined &&
        !texts.some((text) => text.startsWith(`${argument.name}:`)),
    );
    if (missing.length > 0) {
      this.#leave(type, field, 'it needs an argument');
      return;
    }
    if (this.#lists.length >= MAX_LISTS) {
      this.#leave(type, field, `the source has ${MAX_LISTS} lists already`);
      return;
    }
    if (shape.item === type.vendor || this.#types.get(shape.item.name)?.depth === 0) {
      this.#leave(type, field, 'it refers back to its own type');
      return;
    }
    if (!hasCursor && texts.length > 0) {
      this.#leave(type, field, 'it has pages, and no cursor as text that continues them');
      return;
    }
    const depth = this.#types.get(type.vendor.name)?.depth ?? 0;
    if (depth >= MAX_DEPTH && !this.#types.has(shape.item.name)) {
      this.#leave(type, field, `it is more than ${MAX_DEPTH} objects away from the customer`);
      return;
    }
    const item = this.#typeOf(shape.item, depth + 1);
    const list: PlannedList = {
      call: this.#callName(type, field),
      field: `${byId.field}.${field.name}${texts.length === 0 ? '' : `(${texts.join(', ')})`}`,
      keyType: byId.keyType,
      rows: shape.rows,
      hasPages: hasCursor,
      keyPath: byId.keyPath,
      item,
    };
    this.#lists.push(list);
    this.#push(type, { ...baseOf(field), isList: true, list });
  }

  #callName(type: PlannedType, field: OutputField): string {
    const name = camelCase(wordsOf(field.name));
    return this.#lists.some(({ call }) => call === name)
      ? camelCase([...wordsOf(type.vendor.name), ...wordsOf(field.name)])
      : name;
  }

  #push(type: PlannedType, field: PlannedField): void {
    if (type.fields.some(({ name }) => name === field.name)) return;
    this.#count += 1;
    type.fields.push(field);
  }

  /** A field of Query that finds one object of a type by its id. */
  #wayOf(vendor: Fielded): ItemWay | undefined {
    const keyPath = keyPathOf('id', 'id', vendor);
    if (keyPath === undefined) return undefined;
    for (const { prefix, field } of rootFields(this.#schema)) {
      const [argument, ...others] = field.args.filter(
        ({ type, defaultValue, name }) =>
          name === 'id' || (isNonNullType(type) && defaultValue === undefined),
      );
      if (nullableOf(field.type) !== vendor || argument?.name !== 'id' || others.length > 0) continue;
      const keyType = getNamedType(argument.type);
      if (isScalarType(keyType))
        return { field: `${prefix}${field.name}(id: $key)`, keyType: keyType.name, keyPath };
    }
    return undefined;
  }
}

/** The call that finds one object of a type by its id. */
type ItemWay = Pick<PersonWay, 'field' | 'keyType' | 'keyPath'>;

function baseOf(field: OutputField): PlannedField {
  return {
    name: camelCase(wordsOf(field.name).map((word, i) => (i === 0 && /^\d/.test(word) ? `n${word}` : word))),
    from: field.name,
    ...(field.description == null || field.description.trim() === ''
      ? {}
      : { description: field.description.trim() }),
    isList: isList(field.type),
    isNullable: !isNonNullType(field.type),
  };
}

function leafOf(field: OutputField): PlannedField {
  const named = getNamedType(field.type);
  return isEnum(named)
    ? { ...baseOf(field), values: named.getValues().map(({ name }) => name) }
    : { ...baseOf(field), scalar: named.name };
}

/** The fields of a small object without an id, such as a name. They become fields of the object around it. */
function flatFieldsOf(type: Fielded): PlannedField[] | undefined {
  const fields = fieldsOf(type).filter((field) => field.deprecationReason == null);
  const isFlat = (field: OutputField) => isLeaf(field) && needsNoArgument(field);
  return fields.length <= MAX_FLAT_FIELDS && fields.every(isFlat) && keyPathOf('id', 'id', type) === undefined
    ? fields.map(leafOf)
    : undefined;
}

/** A field of a small object as a field of the object around it: `name { given }` becomes `nameGiven`. */
function within(field: OutputField, inner: PlannedField): PlannedField {
  const outer = wordsOf(field.name);
  const inside = wordsOf(inner.name);
  const repeated = inside.every((word, i) => outer[outer.length - inside.length + i] === word);
  const startsWithOuter = outer.every((word, i) => inside[i] === word);
  const words = repeated ? outer : startsWithOuter ? inside : [...outer, ...inside];
  return {
    ...inner,
    name: camelCase(words),
    from: `${field.name}.${inner.from}`,
    isNullable: inner.isNullable || !isNonNullType(field.type),
  };
}

/** Whether a field is a list of lists. */
function isNested({ type }: OutputField): boolean {
  return /\[\[/.test(String(type).replaceAll('!', ''));
}

/** The paths of the amount and the currency in an object. Undefined if it is not money. */
function moneyOf(
  type: Fielded,
  name: string,
): { amount: string; amountScalar: string; currency: string; minorUnits?: number } | undefined {
  const fields = fieldsOf(type).filter(needsNoArgument);
  if (fields.length > 6) return undefined;
  const amount = fields.find((field) => AMOUNT.test(field.name) && isLeaf(field));
  const currency = fields.find((field) => CURRENCY.test(field.name) && !isList(field.type));
  if (amount === undefined || currency === undefined) return undefined;
  const object = nullableOf(currency.type);
  const code = isFielded(object)
    ? fieldsOf(object).find((field) => /^(code|isoCode|id)$/.test(field.name) && isLeaf(field))
    : undefined;
  if (isFielded(object) && code === undefined) return undefined;
  const path = code === undefined ? currency.name : `${currency.name}.${code.name}`;
  const inCents = /cent|minor/i.test(amount.name);
  return {
    amount: amount.name,
    amountScalar: getNamedType(amount.type).name,
    currency: `${name}.${path}`,
    ...(inCents ? { minorUnits: 2 } : {}),
  };
}
