import {
  getNamedType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredArgument,
  isRequiredInputField,
  isScalarType,
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLSchema,
} from 'graphql';
import {
  fieldsOf,
  isFielded,
  listShapeOf,
  needsNoArgument,
  nullableOf,
  type Fielded,
  type OutputField,
} from './graphql-schema.js';
import { keyKindOf, keyPathOf, personScore } from './graphql-words.js';

/** A field of Query that finds one person, or several by a list of keys. */
export interface PersonWay {
  /** The field in the syntax of a declaration, such as `members(ids: $keys)`. */
  field: string;
  takes: 'key' | 'keys';
  /** The type of the key in the schema. */
  keyType: string;
  /** The kind of the key, such as `id` or `email`. */
  kind: string;
  /** The path of the key in the record. */
  keyPath: string;
  record: Fielded;
  /** The path of the list below the field. Undefined if the field is one record. */
  rows: string | undefined;
  /** Whether the call sends the cursor of the next page. */
  hasPages: boolean;
  /** Whether the field is not null, so that a missing record is an error. */
  isNonNull: boolean;
  /** Whether the schema makes the key unique: the field is one record, found by its own id. */
  isUnique: boolean;
  score: number;
  evidence: string;
}

/** A field of Query that lists records without a key. */
export interface SampleField {
  field: string;
  rows: string;
}

export const PAGE_SIZE = 50;
const SIZE_ARGUMENT = /^(first|limit|take|pageSize|perPage|top|size|count)$/i;
const CURSOR_ARGUMENT = /^(after|cursor|afterCursor)$/i;
const ONE_OF = /^_?(eq|equals|equalTo|is|exact)$/i;
const ANY_OF = /^_?(in|anyOf|oneOf|inList)$/i;
/** The maximum nesting of a key in an input object, such as `{ email: { in: $keys } }`. */
const MAX_INPUT_DEPTH = 3;

/** A field of Query, or of an object in a field of Query without arguments. */
interface RootField {
  prefix: string;
  field: OutputField;
}

export interface People {
  /** The best is first. */
  ways: readonly PersonWay[];
  /** Fields that return a person and cannot be declared, with the reason. */
  refused: readonly { field: string; reason: string }[];
}

/** Finds the fields that find a person. */
export function findPeople(schema: GraphQLSchema): People {
  const ways: PersonWay[] = [];
  const refused: { field: string; reason: string }[] = [];
  for (const { prefix, field } of rootFields(schema)) {
    const shape = listShapeOf(field.type);
    const plain = nullableOf(field.type);
    const record = shape?.item ?? (isFielded(plain) ? plain : undefined);
    if (record === undefined) continue;
    const score = personScore(record);
    if (score === 0) continue;
    const found = keysOfField(field, record).flatMap((key) => {
      const way = wayOf({ prefix, field }, key, record, score);
      return way === undefined ? [] : [way];
    });
    ways.push(...found);
    if (found.length === 0) refused.push({ field: `${prefix}${field.name}`, reason: reasonOf(field) });
  }
  return { ways: ways.sort((a, b) => b.score - a.score), refused };
}

export function rootFields(schema: GraphQLSchema): RootField[] {
  const query = schema.getQueryType();
  if (query == null) return [];
  return fieldsOf(query).flatMap((field) => {
    const type = nullableOf(field.type);
    const isGroup = isFielded(type) && needsNoArgument(field) && listShapeOf(type) === undefined;
    if (!isGroup || personScore(type) > 0 || type === query) return [{ prefix: '', field }];
    return fieldsOf(type).map((inner) => ({ prefix: `${field.name}.`, field: inner }));
  });
}

interface Key {
  argument: string;
  /** The type of the argument. */
  input: string;
  /** The value of the argument, such as `{ email: $key }`. */
  literal: string;
  /** The name that shows the kind of the key. */
  name: string;
  isList: boolean;
  type: string;
}

function keysOfField(field: OutputField, record: Fielded): (Key & { kind: string; path: string })[] {
  return field.args.flatMap((argument) => {
    const others = field.args.filter((other) => other !== argument && isRequiredArgument(other));
    if (others.some((other) => !SIZE_ARGUMENT.test(other.name))) return [];
    return keysIn(argument.type, argument.name, []).flatMap((key) => {
      const kind = keyKindOf(key.name, record);
      const path = kind === undefined ? undefined : keyPathOf(kind, key.name, record);
      return kind === undefined || path === undefined
        ? []
        : [{ ...key, argument: argument.name, input: String(argument.type), kind, path }];
    });
  });
}

