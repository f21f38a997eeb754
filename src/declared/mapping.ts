import { Kind, type FieldDefinitionNode, type TypeNode } from 'graphql';
import { didYouMean } from '../did-you-mean.js';
import {
  ALL_CONVERSIONS,
  decimalOf,
  enumConversion,
  fromMinorUnits,
  scalarConversion,
  type Convert,
} from './conversions.js';
import type { FieldMapping, Mapping } from './grammar.js';
import { compileJsonata } from './jsonata.js';
import { joinPlaces, Mismatch, type Read } from './path.js';
import type { Place, Report } from './problems.js';
import { namedTypeOf, ROOTS, type SourceSdl } from './source-sdl.js';
import { readerOf, toText } from './text-value.js';

/** Maps a record of the system to an object of the schema. Throws a Mismatch. */
export type MapRecord = (record: unknown) => Readonly<Record<string, unknown>>;

export interface MapperOptions {
  source: string;
  sdl: SourceSdl;
  /** By `Type.field`. */
  fields: Readonly<Record<string, FieldMapping>>;
  /** Fields with a resolver written in code, by `Type.field`. */
  resolvedInCode: ReadonlySet<string>;
  report: Report;
}

const SCALARS = new Set([
  'String',
  'ID',
  'Int',
  'Float',
  'BigInt',
  'Decimal',
  'Boolean',
  'Date',
  'DateTime',
  'Duration',
]);
const EXACT = new Set(['Decimal', 'BigInt', 'Money']);

/**
 * Compiles the mapping of records to types of the SDL. Everything that does not depend on a record is decided once: each
 * field becomes one function.
 */
export class Mappers {
  /** Whether a mapped field is an exact number, so that the connector must not round the numbers of an answer. */
  hasExactNumbers = false;
  readonly #options: MapperOptions;
  readonly #mappers = new Map<string, MapRecord>();
  /**
   * The paths that are read from the records of each type. The value is the type of the objects at the path, if any.
   */
  readonly #paths = new Map<string, Map<string, string | undefined>>();

  constructor(options: MapperOptions) {
    this.#options = options;
  }

  mappingOf(type: string, field: string): Mapping {
    const declared = this.#options.fields[`${type}.${field}`];
    return typeof declared === 'string' ? { from: declared } : (declared ?? {});
  }

  /** Whether the objects of a type have the value of a field: it is neither loaded by a call nor resolved in code. */
  isValue(type: string, field: string): boolean {
    const isInCode = this.#options.resolvedInCode.has(`${type}.${field}`);
    return !isInCode && this.mappingOf(type, field).call === undefined;
  }

  /** The mapper of an object type. */
  of(type: string): MapRecord {
    const known = this.#mappers.get(type);
    if (known !== undefined) return known;
    // A type may contain itself.
    const late: { map?: MapRecord } = {};
    this.#mappers.set(type, (record) => late.map?.(record) ?? {});
    late.map = this.compile(type, this.#options.sdl.objectNamed(type)?.fields ?? []);
    this.#mappers.set(type, late.map);
    return late.map;
  }

  /**
   * The paths of a record that the compiled fields of a type are read from, and those of the objects in it. An object in one of
   * its own type has no end: its path ends with `.*`.
   */
  pathsOf(type: string, above: readonly string[] = []): readonly string[] {
    const within = [...above, type];
    return [...(this.#paths.get(type) ?? [])].flatMap(([path, inner]) => {
      if (inner === undefined) return [path];
      if (within.includes(inner)) return [`${path}.*`];
      return this.pathsOf(inner, within).map((below) => joinPlaces(path, below));
    });
  }

  #addPath(type: string, path: string, inner?: string): void {
    const paths = this.#paths.get(type) ?? new Map<string, string | undefined>();
    this.#paths.set(type, paths.set(path, inner));
  }

