import type { DraftField, DraftType } from '../draft.js';
import { listOrderOf } from '../list-order.js';
import { valuesAt } from '../values.js';
import { camelCase, pascalCase, wordsOf } from '../words.js';
import { idPathOf } from './records.js';
import { scalarOf } from './scalar.js';
import { mergeShapes, pathName, shapeOfValues, type Member, type Shape } from './shape.js';

/** Drafts the types of a source from the described and the sampled shapes of its records. */

export interface TypeSource {
  /** The shape that the description declares. */
  shape: Shape;
  /** What it is, such as `Order`. */
  thing: string;
  /** Sampled objects. */
  samples: readonly unknown[];
}

/** A list that a further call loads. */
export interface ListSource extends TypeSource {
  call: string;
  /** The path of the key in the customer's record. */
  key: string;
}

const MAX_DEPTH = 2;
const MAX_FIELDS = 120;
const MAX_FIELDS_OF_TYPE = 40;
/** An object with more fields has a type of its own. */
const MAX_FLAT_FIELDS = 6;
const MAX_SAMPLES = 50;
const CURRENCY =
  /^(currency|currency_?code|currency_?iso|iso_?currency|order_currency_code|base_currency_code)$/i;
const AMOUNT_MEMBER = /^(amount|value|cents|centAmount|amountCents|minorUnits|price)$/;
const AMOUNT_WORD =
  /^(amount|total|totals|subtotal|price|balance|tax|discount|paid|due|fee|fees|cost|costs|revenue|credit|debit|outstanding|spent|refunded|invoiced|shipping)$/;

export class TypeDrafter {
  readonly #prefix: string;
  readonly #types = new Map<string, DraftType>();
  /** Fields that are left out, by the reason. */
  readonly #leftOut = new Map<string, string[]>();
  #count = 0;

  constructor(source: string) {
    this.#prefix = pascalCase(wordsOf(source));
  }

