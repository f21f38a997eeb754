/** The shape of rows: their members and their types, without values. */

/** The facts about one member. */
interface Member {
  types: Set<string>;
  /** The number of objects that have the member, and of those that could have it. */
  present: number;
  of: number;
  nulls: number;
}

/** Members by their path, such as `owner.mail` or `lines[].sku`. The path of a row is empty. */
export type Shape = ReadonlyMap<string, Member>;

export interface ShapeChange {
  kind: 'added' | 'removed' | 'type' | 'null';
  path: string;
  text: string;
}

/** Formats of texts. Another format is another type. */
const FORMATS: readonly (readonly [type: string, pattern: RegExp])[] = [
  ['date', /^\d{4}-\d\d-\d\d$/],
  ['date with the day first', /^\d\d[-/.]\d\d[-/.]\d{4}$/],
  ['date and time with a zone', /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)$/],
  ['date and time without a zone', /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?$/],
];
const TEXT_TYPES = new Set(['text', ...FORMATS.map(([type]) => type)]);

export function shapeOf(rows: readonly unknown[]): Shape {
  const shape = new Map<string, Member>();
  for (const row of rows) read(row, '', shape);
  // Members are counted only where they are present, so missing ones are added here.
  for (const [path, member] of shape) {
    const parent = shape.get(parentOf(path));
    if (!path.endsWith('[]') && parent !== undefined && path !== '')
      member.of = parent.present - parent.nulls;
  }
  return shape;
}

function parentOf(path: string): string {
  if (path.endsWith('[]')) return path.slice(0, -2);
  const at = path.lastIndexOf('.');
  return at === -1 ? '' : path.slice(0, at);
}

function read(value: unknown, path: string, shape: Map<string, Member>): void {
  const member = shape.get(path) ?? { types: new Set<string>(), present: 0, of: 0, nulls: 0 };
  shape.set(path, member);
  member.present += 1;
  member.of += 1;
  if (value === null || value === undefined) {
    member.nulls += 1;
    return;
  }
  member.types.add(typeOf(value));
  if (Array.isArray(value)) for (const item of value) read(item, `${path}[]`, shape);
  else if (typeof value === 'object')
    for (const [name, inner] of Object.entries(value))
      read(inner, path === '' ? name : `${path}.${name}`, shape);
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'string') return FORMATS.find(([, pattern]) => pattern.test(value))?.[0] ?? 'text';
  return typeof value;
}

/** The differences in the shape of later rows. A member that was not always present may be missing. */
export function compareShapes(before: Shape, after: Shape): ShapeChange[] {
  const changes: ShapeChange[] = [];
  for (const [path, member] of before) {
    const now = after.get(path);
    const parent = after.get(parentOf(path));
    if (now === undefined) {
      const isAlwaysThere = member.present === member.of && !path.endsWith('[]');
      const hasParent = path === '' || (parent !== undefined && parent.present > parent.nulls);
      if (isAlwaysThere && hasParent && isObject(parent))
        changes.push({ kind: 'removed', path, text: `is missing; it was ${shownTypes(member)}` });
      continue;
    }
    const others = [...now.types].filter((type) => !isKnown(member, type));
    if (member.types.size > 0 && others.length > 0)
      changes.push({ kind: 'type', path, text: `is ${others.join(' or ')}; it was ${shownTypes(member)}` });
    if (now.nulls > 0 && member.nulls === 0) changes.push({ kind: 'null', path, text: 'is null' });
  }
  const maps = mapsIn(before, after);
  for (const [path, member] of after) {
    // The members of an object are unknown if it was always null, or an item of a list that was always empty.
    const isNew = !before.has(path) && isObject(nearestAbove(path, before)) && !path.endsWith('[]');
    if (isNew && !maps.has(parentOf(path)) && !parentOf(path).includes('@'))
      changes.push({ kind: 'added', path, text: `is new: ${shownTypes(member)}` });
  }
  return changes;
}

/** With fewer objects, a member may be missing in the others by chance. */
const MIN_OBJECTS_OF_MAP = 3;

/**
 * The paths of objects whose names are data, such as the addresses of persons: most names are in one recorded object only,
 * or no name of the later rows was recorded. Their names are never reported.
 */
function mapsIn(before: Shape, after: Shape): ReadonlySet<string> {
  const names = new Map<string, Member[]>();
  for (const [path, member] of before)
    if (path !== '' && !path.endsWith('[]'))
      names.set(parentOf(path), [...(names.get(parentOf(path)) ?? []), member]);
  const shared = new Set([...after.keys()].filter((path) => before.has(path)).map(parentOf));
  return new Set(
    [...names].flatMap(([path, members]) => {
      const objects = before.get(path)?.present ?? 0;
      const single = members.filter(({ present }) => present === 1);
      const isMap = objects >= MIN_OBJECTS_OF_MAP && single.length * 2 > members.length;
      return isMap || !shared.has(path) ? [path] : [];
    }),
  );
}

/** The nearest recorded member that contains the path. */
function nearestAbove(path: string, shape: Shape): Member | undefined {
  let at = parentOf(path);
  while (at !== '' && !shape.has(at)) at = parentOf(at);
  return shape.get(at);
}

function isObject(member: Member | undefined): boolean {
  return member === undefined || member.types.has('object');
}

/** A text may have any value. A date may not. */
function isKnown({ types }: Member, type: string): boolean {
  return types.has(type) || (types.has('text') && TEXT_TYPES.has(type));
}

function shownTypes({ types }: Member): string {
  return types.size === 0 ? 'null' : [...types].sort().join(' or ');
}
