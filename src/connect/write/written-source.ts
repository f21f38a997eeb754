import { isTypeDefinitionNode, Kind, parse } from 'graphql';
import { readSdlFiles } from '../../stitching/sdl.js';
import type { Decisions, Draft, DraftField, DraftType, FieldPrivacy } from '../draft.js';
import { wordsOf } from '../words.js';
import { distinctName, enumValueName, fieldName, typeName } from './names.js';

/** The types, fields and calls that the declaration, the SDL and the recording have in common. */
export interface WrittenSource {
  /** The field of `Customer` that is the record as a whole, such as `club`. */
  customerField: string;
  customer: WrittenType;
  /** All types, that of the customer first. */
  types: readonly WrittenType[];
  enums: readonly WrittenEnum[];
  /** The names of the used calls. */
  calls: ReadonlySet<string>;
  /** Fields that are not written, as `Type.field` of the draft, with the reason. */
  leftOut: ReadonlyMap<string, string>;
}

export interface WrittenType extends Access {
  draft: DraftType;
  name: string;
  fields: readonly WrittenField[];
  /** The category of most of its fields. */
  category: string;
}

/** The scopes and purposes that give access to a field. */
interface Access {
  /** An empty list: every authenticated caller. */
  scopes: readonly (readonly string[])[];
  /** An empty list: any purpose. */
  purposes: readonly string[];
}

export interface WrittenField {
  draft: DraftField;
  name: string;
  /** The name of its type, without list and connection. */
  type: string;
  enum?: WrittenEnum;
  object?: WrittenType;
  isConnection: boolean;
  /** The privacy rules. Only for a field that is not an object. */
  privacy?: Classified;
}

type Classified = Exclude<FieldPrivacy, { leftOutBecause: string }>;

export interface WrittenEnum {
  name: string;
  /** The field that uses it, such as `ClubMember.status`. */
  of: string;
  /** The names in GraphQL, by the value of the system. */
  values: ReadonlyMap<string, string>;
}

/** Types of values that can be masked. */
const MASKABLE = new Set(['String', 'ID', 'Date']);
/** Numbers that are written as an ID if they have a mask. */
const WHOLE = new Set(['Int', 'BigInt']);

/** Decides which parts of a draft are written. */
export function writtenSource(draft: Draft, decisions: Decisions): WrittenSource {
  return new SourceWriter(draft, decisions).write();
}

interface TypeInWork extends WrittenType {
  fields: WrittenField[];
}

class SourceWriter {
  readonly #draft: Draft;
  readonly #decisions: Decisions;
  readonly #core = coreNames();
  readonly #typeNames: Set<string>;
  readonly #types = new Map<string, TypeInWork>();
  readonly #enums: WrittenEnum[] = [];
  readonly #leftOut = new Map<string, string>();

  constructor(draft: Draft, decisions: Decisions) {
    this.#draft = draft;
    this.#decisions = decisions;
    this.#typeNames = new Set(this.#core.types);
  }

