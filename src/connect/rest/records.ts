import { EMAIL, PHONE, personScoreOf, singularOf, wordsOf } from '../words.js';
import { pathName, type Member, type Shape } from './shape.js';

/** Finds the records in an answer, the kind of record, and the key in a record. */

export interface Records {
  record: Shape;
  /** The path of the list in the answer. Undefined if the answer is one record. */
  rows: string | undefined;
  /** The path of the record in the answer, if an object contains it: `data`. Otherwise empty. */
  within: string;
}

const MAX_DEPTH = 2;
/** Members with other data than was requested. */
const BESIDE = /^_?(includes?|included|errors?|links|meta|metadata|expansions|related|warnings)$/i;

/** The places in an answer that may have records, the outer ones first. */
export function recordsIn(answer: Shape): Records[] {
  return [...placesIn(answer, '', 0)];
}

function* placesIn(shape: Shape, path: string, depth: number): Generator<Records> {
  if (shape.kind === 'list') {
    const record = shape.item();
    if (record !== undefined) yield { record, rows: path === '' ? '.' : path, within: '' };
    return;
  }
  if (shape.kind !== 'object') return;
  yield { record: shape, rows: undefined, within: path };
  if (depth >= MAX_DEPTH) return;
  for (const member of shape.members())
    if (!BESIDE.test(member.name))
      yield* placesIn(
        member.shape,
        path === '' ? pathName(member.name) : `${path}.${pathName(member.name)}`,
        depth + 1,
      );
}

/** Words in names of schemas that do not say what a record is. */
const NOISE =
  /^(interface|dto|response|result|results|model|object|resource|schema|entity|data|read|output|view|detail|details|item|items|list|page|paged|collection|search|get|all|api|v\d+|full|public|simple|base|payload|record|records)$/;

/** The name of a thing: the words of its schema, or else of the path at which it is. */
export function thingName(record: Shape, path: string): string {
  const words = wordsOf(record.name ?? '')
    .filter((word) => !NOISE.test(word))
    .filter((word, i, all) => word !== all[i - 1]);
  return words.length > 0 ? words.map(capital).join('') : capital(singularOf(collectionOf(path)));
}

const capital = (word: string) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`;

/** The last word in a path that names a thing: `customers` of `/v1/customers/{id}`, and of `/customers/search`. */
export function collectionOf(path: string): string {
  const segments = path
    .split('/')
    // The name of a program, such as `index.php`, is not that of a collection.
    .filter((segment) => !/^$|^\{|\.(php|aspx?|jsp|cgi|do)$/.test(segment));
  const named = segments
    .map((segment) => wordsOf(segment.replace(/\.json$/, '')))
    .filter((words) => !words.every((word) => ACTION.test(word)));
  return named.at(-1)?.at(-1) ?? 'record';
}

const ACTION =
  /^(search|find|query|lookup|list|by|filter|batch|read|show|many|all|me|email|username|id|ids|get|advanced|v\d+)$/;

/** How likely a record is a person or an organisation, by its schema, or else by the path of the call. */
export function personScoreOfRecord(record: Shape, path: string): number {
  const names = fieldNames(record);
  const byName = personScoreOf(thingName(record, path), names);
  const byPath =
    record.name === undefined || byName === 0 ? personScoreOf(capital(collectionOf(path)), names) : 0;
  return Math.max(byName, byPath > 0 ? Math.max(1, byPath - 2) : 0);
}

/** The names of the members, also of those in nested objects, such as a map of properties. */
function fieldNames(record: Shape): string[] {
  return record
    .members()
    .flatMap(({ name, shape }) => [
      name,
      ...(shape.kind === 'object' ? shape.members().map((inner) => inner.name) : []),
    ]);
}

/** Whether a collection, such as `customers`, has persons or organisations. */
export function isPersonCollection(name: string): boolean {
  const word = singularOf(wordsOf(name).at(-1) ?? '');
  return personScoreOf(capital(word), ['email', 'name', 'phone']) > 7;
}

const isLeaf = ({ shape }: Member) => /^(text|integer|unknown)$/.test(shape.kind);
const flat = (name: string) => wordsOf(name).map(singularOf).join('');

/** The path at which a record has its key of a kind. Undefined if it has none. */
export function keyPathIn(record: Shape, kind: string, parameter: string, thing: string): string | undefined {
  const members = record.members();
  const leaves = members.filter(isLeaf);
  const wanted = new Set([flat(parameter), flat(kind)]);
  const same = leaves.find(({ name }) => wanted.has(flat(name)));
  if (same !== undefined) return pathName(same.name);
  const thingFlat = flat(thing);
  const last = singularOf(wordsOf(thing).at(-1) ?? '');
  const ofThing = new Set([...wanted].flatMap((name) => [`${thingFlat}${name}`, `${last}${name}`]));
  const named = leaves.find(({ name }) => ofThing.has(flat(name)));
  if (named !== undefined) return pathName(named.name);
  if (kind === 'id')
    return leaves
      .map(({ name }) => name)
      .filter(isIdName(thing))
      .map(pathName)[0];
  const word = kind === 'email' ? EMAIL : kind === 'phone' ? PHONE : undefined;
  const isNamed = (name: string) => word !== undefined && wordsOf(name).some((part) => word.test(part));
  const leaf = leaves
    .filter(({ name, shape }) => isNamed(name) && shape.kind !== 'integer' && !isFlag(name))
    .sort((a, b) => a.name.length - b.name.length)[0];
  if (leaf !== undefined) return pathName(leaf.name);
  for (const { name, shape } of members) {
    if (shape.kind !== 'object') continue;
    const inner = shape
      .members()
      .filter(isLeaf)
      .find((below) => {
        const isValue = isNamed(name) && /^(address|value|number)$/.test(flat(below.name));
        return (
          isValue ||
          (isNamed(below.name) && !isFlag(below.name)) ||
          (wanted.has(flat(below.name)) && kind !== 'id')
        );
      });
    if (inner !== undefined) return `${pathName(name)}.${pathName(inner.name)}`;
  }
  return undefined;
}

/** Whether a name is a synonym of id, such as `uuid`, or a number of the record, such as `loan_number`. */
function isIdName(thing: string): (name: string) => boolean {
  const last = singularOf(wordsOf(thing).at(-1) ?? '');
  const names = ['number', 'no', 'nr', 'code', 'key', 'reference'];
  const all = new Set(['uuid', 'guid', 'gid', ...names, ...names.map((name) => `${last}${name}`)]);
  return (name) => all.has(flat(name)) && !wordsOf(name).some((word) => PHONE.test(word));
}

/** Whether a name is a property of an address or a number, and not the address or number itself. */
function isFlag(name: string): boolean {
  return /verified|confirmed|valid|optin|optout|status|type|count|consent|template|subscri|hash|date|updated/i.test(
    name.replaceAll(/[_-]/g, ''),
  );
}

/** The path of the id of a record. */
export function idPathOf(record: Shape, thing: string): string | undefined {
  return keyPathIn(record, 'id', 'id', thing);
}
