import type { DraftField, DraftType } from '../draft.js';
import { listOrderOf } from '../list-order.js';
import { valuesAt } from '../values.js';
import { camelCase, pascalCase, singularOf, wordsOf } from '../words.js';
import { amountBeside, amountIn, moneyOf } from './money.js';
import { idPathOf, thingName } from './records.js';
import { scalarOf } from './scalar.js';
import { mergeShapes, pathName, shapeOfValues, type Member, type Shape } from './shape.js';

/** Drafts the types of a source from the described and the sampled shapes of its records. */

export interface TypeSource {
  /** The shape that the description declares. */
  shape: Shape;
  /** What a record is, such as `Order`. */
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
const MAX_SAMPLES = 500;

export class TypeDrafter {
  readonly #prefix: string;
  readonly #types = new Map<string, DraftType>();
  /** Fields that are left out, by the reason. */
  readonly #leftOut = new Map<string, string[]>();
  /** The names of types, by their schema. */
  readonly #bySchema = new Map<string, string>();
  #customerName = '';
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
    this.#customerName = name;
    const id = idPathOf(shape, source.thing);
    const idPath = id === undefined ? undefined : within === '' ? id : `${within}.${id}`;
    const fields = this.#fieldsOf({
      shape,
      samples: source.samples,
      thing: source.thing,
      prefix: within,
      id,
      depth: 0,
      above: schemaName(shape),
    });
    const related = lists.flatMap((list): DraftField[] => {
      const type = this.#typeOf(
        list.thing,
        mergeShapes(list.shape, shapeOfValues(list.samples)),
        list.samples,
        { depth: 0, above: schemaName(shape) },
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
    const read = fields.filter((field) => !related.some((other) => other.name === field.name));
    return {
      name,
      description: descriptionOf(shape, source.thing),
      ...(idPath === undefined ? {} : { id: idPath }),
      fields: [...read, ...related],
    };
  }

  #nameOf(thing: string): string {
    const name = pascalCase(wordsOf(thing));
    return name.startsWith(this.#prefix) ? name : `${this.#prefix}${name}`;
  }

  #typeOf(
    thing: string,
    shape: Shape,
    samples: readonly unknown[],
    holder: Pick<Holder, 'depth' | 'above'>,
  ): DraftType | undefined {
    const base = this.#nameOf(thing);
    let name = base;
    for (let n = 2; this.#types.has(name) || name === this.#customerName; n += 1) name = `${base}${n}`;
    const id = idPathOf(shape, thing);
    const type = {
      name,
      description: descriptionOf(shape, thing),
      ...(id === undefined ? {} : { id }),
      fields: [],
    };
    // Reserves the name before the types inside this one are drafted.
    this.#types.set(name, type);
    const fields = this.#fieldsOf({
      ...{ shape, samples, thing, prefix: '', id, depth: holder.depth + 1 },
      above: [...holder.above, ...schemaName(shape)],
    });
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
    const members = holder.shape.members();
    const isSampled = ({ name }: Member) => valuesAt(holder.samples, pathName(name)).length > 0;
    // If not all fields fit, those that records have are preferred.
    const sorted =
      members.length > MAX_FIELDS_OF_TYPE
        ? members.toSorted((a, b) => Number(isSampled(b)) - Number(isSampled(a)))
        : members;
    for (const member of sorted) {
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
        name.startsWith('_') ? 'its name suggests an internal member' : 'its name has no letters',
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
    const money = amountBeside(member, holder.shape, holder.prefix, samples);
    if (money !== undefined)
      return [{ ...base, ...money, isList: false, samples: samples.slice(0, MAX_SAMPLES) }];
    const isId = holder.id === pathName(name);
    const decided = scalarOf({ name, shape, isId }, samples);
    if (typeof decided === 'string') {
      this.#leave(holder.thing, name, decided);
      return [];
    }
    // The id finds the record, so it is never null.
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
    const found = amountIn(shape);
    if (found !== undefined) {
      const { amount, currency } = found;
      const values = valuesAt(samples, pathName(amount.name));
      const money = moneyOf(amount, `${base.from}.${currency}`, values);
      const from = `${base.from}.${pathName(amount.name)}`;
      return [{ ...base, from, ...money, isList: false, samples: values.slice(0, MAX_SAMPLES) }];
    }
    const isFlat =
      members.length > 0 &&
      members.length <= MAX_FLAT_FIELDS &&
      members.every((inner) => !/^(object|list)$/.test(inner.shape.kind));
    if (isFlat && !members.some((inner) => /^(id|uuid|guid)$/i.test(inner.name))) {
      const inner = this.#fieldsOf({
        shape,
        samples,
        thing,
        prefix: base.from,
        id: undefined,
        depth: holder.depth,
        above: holder.above,
      });
      // Its fields count as fields of the object around it.
      this.#count -= inner.length;
      return inner.map((field) => ({
        ...field,
        name: joinedName(wordsOf(name), wordsOf(field.name)),
        isNullable: field.isNullable || base.isNullable,
      }));
    }
    const type = this.#innerType({ name, shape, samples, thing }, holder);
    return type === undefined ? [] : [{ ...base, type: type.name, isList: false, samples: [] }];
  }

  /** The type of an object in a record. Undefined if it has none, which is reported. */
  #innerType(
    { name, shape, samples, thing }: TypeSource & { name: string },
    holder: Holder,
  ): DraftType | undefined {
    const [schema] = schemaName(shape);
    if (schema !== undefined && holder.above.includes(schema)) {
      this.#leave(holder.thing, name, 'it refers back to its own type');
      return undefined;
    }
    if (holder.depth >= MAX_DEPTH) {
      this.#leave(holder.thing, name, `it is more than ${MAX_DEPTH} objects away from the customer`);
      return undefined;
    }
    if (shape.members().length === 0) {
      this.#leave(holder.thing, name, 'its members are not known');
      return undefined;
    }
    const known = this.#bySchema.get(schema ?? '');
    const type = this.#typeOf(schema === undefined ? thing : thingName(shape, ''), shape, samples, holder);
    if (type === undefined || schema === undefined) return type;
    if (known !== undefined) return this.#joined(known, type);
    this.#bySchema.set(schema, type.name);
    return type;
  }

  /** One type for two places of a schema. A field of one place may be missing in the other. */
  #joined(knownName: string, type: DraftType): DraftType {
    const known = this.#types.get(knownName);
    const isSame =
      known !== undefined &&
      JSON.stringify(known.fields.map(formOf)) === JSON.stringify(type.fields.map(formOf));
    if (!isSame) return type;
    this.#types.delete(type.name);
    const fields = known.fields.map((field, i) => ({
      ...field,
      isNullable: field.isNullable || type.fields[i]?.isNullable === true,
      samples: [...field.samples, ...(type.fields[i]?.samples ?? [])].slice(0, MAX_SAMPLES),
    }));
    const joined = { ...known, fields };
    this.#types.set(knownName, joined);
    return joined;
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
    // An empty list is a value. So a list that was always present is never null.
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
    const words = wordsOf(name).map((word, i, all) => (i === all.length - 1 ? singularOf(word) : word));
    const thing = `${holder.thing}${pascalCase(words)}`;
    const type = this.#innerType({ name, shape: item, samples, thing }, holder);
    return type === undefined ? [] : [{ ...base, type: type.name, isList: true, isNullable, samples: [] }];
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
  /** The names of the schemas around it, and its own. */
  above: readonly string[];
}

const schemaName = ({ name }: Shape): string[] => (name === undefined ? [] : [name]);
/** The fields that two types of one schema have in common. */
const formOf = ({ name, from, type, isList, conversion }: DraftField) => [
  name,
  from,
  type,
  isList,
  conversion,
];

type Base = Pick<DraftField, 'name' | 'from' | 'isNullable' | 'description'>;

/** The name of a field. Undefined if it has no letters. */
function nameOf(words: readonly string[]): string | undefined {
  const name = camelCase(words);
  if (name === '') return undefined;
  return /^\d/.test(name) ? `n${name}` : name;
}

/**
 * The name of a field of a small object, as a field of the object around it: `name { given }` is `nameGiven`.
 */
function joinedName(outer: readonly string[], inner: readonly string[]): string {
  const startsWithOuter = outer.every((word, i) => inner[i] === word);
  return nameOf(startsWithOuter ? inner : [...outer, ...inner]) ?? '';
}

function descriptionOf(shape: Shape, thing: string): string {
  const described = shape.description?.trim().split('\n')[0];
  if (described !== undefined && described !== '') return described;
  return `${wordsOf(thing)
    .join(' ')
    .replace(/^./, (first) => first.toUpperCase())}.`;
}