function keysIn(
  type: GraphQLInputType,
  name: string,
  above: readonly string[],
): Omit<Key, 'argument' | 'input'>[] {
  const plain = isNonNullType(type) ? type.ofType : type;
  const named = getNamedType(plain);
  if (isListType(plain)) {
    const item = isNonNullType(plain.ofType) ? plain.ofType.ofType : plain.ofType;
    return isKeyScalar(item) ? [{ literal: '$keys', name, isList: true, type: named.name }] : [];
  }
  if (isKeyScalar(plain)) return [{ literal: '$key', name, isList: false, type: named.name }];
  if (!isInputObjectType(plain) || above.includes(plain.name) || above.length >= MAX_INPUT_DEPTH) return [];
  const fields = Object.values(plain.getFields());
  return fields.flatMap((field) => {
    if (fields.some((other) => other !== field && isRequiredInputField(other))) return [];
    const isOperator = ONE_OF.test(field.name) || ANY_OF.test(field.name);
    // Other operators, such as `contains`, also find records of other keys.
    if (above.length > 0 && isOperatorType(fields.map((other) => other.name)) && !isOperator) return [];
    return keysIn(field.type, isOperator ? name : field.name, [...above, plain.name]).map((key) => ({
      ...key,
      literal: `{ ${field.name}: ${key.literal} }`,
    }));
  });
}

const isOperatorType = (names: readonly string[]): boolean =>
  names.some((name) => ONE_OF.test(name)) && names.length > 1;

function isKeyScalar(type: GraphQLInputType): boolean {
  return isScalarType(type) && !/^(Boolean|Float|Date|DateTime|Time|JSON|Upload)$/i.test(type.name);
}

function wayOf(
  { prefix, field }: RootField,
  key: Key & { kind: string; path: string },
  record: Fielded,
  score: number,
): PersonWay | undefined {
  const shape = listShapeOf(field.type);
  if (key.isList && shape === undefined) return undefined;
  const { texts, hasCursor } = pageArguments(field.args, shape?.isConnection === true);
  const written = `${prefix}${field.name}(${[`${key.argument}: ${key.literal}`, ...texts].join(', ')})`;
  const isUnique = shape === undefined && (key.kind === 'id' || /unique/i.test(key.input));
  const takes = key.isList ? 'keys' : 'key';
  const ofKind = { id: 4, email: 3, phone: 1 }[key.kind] ?? 2;
  return {
    ...{ field: written, takes, keyType: key.type, kind: key.kind, keyPath: key.path, record },
    rows: shape === undefined || (key.isList && shape.rows === '.') ? undefined : shape.rows,
    hasPages: hasCursor,
    isNonNull: shape === undefined && isNonNullType(field.type),
    isUnique,
    score:
      score +
      ofKind +
      (key.isList ? 1 : 0) -
      (field.deprecationReason == null ? 0 : 5) -
      (shape === undefined || key.isList ? 0 : 1),
    evidence:
      `returns ${shape === undefined ? 'one' : 'a list of'} ${record.name} by ${key.isList ? 'a list of keys' : 'one key'} of the type ` +
      `${key.type}, which is in the record at ${key.path}`,
  };
}

/** The size of a page and its cursor, as arguments. */
export function pageArguments(
  args: readonly GraphQLArgument[],
  isConnection: boolean,
  size = PAGE_SIZE,
): { texts: string[]; hasCursor: boolean; sizeArgument: string | undefined } {
  const sizeArgument = args.find(
    ({ name, type }) => SIZE_ARGUMENT.test(name) && getNamedType(type).name === 'Int',
  );
  const cursor = args.find(({ name, type }) => CURSOR_ARGUMENT.test(name) && nullableName(type) === 'String');
  const hasCursor = isConnection && cursor !== undefined;
  return {
    texts: [
      ...(sizeArgument === undefined ? [] : [`${sizeArgument.name}: ${size}`]),
      ...(hasCursor ? [`${cursor.name}: $after`] : []),
    ],
    hasCursor,
    sizeArgument: sizeArgument?.name,
  };
}

const nullableName = (type: GraphQLInputType): string => (isNonNullType(type) ? '' : getNamedType(type).name);

function reasonOf({ args }: OutputField): string {
  if (args.length === 0) return 'it has no argument, so it returns what the credentials may see';
  const names = args.map(({ name }) => name).join(', ');
  return `none of its arguments (${names}) takes only a key that the record contains too`;
}

/** A field that lists the records of a type without a key, for samples. */
export function sampleFieldOf(schema: GraphQLSchema, record: Fielded, size: number): SampleField | undefined {
  const found = rootFields(schema).flatMap(({ prefix, field }) => {
    const shape = listShapeOf(field.type);
    if (shape?.item !== record) return [];
    const needed = field.args.filter((argument) => isRequiredArgument(argument));
    if (needed.some(({ name }) => !SIZE_ARGUMENT.test(name))) return [];
    const { texts } = pageArguments(field.args, false, size);
    // A list without a page size may return all records of the system.
    if (texts.length === 0) return [];
    return [{ field: `${prefix}${field.name}(${texts.join(', ')})`, rows: shape.rows }];
  });
  return found[0];
}