  get types(): Readonly<Record<string, DraftType>> {
    return Object.fromEntries(this.#types);
  }

  get leftOut(): ReadonlyMap<string, readonly string[]> {
    return this.#leftOut;
  }

  /** The type of the customer's record. `within` is the path of the record in an answer that is one record. */
  customer(source: TypeSource, within: string, lists: readonly ListSource[]): DraftType {
    const shape = mergeShapes(source.shape, shapeOfValues(source.samples));
    const name = this.#nameOf(source.thing);
    const id = idPathOf(shape, source.thing);
    const idPath = id === undefined ? undefined : within === '' ? id : `${within}.${id}`;
    const fields = this.#fieldsOf({
      shape,
      samples: source.samples,
      thing: source.thing,
      prefix: within,
      id,
      depth: 0,
    });
    const related = lists.flatMap((list): DraftField[] => {
      const type = this.#typeOf(
        list.thing,
        mergeShapes(list.shape, shapeOfValues(list.samples)),
        list.samples,
        1,
      );
      if (type === undefined) return [];
      const order = listOrderOf(type.id, type.fields);
      return [
        {
          ...{
            name: list.call,
            from: list.call,
            type: type.name,
            isList: true,
            isNullable: true,
            samples: [],
          },
          call: { name: list.call, key: list.key, ...(order === undefined ? {} : { order }) },
        },
      ];
    });
    const own = fields.filter((field) => !related.some((other) => other.name === field.name));
    return {
      name,
      description: descriptionOf(shape, source.thing),
      ...(idPath === undefined ? {} : { id: idPath }),
      fields: [...own, ...related],
    };
  }

  #nameOf(thing: string): string {
    const name = pascalCase(wordsOf(thing));
    return name.startsWith(this.#prefix) ? name : `${this.#prefix}${name}`;
  }

  #typeOf(thing: string, shape: Shape, samples: readonly unknown[], depth: number): DraftType | undefined {
    const base = this.#nameOf(thing);
    let name = base;
    for (let n = 2; this.#types.has(name); n += 1) name = `${base}${n}`;
    const id = idPathOf(shape, thing);
    const type = {
      name,
      description: descriptionOf(shape, thing),
      ...(id === undefined ? {} : { id }),
      fields: [],
    };
    // Reserves the name for the types in it.
    this.#types.set(name, type);
    const fields = this.#fieldsOf({ shape, samples, thing, prefix: '', id, depth });
    if (fields.length === 0) {
      this.#types.delete(name);
      return undefined;
    }
    const finished = { ...type, fields };
    this.#types.set(name, finished);
    return finished;
  }

  #leave(thing: string, name: string, reason: string): void {
    this.#leftOut.set(reason, [...(this.#leftOut.get(reason) ?? []), `${thing}.${name}`]);
  }

  #fieldsOf(holder: Holder): DraftField[] {
    const fields: DraftField[] = [];
    for (const member of holder.shape.members()) {
      if (fields.length >= MAX_FIELDS_OF_TYPE)
        this.#leave(holder.thing, member.name, `its type has ${MAX_FIELDS_OF_TYPE} fields already`);
      else if (this.#count >= MAX_FIELDS)
        this.#leave(holder.thing, member.name, `the source has ${MAX_FIELDS} fields already`);
      else
        for (const field of this.#memberFields(member, holder)) {
          if (fields.some(({ name }) => name === field.name)) continue;
          this.#count += 1;
          fields.push(field);
        }
    }
    return fields;
  }

  #memberFields(member: Member, holder: Holder): DraftField[] {
    const { name, shape, isRequired } = member;
    const fieldName = nameOf(wordsOf(name));
    if (fieldName === undefined || name.startsWith('_')) {
      this.#leave(
        holder.thing,
        name,
        name.startsWith('_') ? 'its name is that of an internal member' : 'its name has no letters',
      );
      return [];
    }
    const at = (path: string) => (holder.prefix === '' ? path : `${holder.prefix}.${path}`);
    const samples = valuesAt(holder.samples, pathName(name));
    const isNullable =
      !isRequired || shape.isNullable || samples.length === 0 || samples.length < holder.samples.length;
    const base = {
      ...{ name: fieldName, from: at(pathName(name)), isNullable },
      ...(shape.description === undefined ? {} : { description: shape.description }),
    };
    if (shape.kind === 'object') return this.#objectFields(member, holder, base, samples);
    if (shape.kind === 'list') return this.#listFields(member, holder, base);
    const money = this.#moneyOf(member, holder, samples);
    if (money !== undefined)
      return [{ ...base, ...money, isList: false, samples: samples.slice(0, MAX_SAMPLES) }];
    const isId = holder.id === pathName(name);
    const decided = scalarOf({ name, shape, isId }, samples);
    if (typeof decided === 'string') {
      this.#leave(holder.thing, name, decided);
      return [];
    }
    // The id finds the record, so each record has it.
    return [
      {
        ...base,
        ...decided,
        isList: false,
        isNullable: isNullable && !isId,
        samples: samples.slice(0, MAX_SAMPLES),
      },
    ];
  }

  #objectFields(
    { name, shape }: Member,
    holder: Holder,
    base: Base,
    samples: readonly unknown[],
  ): DraftField[] {
    const members = shape.members();
    const thing = `${holder.thing}${pascalCase(wordsOf(name))}`;
    const amount = members.find((inner) => AMOUNT_MEMBER.test(inner.name));
    const currency = members.find((inner) => CURRENCY.test(inner.name));
    if (amount !== undefined && currency !== undefined && members.length <= 4) {
      const values = valuesAt(samples, pathName(amount.name));
      const paths = {
        from: `${base.from}.${pathName(amount.name)}`,
        currency: `${base.from}.${pathName(currency.name)}`,
      };
      return [moneyField({ ...base, from: paths.from }, amount, paths.currency, values)];
    }
    if (members.length === 0) {
      this.#leave(holder.thing, name, 'its members are not known');
      return [];
    }
    const isFlat =
      members.length <= MAX_FLAT_FIELDS &&
      members.every((inner) => !/^(object|list)$/.test(inner.shape.kind));
    if (isFlat && idPathOf(shape, name) === undefined) {
      const inner = this.#fieldsOf({
        shape,
        samples,
        thing,
        prefix: base.from,
        id: undefined,
        depth: holder.depth,
      });
      // They are counted as fields of the holder.
      this.#count -= inner.length;
      return inner.map((field) => ({
        ...field,
        name: joinedName(wordsOf(name), wordsOf(field.name)),
        isNullable: field.isNullable || base.isNullable,
      }));
    }
    if (holder.depth >= MAX_DEPTH) {
      this.#leave(holder.thing, name, `it is more than ${MAX_DEPTH} objects away from the customer`);
      return [];
    }
    const type = this.#typeOf(
      shape.name === undefined ? thing : shape.name,
      shape,
      samples,
      holder.depth + 1,
    );
    return type === undefined ? [] : [{ ...base, type: type.name, isList: false, samples: [] }];
  }

  #listFields({ name, shape }: Member, holder: Holder, base: Base): DraftField[] {
    const item = shape.item();
    const samples = valuesAt(holder.samples, pathName(name));
    if (item === undefined || item.kind === 'unknown' || item.kind === 'list') {
      this.#leave(
        holder.thing,
        name,
        item?.kind === 'list' ? 'it is a list of lists' : 'its items are not known',
      );
      return [];
    }
    // An empty list is a value, so a list that was always present is not null.
    const lists = holder.samples.flatMap((object) =>
      typeof object === 'object' && object !== null && Array.isArray(Reflect.get(object, name)) ? [1] : [],
    );
    const isNullable = lists.length === 0 || lists.length < holder.samples.length || shape.isNullable;
    if (item.kind !== 'object') {
      const decided = scalarOf({ name, shape: item, isId: false }, samples);
      if (typeof decided !== 'string')
        return [{ ...base, ...decided, isList: true, isNullable, samples: samples.slice(0, MAX_SAMPLES) }];
      this.#leave(holder.thing, name, decided);
      return [];
    }
    if (holder.depth >= MAX_DEPTH) {
      this.#leave(holder.thing, name, `it is more than ${MAX_DEPTH} objects away from the customer`);
      return [];
    }
    if (item.members().length === 0) {
      this.#leave(holder.thing, name, 'the members of its items are not known');
      return [];
    }
    const thing =
      item.name ??
      `${holder.thing}${pascalCase(wordsOf(name).map((word, i, all) => (i === all.length - 1 ? singular(word) : word)))}`;
    const type = this.#typeOf(thing, item, samples, holder.depth + 1);
    return type === undefined ? [] : [{ ...base, type: type.name, isList: true, isNullable, samples: [] }];
  }

  /** An amount whose currency is beside it. */
  #moneyOf(
    { name, shape }: Member,
    { shape: holder, prefix }: Holder,
    samples: readonly unknown[],
  ): Pick<DraftField, 'type' | 'conversion' | 'check'> | undefined {
    const words = wordsOf(name);
    const isAmount =
      words.some((word) => AMOUNT_WORD.test(word)) &&
      !words.some((word) =>
        /^(count|percent|percentage|rate|type|items|quantity|qty|status|is|id|number|date|at|code|currency|description)$/.test(
          word,
        ),
      );
    if (!isAmount || !/^(number|integer|text|unknown)$/.test(shape.kind) || !isDecimal(samples))
      return undefined;
    if (shape.kind === 'text' && samples.length === 0) return undefined;
    const currencies = holder.members().filter((member) => CURRENCY.test(member.name));
    const [currency] =
      words[0] === 'base'
        ? currencies.filter((member) => /base/i.test(member.name))
        : currencies.sort((a, b) => rank(a) - rank(b));
    if (currency === undefined) return undefined;
    const path = prefix === '' ? pathName(currency.name) : `${prefix}.${pathName(currency.name)}`;
    const { type, conversion, check } = moneyField(
      { name, from: '', isNullable: true },
      { name, shape, isRequired: false },
      path,
      samples,
    );
    return {
      type,
      ...(conversion === undefined ? {} : { conversion }),
      ...(check === undefined ? {} : { check }),
    };
  }
}

