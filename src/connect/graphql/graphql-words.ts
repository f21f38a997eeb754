import { getNamedType, isLeafType } from 'graphql';
import { EMAIL, keyKindOfName, personScoreOf, PHONE, singularOf, wordsOf } from '../words.js';
import { fieldsOf, isFielded, isLeaf, isList, nullableOf, type Fielded } from './graphql-schema.js';

/** Interprets the names in a schema: whether a type is a person, and which field matches a key. */

/** How likely a type is a person or an organisation. Zero: it is not. */
export function personScore(type: Fielded): number {
  return personScoreOf(
    type.name,
    fieldsOf(type).map(({ name }) => name),
  );
}

/**
 * The kind of key that a name suggests, such as `id`, `email` or `customerNumber`. Undefined if it is not a
 * key.
 */
export function keyKindOf(name: string, type: Fielded): string | undefined {
  return keyKindOfName(name, type.name);
}

const isText = (type: string): boolean => !/^(Boolean|Float|Int|Date|DateTime)$/.test(type);

/** The path at which a record has its key of a kind. Undefined if it has none. */
export function keyPathOf(kind: string, argument: string, type: Fielded): string | undefined {
  const fields = fieldsOf(type);
  const leaves = fields.filter(isLeaf);
  const wanted = wordsOf(argument).map(singularOf).join('');
  const typeName = wordsOf(type.name).map(singularOf).join('');
  const flat = (name: string) => wordsOf(name).join('');
  const sameName = leaves.find(({ name }) => [wanted, kind.toLowerCase()].includes(flat(name)));
  if (sameName !== undefined) return sameName.name;
  if (kind === 'id')
    return leaves.find(({ name }) => [`${typeName}id`, 'uuid', 'guid', 'gid'].includes(flat(name)))?.name;
  const word = kind === 'email' ? EMAIL : kind === 'phone' ? PHONE : undefined;
  if (word === undefined) return leaves.find(({ name }) => flat(name) === `${typeName}${wanted}`)?.name;
  const names = (name: string) => wordsOf(name).some((part) => word.test(part));
  const leaf = leaves
    .filter((field) => names(field.name) && isText(getNamedType(field.type).name))
    .sort((a, b) => a.name.length - b.name.length)[0];
  if (leaf !== undefined) return leaf.name;
  for (const field of fields) {
    const object = nullableOf(field.type);
    if (!names(field.name) || isList(field.type) || !isFielded(object)) continue;
    const inner = fieldsOf(object).find(
      (below) =>
        isLeafType(nullableOf(below.type)) &&
        isText(getNamedType(below.type).name) &&
        (names(below.name) || /^(address|value|number)$/.test(flat(below.name))),
    );
    if (inner !== undefined) return `${field.name}.${inner.name}`;
  }
  return undefined;
}