  /** Compiles the mapping of some fields of a type. */
  compile(type: string, fields: readonly FieldDefinitionNode[]): MapRecord {
    const names: string[] = [];
    const readers: Read[] = [];
    for (const field of fields) {
      const read = this.#fieldReader(type, field);
      if (read === undefined) continue;
      names.push(field.name.value);
      readers.push(read);
    }
    return (record) => {
      if (typeof record !== 'object' || record === null || Array.isArray(record))
        throw new Mismatch('.', 'an object');
      const mapped: Record<string, unknown> = {};
      for (let i = 0; i < names.length; i += 1) mapped[names[i] as string] = (readers[i] as Read)(record);
      return mapped;
    };
  }

  /** Undefined for a field that code resolves. */
  #fieldReader(type: string, field: FieldDefinitionNode): Read | undefined {
    const { report, resolvedInCode } = this.#options;
    const name = field.name.value;
    const id = `${type}.${name}`;
    const place: Place = ['fields', id];
    if (resolvedInCode.has(id)) return undefined;
    const mapping = this.mappingOf(type, name);
    if (mapping.call !== undefined) return this.#keyReader(type, mapping, place);
    if (mapping.key !== undefined || mapping.order !== undefined)
      report(
        place,
        `"${id}" has ${mapping.key === undefined ? 'order' : 'key'} without a call.`,
        'Add call, or remove it.',
      );
    if ((field.arguments ?? []).length > 0) {
      report(
        place,
        `"${id}" has arguments, so it cannot be read from a record.`,
        'Declare a call for it: { call: repairs, key: id, order: [-startedAt, number] }.',
      );
      return () => null;
    }
    if (mapping.jsonata !== undefined) return this.#jsonataReader(type, field, mapping, mapping.jsonata);
    const path = mapping.from ?? name;
    const inner = namedTypeOf(field.type);
    const isObject = mapping.money === undefined && this.#options.sdl.objectNamed(inner) !== undefined;
    this.#addPath(type, path, isObject ? inner : undefined);
    if (typeof mapping.money?.currency === 'object') this.#addPath(type, mapping.money.currency.from);
    const fromPlace =
      mapping.from === undefined
        ? place
        : this.#options.fields[id] === mapping.from
          ? place
          : [...place, 'from'];
    const read = readerOf(path, fromPlace, report);
    const convert = this.#convertType(field.type, mapping, path, place);
    return (record) => convert(read(record), record);
  }

  #jsonataReader(type: string, field: FieldDefinitionNode, mapping: Mapping, text: string): Read {
    const { report } = this.#options;
    const id = `${type}.${field.name.value}`;
    const place: Place = ['fields', id];
    if (mapping.from !== undefined)
      report([...place, 'from'], `"${id}" has from and jsonata.`, 'Remove one of them.');
    const nullable = field.type.kind === Kind.NON_NULL_TYPE ? field.type.type : field.type;
    const compiled = compileJsonata(text, {
      isList: nullable.kind === Kind.LIST_TYPE,
      isExact: EXACT.has(namedTypeOf(field.type)),
      ...{ place: [...place, 'jsonata'], report },
    });
    const convert = this.#convertType(field.type, mapping, id, place);
    if (compiled === undefined) return () => null;
    for (const path of compiled.paths) this.#addPath(type, path);
    if (typeof mapping.money?.currency === 'object') this.#addPath(type, mapping.money.currency.from);
    return (record) => convert(compiled.read(record), record);
  }

  /** The property of a field with a call holds the key of the call. */
  #keyReader(type: string, { key }: Mapping, place: Place): Read | undefined {
    if (ROOTS.has(type)) return undefined;
    if (key === undefined) {
      this.#options.report(
        place,
        `"${type}" has no key for this call.`,
        'Add key: the path of the key in the record, such as key: id.',
      );
      return () => null;
    }
    const read = readerOf(key, [...place, 'key'], this.#options.report);
    this.#addPath(type, key);
    return (record) => toText(read(record), key);
  }

  /** Compiles the conversion of a value, including lists and null as the SDL allows them. */
  #convertType(
    type: TypeNode,
    mapping: Mapping,
    path: string,
    place: Place,
  ): (value: unknown, record: unknown) => unknown {
    if (type.kind === Kind.NON_NULL_TYPE) {
      const convert = this.#convertType(type.type, mapping, path, place);
      return (value, record) => {
        const converted = convert(value, record);
        if (converted === null) throw new Mismatch(path, 'a value');
        return converted;
      };
    }
    if (type.kind === Kind.LIST_TYPE) {
      const convert = this.#convertType(type.type, mapping, path, place);
      return (value, record) => {
        if (value == null) return null;
        if (!Array.isArray(value)) throw new Mismatch(path, 'a list');
        return value.map((item) => convert(item, record));
      };
    }
    const name = type.name.value;
    if (EXACT.has(name)) this.hasExactNumbers = true;
    if (name === 'Money' && mapping.money !== undefined)
      return this.#moneyConversion(mapping.money, path, place);
    const convert = this.#namedConversion(name, mapping, path, place);
    return (value) => (value == null ? null : convert(value));
  }

  #namedConversion(name: string, mapping: Mapping, path: string, place: Place): Convert {
    const { sdl, report } = this.#options;
    if (SCALARS.has(name)) return scalarConversion(name, mapping, path, { place, report });
    const enumType = sdl.enumNamed(name);
    if (enumType !== undefined) {
      const values = (enumType.values ?? []).map((value) => value.name.value);
      return enumConversion({ name, values }, mapping.enum, path, { place, report });
    }
    for (const conversion of ALL_CONVERSIONS)
      if (mapping[conversion] !== undefined)
        report(
          [...place, conversion],
          `The conversion "${conversion}" does not make an object of the type ${name}.`,
          'Map the fields of the type instead.',
        );
    if (sdl.nodeTypeOf(name) !== undefined) {
      report(
        place,
        `"${String(place[1])}" is a connection without a call.`,
        'Declare a call for it, or use a list in the SDL.',
      );
      return (value) => value;
    }
    if (sdl.objectNamed(name) === undefined) {
      report(place, `The type "${name}" is not declared.`, 'Declare it in the SDL of the source.');
      return (value) => value;
    }
    const map = this.of(name);
    return (value) => {
      try {
        return map(value);
      } catch (error) {
        throw error instanceof Mismatch ? error.within(path) : error;
      }
    };
  }

  #moneyConversion(
    { currency, minorUnits }: NonNullable<Mapping['money']>,
    path: string,
    place: Place,
  ): (value: unknown, record: unknown) => unknown {
    const { report } = this.#options;
    const currencyPlace = [...place, 'money', 'currency'];
    if (typeof currency === 'string' && !/^[A-Z]{3}$/.test(currency))
      report(
        currencyPlace,
        `"${currency}" is not a currency.`,
        'Write an ISO 4217 code such as EUR, or { from: path }.',
      );
    const fixed = typeof currency === 'string' ? currency : undefined;
    const readCurrency =
      typeof currency === 'string' ? undefined : readerOf(currency.from, [...currencyPlace, 'from'], report);
    return (value, record) => {
      if (value == null) return null;
      const amount =
        minorUnits === undefined ? decimalOf(value, path) : fromMinorUnits(value, minorUnits, path);
      const code = fixed ?? readCurrency?.(record);
      if (typeof code !== 'string' || !/^[A-Z]{3}$/.test(code))
        throw new Mismatch(typeof currency === 'string' ? path : currency.from, 'a currency code');
      return { amount, currency: code };
    };
  }

  /** Reports fields of the declaration that the SDL does not have. */
  checkNames(): void {
    const { sdl, fields, report } = this.#options;
    const known = [...sdl.objects].flatMap(([type, { fields: fieldsOfType = [] }]) =>
      fieldsOfType.map(({ name }) => `${type}.${name.value}`),
    );
    for (const id of Object.keys(fields))
      if (!known.includes(id) && !sdl.unclassified.some(({ problem }) => problem.startsWith(`"${id}" `)))
        report(
          ['fields', id],
          `The SDL has no field "${id}".`,
          didYouMean(id, known).trim() || 'Declare it in the SDL, or remove it here.',
        );
  }
}