  write(): WrittenSource {
    const customer = this.#typeOf(this.#draft.customer);
    this.#removeEmptyTypes();
    const types = reachedFrom(customer);
    for (const type of types) this.#classify(type);
    for (const type of types) widenPurposes(type);
    const fields = types.flatMap((type) => type.fields);
    for (const field of fields) field.isConnection = this.#isConnection(field);
    const calls = new Set(Object.values(this.#decisions.foundBy).map(({ call }) => call));
    for (const { draft } of fields) if (draft.call !== undefined) calls.add(draft.call.name);
    const used = new Set(fields.map((field) => field.enum));
    const name = fieldName(this.#draft.source);
    return {
      customerField: this.#core.customerFields.has(name) ? `${name}Record` : name,
      ...{ customer, types, calls, leftOut: this.#leftOut },
      enums: this.#enums.filter((written) => used.has(written)),
    };
  }

  #typeOf(draft: DraftType): TypeInWork {
    const known = this.#types.get(draft.name);
    if (known !== undefined) return known;
    const taken = this.#typeNames.has(typeName(draft.name));
    const wanted = taken ? typeName(`${this.#draft.source} ${draft.name}`) : typeName(draft.name);
    const type: TypeInWork = {
      ...{ draft, name: distinctName(wanted, this.#typeNames), fields: [], category: 'NONE' },
      ...{ scopes: [], purposes: [] },
    };
    // The gateway adds a connection of the type, so its names are taken too.
    this.#typeNames.add(`${type.name}Connection`).add(`${type.name}Edge`);
    this.#types.set(draft.name, type);
    const names = new Set<string>();
    for (const field of draft.fields) {
      const written = this.#fieldOf(type, field, names);
      if (typeof written === 'string') this.#leftOut.set(`${draft.name}.${field.name}`, written);
      else type.fields.push(written);
    }
    return type;
  }

  /** The field, or the reason why it is not written. */
  #fieldOf(type: TypeInWork, field: DraftField, names: Set<string>): WrittenField | string {
    const privacy = this.#decisions.privacy[`${type.draft.name}.${field.name}`];
    if (privacy !== undefined && 'leftOutBecause' in privacy) return privacy.leftOutBecause;
    const object = this.#draft.types[field.type];
    if (object !== undefined) {
      const written = this.#typeOf(object);
      const name = distinctName(fieldName(field.name), names);
      return { draft: field, name, type: written.name, object: written, isConnection: false };
    }
    if (privacy === undefined) return 'it is not classified';
    const base = { draft: field, isConnection: false, privacy };
    if (field.type === 'Enum' && !isHidden(privacy)) {
      const name = distinctName(fieldName(field.name), names);
      const written = this.#enumOf(type, name, field.values ?? []);
      return { ...base, name, type: written.name, enum: written };
    }
    const scalar = field.type === 'Enum' ? 'String' : field.type;
    const masked = privacy.mask !== undefined && !MASKABLE.has(scalar);
    if (masked && !WHOLE.has(scalar))
      return `its values have the mask ${privacy.mask}, which a ${scalar} cannot have`;
    return { ...base, name: distinctName(fieldName(field.name), names), type: masked ? 'ID' : scalar };
  }

  #enumOf(type: TypeInWork, field: string, values: readonly string[]): WrittenEnum {
    const name = `${type.name}${field.charAt(0).toUpperCase()}${field.slice(1)}`;
    const taken = new Set<string>();
    const written = {
      name: distinctName(name, this.#typeNames),
      of: `${type.name}.${field}`,
      values: new Map(values.map((value) => [value, distinctName(enumValueName(value), taken, '_')])),
    };
    this.#enums.push(written);
    return written;
  }

  /** A type without fields cannot be written, and neither can a field of it. */
  #removeEmptyTypes(): void {
    for (let again = true; again;) {
      again = false;
      for (const type of this.#types.values()) {
        const rest = type.fields.filter(({ object }) => object === undefined || object.fields.length > 0);
        if (rest.length === type.fields.length) continue;
        again = true;
        for (const field of type.fields)
          if (!rest.includes(field))
            this.#leftOut.set(`${type.draft.name}.${field.draft.name}`, 'its type has no field left');
        type.fields = rest;
      }
    }
  }

  #classify(type: TypeInWork): void {
    const classified = type.fields.flatMap(({ privacy }) => privacy ?? []);
    type.category = mostCommon(
      classified.map(({ category }) => category).filter((category) => category !== 'NONE'),
      'NONE',
    );
    type.scopes = JSON.parse(
      mostCommon(
        classified.map(({ scopes }) => JSON.stringify(scopes)),
        '[]',
      ),
    ) as WrittenType['scopes'];
    type.purposes = unionOf(classified.map(({ purposes }) => purposes));
  }

  /**
   * A list that a call loads is a connection if the fields of its order are written. A database continues a
   * list after the values of a row, so these fields must never be null: each caller who sees the row must see
   * them.
   */
  #isConnection({ draft, object }: WrittenField): boolean {
    const order = draft.call?.order?.map((name) => name.replace(/^-/, ''));
    if (!draft.isList || order === undefined || object === undefined) return false;
    return order.every((name) => {
      const field = object.fields.find((candidate) => candidate.draft.name === name);
      if (field === undefined || this.#draft.kind !== 'sql') return field !== undefined;
      return !field.draft.isNullable && field.privacy !== undefined && isSameAccess(field.privacy, object);
    });
  }
}

/** Whether the values of an enum may identify a person. Then they are written as texts. */
function isHidden({ mask, category, isRecognised }: Classified): boolean {
  return mask !== undefined || !isRecognised || category === 'IDENTITY' || category === 'CONTACT';
}

function reachedFrom(customer: TypeInWork): TypeInWork[] {
  const reached = new Set<WrittenType>();
  const reach = (type: WrittenType): void => {
    if (reached.has(type)) return;
    reached.add(type);
    for (const { object } of type.fields) if (object !== undefined) reach(object);
  };
  reach(customer);
  return [...reached] as TypeInWork[];
}

/** An object allows each purpose that one of its fields allows. */
function widenPurposes(type: TypeInWork): void {
  const seen = new Set<WrittenType>();
  const below = (inner: WrittenType): (readonly string[])[] => {
    if (seen.has(inner)) return [];
    seen.add(inner);
    return inner.fields.flatMap(({ privacy, object }) => [
      ...(privacy === undefined ? [] : [privacy.purposes]),
      ...(object === undefined ? [] : below(object)),
    ]);
  };
  type.purposes = unionOf(below(type));
}

/**
 * The union of the lists, in order of appearance. If one list is empty, it allows any purpose, and so does
 * the result.
 */
function unionOf(lists: readonly (readonly string[])[]): readonly string[] {
  return lists.some((purposes) => purposes.length === 0) ? [] : [...new Set(lists.flat())];
}

function mostCommon(values: readonly string[], otherwise: string): string {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? otherwise;
}

export function isSameAccess(a: Access, b: Access): boolean {
  const sorted = (purposes: readonly string[]) => purposes.toSorted().join();
  return JSON.stringify(a.scopes) === JSON.stringify(b.scopes) && sorted(a.purposes) === sorted(b.purposes);
}

/** The words of a name as text: `joinedAt` becomes `joined at`. */
export function wordsText(name: string): string {
  return wordsOf(name).join(' ');
}

let core: { types: ReadonlySet<string>; customerFields: ReadonlySet<string> } | undefined;

/** The names of the core schema, which a source cannot use. */
function coreNames(): NonNullable<typeof core> {
  if (core !== undefined) return core;
  const definitions = readSdlFiles([]).flatMap(({ text }) => parse(text).definitions);
  const types = definitions.filter(isTypeDefinitionNode);
  return (core = {
    types: new Set([
      ...types.map(({ name }) => name.value),
      ...['String', 'ID', 'Int', 'Float', 'Boolean', 'Source', 'CustomerKey'],
    ]),
    customerFields: new Set(
      types.flatMap((type) =>
        type.kind === Kind.OBJECT_TYPE_DEFINITION && type.name.value === 'Customer'
          ? (type.fields ?? []).map(({ name }) => name.value)
          : [],
      ),
    ),
  });
}
