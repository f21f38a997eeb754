import { isKeyOfPerson } from '../words.js';

/** The shape of JSON values: declared by a description, observed in values, and both merged. */

type ShapeKind = 'object' | 'list' | 'text' | 'integer' | 'number' | 'boolean' | 'unknown';

export interface Shape {
  kind: ShapeKind;
  /** The name of the schema, such as `Customer`. */
  name?: string;
  description?: string;
  /** The format that the description declares, such as `date-time`. */
  format?: string;
  isNullable: boolean;
  /** The only possible values of a text. */
  values?: readonly string[];
  /** The members of an object. They are read when they are needed, because a schema may contain itself. */
  members: () => readonly Member[];
  /** The items of a list. */
  item: () => Shape | undefined;
}

export interface Member {
  name: string;
  shape: Shape;
  /** Whether each object has this member. */
  isRequired: boolean;
}

export type Json = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A leaf, or an unknown shape. */
export function plainShape(kind: ShapeKind, isNullable = false): Shape {
  return { kind, isNullable, members: () => [], item: () => undefined };
}

export const UNKNOWN = plainShape('unknown');
const MAX_MEMBERS = 300;

/** The shape that all of these values have. A member is required if each object has it. */
export function shapeOfValues(values: readonly unknown[]): Shape {
  const present = values.filter((value) => value != null);
  const isNullable = present.length < values.length;
  const [first] = present;
  if (first === undefined) return { ...UNKNOWN, isNullable };
  if (present.every(Array.isArray)) {
    const items = present.flat();
    return { ...plainShape('list', isNullable), item: () => shapeOfValues(items) };
  }
  if (present.every(isObject)) {
    // The names in a map are data, such as the addresses of persons. So the object has no known members.
    if (isMap(present)) return plainShape('object', isNullable);
    const names = [...new Set(present.flatMap(Object.keys))].slice(0, MAX_MEMBERS);
    return {
      ...plainShape('object', isNullable),
      members: () =>
        names.map((name) => {
          const inner = present.flatMap((object) => (Object.hasOwn(object, name) ? [object[name]] : []));
          return { name, shape: shapeOfValues(inner), isRequired: inner.length === present.length };
        }),
    };
  }
  const kinds = new Set(present.map(kindOf));
  if (kinds.size === 2 && kinds.has('integer') && kinds.has('number')) kinds.delete('integer');
  const [kind = 'unknown'] = kinds;
  return plainShape(kinds.size === 1 ? kind : 'unknown', isNullable);
}

/** With fewer objects, a member may be missing in the others by chance. */
const MIN_OBJECTS_OF_MAP = 3;

/** Whether objects are maps from keys to values: a name looks like a key, or most names are in one object only. */
function isMap(objects: readonly Json[]): boolean {
  const counts = new Map<string, number>();
  const filled = objects.map(Object.keys).filter((names) => names.length > 0);
  for (const name of filled.flat()) counts.set(name, (counts.get(name) ?? 0) + 1);
  const single = [...counts.values()].filter((count) => count === 1);
  return (
    [...counts.keys()].some(isKeyOfPerson) ||
    (filled.length >= MIN_OBJECTS_OF_MAP && single.length * 2 > counts.size)
  );
}

function kindOf(value: unknown): ShapeKind {
  if (typeof value === 'string') return 'text';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'integer' : 'number';
  return 'unknown';
}

/** The declared shape, corrected by that of the values. Parts without values stay as declared. */
export function mergeShapes(declared: Shape, seen: Shape): Shape {
  const isNullable = declared.isNullable || seen.isNullable;
  if (seen.kind === 'unknown') return { ...declared, isNullable };
  if (declared.kind === 'unknown')
    return { ...seen, ...(declared.description === undefined ? {} : { description: declared.description }) };
  const isWider = declared.kind === 'number' && seen.kind === 'integer';
  const { format, values, ...rest } = declared;
  const isSame = declared.kind === seen.kind || isWider;
  return {
    ...rest,
    kind: isWider ? 'number' : seen.kind,
    isNullable,
    ...(isSame && format !== undefined ? { format } : {}),
    ...(isSame && values !== undefined ? { values } : {}),
    members: () => (isSame ? mergeMembers(declared.members(), seen.members()) : seen.members()),
    item: () => {
      const [declaredItem, seenItem] = [declared.item(), seen.item()];
      const areBoth = isSame && declaredItem !== undefined && seenItem !== undefined;
      return areBoth ? mergeShapes(declaredItem, seenItem) : (seenItem ?? declaredItem);
    },
  };
}

function mergeMembers(declared: readonly Member[], seen: readonly Member[]): Member[] {
  const byName = new Map(seen.map((member) => [member.name, member]));
  const known = new Set(declared.map(({ name }) => name));
  return [
    ...declared.map(({ name, shape, isRequired }): Member => {
      const other = byName.get(name);
      // One object without the member shows that it is not required.
      return other === undefined
        ? { name, shape, isRequired: false }
        : {
            name,
            shape: mergeShapes(shape, other.shape),
            isRequired: isRequired && other.isRequired,
          };
    }),
    ...seen.filter(({ name }) => !known.has(name)).map((member) => ({ ...member, isRequired: false })),
  ];
}

/** A member at a path of names. */
export function shapeAt(shape: Shape | undefined, names: readonly string[]): Shape | undefined {
  return names.reduce<Shape | undefined>(
    (at, name) => at?.members().find((member) => member.name === name)?.shape,
    shape,
  );
}

/** A name as part of a path of the declaration. */
export function pathName(name: string): string {
  return /^[^."[\]]+$/.test(name) ? name : `"${name}"`;
}
