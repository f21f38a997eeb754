import { keyKindOf, nameWords, personSign, personWordScore } from '../tables/table-names.js';
import type { SoapOperation, XmlPart } from './wsdl-model.js';

/** Operations that read one person or company by a key. */

export interface PersonOperation {
  operation: SoapOperation;
  /** The parts in the syntax of a declaration, with `{key}`. */
  parts: Readonly<Record<string, unknown>>;
  /** The kind of the key, such as `email` or `vatNumber`. */
  kind: string;
  /** Of a VAT number that is sent in two parts: their names. */
  vatParts?: readonly [country: string, number: string];
  /** The path of the record in the answer. Undefined if it is the answer itself. */
  rows: string | undefined;
  record: readonly XmlPart[];
  score: number;
  evidence: string;
}

export interface FoundOperations {
  people: readonly PersonOperation[];
  refused: readonly { operation: string; reason: string }[];
}

/** Other operations might change data. */
const READS =
  /^(get|find|search|lookup|look|read|check|fetch|retrieve|query|list|load|view|show|track|validate|verify|status|info|details?|zoek|zoeken|haal|ophalen|opvragen|raadpleeg|raadplegen|lees|toon)$/;
const CHANGES =
  /^(create|update|delete|set|add|remove|send|submit|register|cancel|change|save|insert|put|reset|merge|close|approve|pay|book|maak|wijzig|verwijder|opslaan|verstuur)$/;

const SIGN_SCORES = { 'e-mail': 3, phone: 2, name: 2, birth: 2, address: 1 } as const;

export function findPeople(operations: readonly SoapOperation[]): FoundOperations {
  const people: PersonOperation[] = [];
  const refused: { operation: string; reason: string }[] = [];
  for (const operation of operations) {
    const found = personOperation(operation);
    if (typeof found === 'string') refused.push({ operation: operation.name, reason: found });
    else people.push(found);
  }
  return { people: people.toSorted((a, b) => b.score - a.score), refused };
}

function personOperation(operation: SoapOperation): PersonOperation | string {
  const words = nameWords(operation.name);
  if (!words.some((word) => READS.test(word)) || words.some((word) => CHANGES.test(word)))
    return 'its name does not show that it only reads';
  const key = keyOf(operation.input);
  if (typeof key === 'string') return key;
  const { rows, record, isList } = recordOf(operation.output);
  if (isList && record.length === 0) return 'it returns no record';
  const leaves = leavesOf(record);
  const signs = new Map(
    leaves.flatMap(({ name }) => {
      const sign = personSign(name);
      return sign === undefined ? [] : [[sign, name] as const];
    }),
  );
  const held = [...signs.keys()].reduce((total, sign) => total + SIGN_SCORES[sign], 0);
  const named = Math.max(0, ...[operation.name, ...(rows ?? '').split('.')].map(personWordScore));
  if (held + Math.min(named, 3) < 3) return 'its answer does not look like a person or a company';
  const texts = [...signs].map(([sign, name]) => `${sign}: ${name}`);
  return {
    ...{ operation, ...key, rows, record },
    score: held + named + (key.kind === 'email' ? 1 : 0),
    evidence: [`reads a record of ${leaves.length} elements by ${key.kind}`, ...texts].join('; '),
  };
}

type Key = Pick<PersonOperation, 'parts' | 'kind' | 'vatParts'>;

/** The part that is a key, if all other parts are optional. */
function keyOf(input: readonly XmlPart[]): Key | string {
  const required = leavesOf(input).filter(({ isOptional }) => !isOptional);
  const leaves = required.length > 0 ? required : leavesOf(input);
  const vat = leaves.find(({ name }) => /vat|btw/i.test(name) && /(number|nr|nummer|id|no)$/i.test(name));
  const country = leaves.find(({ name }) => /^(country|member_?state|landcode)/i.test(name));
  if (vat !== undefined && country !== undefined && leaves.length === 2)
    return {
      parts: inParts([
        [country.path, '{key|first 2}'],
        [vat.path, '{key|after 2}'],
      ]),
      kind: 'vatNumber',
      vatParts: [country.name, vat.name],
    };
  const keys = leaves.flatMap((leaf) => {
    const kind = kindOf(leaf);
    return kind === undefined ? [] : [{ leaf, kind }];
  });
  const [key, ...others] = required.length > 0 ? keys : keys.slice(0, 1);
  if (key === undefined) return 'none of its parts is a key';
  if (others.length > 0 || required.length > 1)
    return `it needs ${required.map(({ name }) => name).join(' and ')} together`;
  const template = isNumber(key.leaf.type) ? '{key|number}' : '{key}';
  return { parts: inParts([[key.leaf.path, template]]), kind: key.kind };
}

function kindOf({ name, isList, type, values }: Leaf): string | undefined {
  if (isList || values !== undefined || /^(boolean|date|dateTime|float|double|decimal)$/.test(type ?? ''))
    return undefined;
  const kind = keyKindOf(name);
  if (kind !== undefined && kind !== 'number') return kind;
  const words = nameWords(name);
  const isId = /^(id|identifier|guid|uuid)$/.test(words.at(-1) ?? '');
  if (kind === undefined && !isId) return undefined;
  return words.length === 1 && isId
    ? 'id'
    : words.map((word, i) => (i === 0 ? word : capital(word))).join('');
}

function capital(word: string): string {
  return `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
}

function isNumber(type: string | undefined): boolean {
  return /^(int|integer|short|long|unsignedInt|unsignedShort|nonNegativeInteger|positiveInteger)$/.test(
    type ?? '',
  );
}

function inParts(values: readonly (readonly [path: string, value: string])[]): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [path, value] of values) {
    const names = path.split('.');
    let at = root;
    for (const name of names.slice(0, -1)) at = (at[name] ??= {}) as Record<string, unknown>;
    at[names.at(-1) ?? ''] = value;
  }
  return root;
}

interface Leaf extends XmlPart {
  path: string;
}

/** The text elements with their paths. Those in an optional element are optional. */
function leavesOf(parts: readonly XmlPart[], above = '', isOptional = false): Leaf[] {
  return parts.flatMap((part): Leaf[] => {
    const path = `${above}${part.name}`;
    const optional = isOptional || part.isOptional;
    return part.children === undefined
      ? [{ ...part, path, isOptional: optional }]
      : leavesOf(part.children, `${path}.`, optional);
  });
}

/** The record in an answer. A single child element is only a wrapper. */
function recordOf(output: readonly XmlPart[]): {
  rows: string | undefined;
  record: readonly XmlPart[];
  isList: boolean;
} {
  const path: string[] = [];
  let record = output;
  let isList = false;
  for (;;) {
    const [only, ...others] = record;
    if (only?.children === undefined || others.length > 0) break;
    path.push(only.name);
    record = only.children;
    isList ||= only.isList;
    if (only.isList) break;
  }
  return { rows: path.length === 0 ? undefined : path.join('.'), record, isList };
}
