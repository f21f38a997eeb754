import { keyOf, keyMembers, maximumIn, type SentKey } from './keys.js';
import type { Member, Shape } from './shape.js';

/** Finds the keys that a search takes in its body. */

const FIELD = /^(field|fieldName|property|propertyName|attribute|attributeName|column|member|name|key)$/i;
const OPERATOR = /^(operator|op|condition|conditionType|comparator|comparison|operation)$/i;
const VALUES = /^(values|value)$/i;
/** How deep a key may be in the body. */
const MAX_DEPTH = 4;

export function bodyKeysOf(body: Shape, record: Shape, thing: string): SentKey[] {
  return keysIn(body, { record, thing }, []);
}

interface Target {
  record: Shape;
  thing: string;
}

function keysIn(shape: Shape, target: Target, above: readonly string[]): SentKey[] {
  if (shape.kind !== 'object' || above.length >= MAX_DEPTH) return [];
  const condition = conditionOf(shape);
  if (condition !== undefined) return condition(target);
  const members = shape.members();
  return members.flatMap((member): SentKey[] => {
    const others = constantMembers(members, member);
    if (others === undefined) return [];
    return memberKeys(member, target, above).map((key) => ({
      ...key,
      body: { ...others, [member.name]: key.body },
    }));
  });
}

function memberKeys({ name, shape }: Member, target: Target, above: readonly string[]): SentKey[] {
  const item = shape.kind === 'list' ? shape.item() : undefined;
  if (shape.kind === 'object') return keysIn(shape, target, [...above, name]);
  if (item?.kind === 'object')
    return keysIn(item, target, [...above, name]).map((key) => ({ ...key, body: [key.body] }));
  const found = keyOf(name, target);
  const leaf = item ?? shape;
  if (found === undefined || !/^(text|integer|unknown)$/.test(leaf.kind)) return [];
  const suffix = leaf.kind === 'integer' ? '|number' : '';
  const declaredMax = maximumIn(shape.description ?? '');
  return [
    {
      ...{ ...found, parameter: name },
      takes: item === undefined ? 'key' : 'keys',
      body: item === undefined ? `{key${suffix}}` : `{keys${suffix}}`,
      ...(declaredMax === undefined ? {} : { declaredMax }),
    },
  ];
}

/** The members that must be sent beside the key. Undefined if the value of one is not known. */
function constantMembers(members: readonly Member[], key: Member): Record<string, unknown> | undefined {
  const constants: Record<string, unknown> = {};
  for (const { name, shape, isRequired } of members) {
    if (!isRequired || name === key.name) continue;
    if (shape.kind === 'list') constants[name] = [];
    else if (shape.values?.[0] !== undefined) constants[name] = shape.values[0];
    else if (/^(limit|size|pageSize|count|take)$/i.test(name)) constants[name] = 100;
    else if (shape.kind === 'text' && /^(after|cursor|query)$/i.test(name)) constants[name] = '';
    else return undefined;
  }
  return constants;
}

/** A filter by the name of a field: `{ propertyName: email, operator: IN, values: [...] }`. */
function conditionOf(shape: Shape): ((target: Target) => SentKey[]) | undefined {
  const members = shape.members();
  const field = members.find(({ name }) => FIELD.test(name));
  const operator = members.find(({ name }) => OPERATOR.test(name));
  const value = members.filter(({ name }) => VALUES.test(name)).sort((a, b) => rankOf(b) - rankOf(a))[0];
  if (field === undefined || value === undefined || (operator === undefined && members.length > 2))
    return undefined;
  const operators = operator?.shape.values ?? [];
  const isList = value.shape.kind === 'list';
  const wanted = isList ? /^(in|any|any_?of|one_?of)$/i : /^(eq|equals?|=|==|is|exact)$/i;
  const word =
    operators.find((text) => wanted.test(text)) ??
    (operators.length === 0 ? (isList ? 'IN' : 'EQ') : undefined);
  if (word === undefined) return undefined;
  return ({ record, thing }) =>
    keyMembers(record, thing).map(({ name, kind, keyPath }) => ({
      ...{ parameter: name, kind, keyPath, takes: isList ? ('keys' as const) : ('key' as const) },
      body: {
        [field.name]: name,
        ...(operator === undefined ? {} : { [operator.name]: word }),
        [value.name]: isList ? '{keys}' : '{key}',
      },
    }));
}

const rankOf = ({ shape }: Member) => (shape.kind === 'list' ? 1 : 0);