interface Holder {
  shape: Shape;
  samples: readonly unknown[];
  thing: string;
  /** The path of the object in the record. */
  prefix: string;
  id: string | undefined;
  depth: number;
}

type Base = Pick<DraftField, 'name' | 'from' | 'isNullable' | 'description'>;

const rank = ({ name }: Member) => (/base/i.test(name) ? 1 : 0);
const singular = (word: string) =>
  /(?:ss|us|is)$/.test(word) ? word : word.replace(/ies$/, 'y').replace(/s$/, '');
const isDecimal = (samples: readonly unknown[]) =>
  samples.every((value) => /^-?\d+(\.\d+)?$/.test(String(value)));

function moneyField(
  base: Base,
  { name, shape }: Member,
  currency: string,
  samples: readonly unknown[],
): DraftField {
  const saysMinor =
    /cent|minor/i.test(name) ||
    /\bcents?\b|minor unit|smallest (currency )?unit/i.test(shape.description ?? '');
  const isWhole = shape.kind === 'integer' && samples.every((value) => Number.isSafeInteger(value));
  const money = { currency: { from: currency }, ...(saysMinor ? { minorUnits: 2 } : {}) };
  return {
    ...base,
    ...{ type: 'Money', isList: false, conversion: { money }, samples: samples.slice(0, MAX_SAMPLES) },
    ...(isWhole && !saysMinor ? { check: 'whether the amount is in cents: then add minorUnits: 2' } : {}),
  };
}

/** The name of a field. Undefined if it has no letters. */
function nameOf(words: readonly string[]): string | undefined {
  const name = camelCase(words);
  if (name === '') return undefined;
  return /^\d/.test(name) ? `n${name}` : name;
}

/** The name of a field of a small object in its holder: `name { given }` is `nameGiven`. */
function joinedName(outer: readonly string[], inner: readonly string[]): string {
  const startsWithOuter = outer.every((word, i) => inner[i] === word);
  return nameOf(startsWithOuter ? inner : [...outer, ...inner]) ?? '';
}

function descriptionOf(shape: Shape, thing: string): string {
  const own = shape.description?.trim().split('\n')[0];
  if (own !== undefined && own !== '') return own;
  return `${wordsOf(thing)
    .join(' ')
    .replace(/^./, (first) => first.toUpperCase())}.`;
}
