import { InvalidInputError } from '../../errors.js';
import { isObject, plainShape, UNKNOWN, type Json, type Member, type Shape } from './shape.js';

/** Resolves the schemas of an OpenAPI document on demand. A reference to another document is never loaded. */
export class Schemas {
  readonly #document: Json;
  readonly #shapes = new WeakMap<Json, Shape>();
  /** The number of references to other documents, which are not read. */
  readonly external = new Set<string>();

  constructor(document: Json) {
    this.#document = document;
  }

  /** The object behind a reference, or the object itself, with the name of the last reference. */
  resolve(value: unknown): { object: Json; name?: string } {
    let object = isObject(value) ? value : {};
    let name: string | undefined;
    for (let count = 0; typeof object['$ref'] === 'string'; count += 1) {
      if (count > 20) throw new InvalidInputError('The description has circular references.');
      const { $ref: reference, ...beside } = object;
      const target = this.#at(reference);
      if (target === undefined) return { object: beside };
      name = decoded(reference.split('/').at(-1) ?? '');
      // A description beside the reference describes this use of the schema.
      object = typeof beside['description'] === 'string' ? { ...target, ...beside } : target;
    }
    return { object, ...(name === undefined ? {} : { name }) };
  }

  #at(reference: string): Json | undefined {
    if (!reference.startsWith('#')) {
      this.external.add(reference);
      return undefined;
    }
    const found = reference
      .slice(1)
      .split('/')
      .slice(1)
      .map((part) => decoded(part).replaceAll('~1', '/').replaceAll('~0', '~'))
      .reduce<unknown>((at, part) => {
        if (Array.isArray(at)) return at[Number(part)] as unknown;
        return isObject(at) && Object.hasOwn(at, part) ? at[part] : undefined;
      }, this.#document);
    return isObject(found) ? found : undefined;
  }

  shapeOf(value: unknown): Shape {
    const isReference = isObject(value) && typeof value['$ref'] === 'string';
    const { object, name } = this.resolve(value);
    const known = this.#shapes.get(object);
    if (known !== undefined) return known;
    // A schema that contains itself in allOf adds no members.
    this.#shapes.set(object, UNKNOWN);
    const shape = this.#read(object);
    const named = isReference && name !== undefined ? { ...shape, name } : shape;
    this.#shapes.set(object, named);
    return named;
  }

  #read(object: Json): Shape {
    const variants = [object['oneOf'], object['anyOf']].flatMap(listOf).map((value) => this.shapeOf(value));
    const parts = listOf(object['allOf']).map((value) => this.shapeOf(value));
    const types = [object['type']].flat().filter((type) => typeof type === 'string');
    const isNullable =
      object['nullable'] === true ||
      object['x-nullable'] === true ||
      types.includes('null') ||
      variants.some((variant) => variant === NULL);
    const typed = this.#ofType(
      types.find((type) => type !== 'null'),
      object,
    );
    if (types.length === 1 && types[0] === 'null') return NULL;
    const alternatives = variants.filter((variant) => variant !== NULL);
    const base = [typed, ...parts, ...(alternatives.length === 0 ? [] : [oneOf(alternatives)])]
      .filter((part) => part.kind !== 'unknown')
      .reduce<Shape>((all, part) => (all.kind === 'unknown' ? part : allOf(all, part)), UNKNOWN);
    const description = object['description'] ?? object['title'];
    const format = object['format'];
    const values = valuesOf(object);
    return {
      ...base,
      isNullable: isNullable || base.isNullable,
      ...(typeof description === 'string' ? { description } : {}),
      ...(typeof format === 'string' ? { format } : {}),
      ...(values === undefined || base.kind !== 'text' ? {} : { values }),
    };
  }

  #ofType(type: unknown, object: Json): Shape {
    switch (type) {
      case 'string':
        return plainShape('text');
      case 'integer':
        return plainShape('integer');
      case 'number':
        return plainShape('number');
      case 'boolean':
        return plainShape('boolean');
      case 'array': {
        const { items } = object;
        return { ...plainShape('list'), item: () => this.shapeOf(items) };
      }
      default:
        if (isObject(object['properties']) || type === 'object') return this.#objectOf(object);
        return object['items'] === undefined ? UNKNOWN : this.#ofType('array', object);
    }
  }

  #objectOf(object: Json): Shape {
    const properties = isObject(object['properties']) ? object['properties'] : {};
    const required = new Set(listOf(object['required']));
    let members: Member[] | undefined;
    return {
      ...plainShape('object'),
      members: () =>
        (members ??= Object.entries(properties)
          .filter(([, value]) => !isObject(value) || value['writeOnly'] !== true)
          .map(([name, value]) => ({ name, shape: this.shapeOf(value), isRequired: required.has(name) }))),
    };
  }
}

const NULL = plainShape('unknown', true);

function valuesOf(object: Json): readonly string[] | undefined {
  const values = listOf(object['enum']).filter((value) => typeof value === 'string');
  const isEnum =
    values.length > 0 && listOf(object['enum']).every((value) => value === null || typeof value === 'string');
  return isEnum ? values : undefined;
}

/** The shape of a value that matches both schemas. */
function allOf(first: Shape, other: Shape): Shape {
  if (first.kind !== 'object' || other.kind !== 'object') return first;
  return {
    ...other,
    ...first,
    members: () => {
      const members = first.members();
      const names = new Set(members.map(({ name }) => name));
      return [...members, ...other.members().filter(({ name }) => !names.has(name))];
    },
  };
}

/** The shape of a value that matches one of the schemas, so that every member is optional. */
function oneOf(shapes: readonly Shape[]): Shape {
  const [first = UNKNOWN, ...others] = [...new Set(shapes)];
  if (others.length === 0) return first;
  const isNullable = shapes.some((shape) => shape.isNullable);
  if (shapes.every(({ kind }) => kind === 'object'))
    return { ...first, isNullable, members: () => membersOfAny(shapes) };
  if (shapes.every(({ kind }) => kind === 'list'))
    return { ...first, isNullable, item: () => itemOfAny(shapes) };
  return others.every(({ kind }) => kind === first.kind) ? first : UNKNOWN;
}

function membersOfAny(shapes: readonly Shape[]): Member[] {
  const members = shapes.flatMap((shape) => shape.members());
  return [...new Set(members.map(({ name }) => name))].map((name) => {
    const same = members.filter((member) => member.name === name).map(({ shape }) => shape);
    const known = same.filter(({ kind }) => kind !== 'unknown');
    return { name, shape: oneOf(known.length === 0 ? same : known), isRequired: false };
  });
}

/** The item of one of the lists. It has the name of the schema with the most members, which describes the whole record. */
function itemOfAny(lists: readonly Shape[]): Shape | undefined {
  const items = lists.map((list) => list.item()).filter((item) => item !== undefined);
  return items.length === 0
    ? undefined
    : oneOf(items.toSorted((a, b) => b.members().length - a.members().length));
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
