import type { Decisions, Draft } from '../draft.js';
import {
  isSameAccess,
  wordsText,
  writtenSource,
  type WrittenEnum,
  type WrittenField,
  type WrittenType,
} from './written-source.js';

const LINE_WIDTH = 110;
/** Longer descriptions of the system are truncated. */
const MAX_DESCRIPTION_CHARACTERS = 300;

/** Writes the SDL of a source: its types and fields, and the rules for their personal data. */
export function writeSdl(draft: Draft, decisions: Decisions): string {
  const { customerField, customer, types, enums } = writtenSource(draft, decisions);
  const category = customer.category === 'NONE' ? 'IDENTITY' : customer.category;
  const field = [
    `  ${text(`${sentence(customer.draft.description)} Source: the system "${draft.source}".`)}`,
    `  ${customerField}: ${customer.name}`,
    `    @personalData(category: ${category})`,
    ...accessOf(customer).map((directive) => `    ${directive}`),
    ...(customer.scopes.length === 0 ? ['    @authenticated'] : []),
  ].join('\n');
  return [
    `type Customer {\n${field}\n}\n`,
    ...types.map((type) => typeText(type, types)),
    ...enums.map(enumText),
  ].join('\n');
}

function typeText(type: WrittenType, types: readonly WrittenType[]): string {
  const fields = type.fields.flatMap((field) => fieldLines(field, type, types));
  return [
    text(sentence(type.draft.description)),
    `type ${type.name} @personalData(category: ${type.category}) {`,
    ...fields.map((line) => `  ${line}`),
    '}\n',
  ].join('\n');
}

function fieldLines(field: WrittenField, type: WrittenType, types: readonly WrittenType[]): string[] {
  const { name, privacy, draft } = field;
  const notRecognised =
    privacy?.isRecognised === false
      ? ['# check: neither its name nor its values were recognised, so it has the strictest rules']
      : [];
  const directives = privacy === undefined ? objectDirectives(field, type) : leafDirectives(field, type);
  const isRefusable = directives.some((directive) => !directive.startsWith('@personalData'));
  const isRequired = !draft.isNullable && !isRefusable && draft.call === undefined;
  const head = `${name}${field.isConnection ? PAGE_ARGUMENTS : ''}: ${typeOf(field)}${isRequired ? '!' : ''}`;
  const list = field.isConnection
    ? ['@listSize(slicingArguments: ["first"], sizedFields: ["nodes", "edges"])']
    : draft.isList && types.some((of) => of === field.object)
      ? [`@listSize(assumedSize: ${ASSUMED_ITEMS})`]
      : [];
  const line = [head, ...directives, ...list].join(' ');
  return [
    ...notRecognised,
    text(descriptionOf(field)),
    ...(line.length > LINE_WIDTH ? [head, ...[...directives, ...list].map((text) => `  ${text}`)] : [line]),
  ];
}

/** The assumed number of objects in a list, for the cost of an operation. */
const ASSUMED_ITEMS = 10;
const PAGE_ARGUMENTS =
  '("How many, 1 to 100." first: Int! = 10 "The `endCursor` of the page before." after: String)';

function typeOf({ type, draft, isConnection }: WrittenField): string {
  return isConnection ? `${type}Connection` : draft.isList ? `[${type}!]` : type;
}

/** A field has the rules of its type, unless it has other rules. */
function leafDirectives({ privacy }: WrittenField, type: WrittenType): string[] {
  if (privacy === undefined) return [];
  const { category, mask } = privacy;
  const data =
    mask === undefined
      ? category === type.category
        ? []
        : [`@personalData(category: ${category})`]
      : [`@personalData(category: ${category}, mask: ${mask})`];
  return [...data, ...(isSameAccess(privacy, type) ? [] : accessOf(privacy))];
}

/** A field that leads to objects has the rules of their type. */
function objectDirectives({ object }: WrittenField, type: WrittenType): string[] {
  if (object === undefined) return [];
  return [
    ...(object.category === type.category ? [] : [`@personalData(category: ${object.category})`]),
    ...(isSameAccess(object, type) ? [] : accessOf(object)),
  ];
}

function accessOf({ scopes, purposes }: Pick<WrittenType, 'scopes' | 'purposes'>): string[] {
  return [
    ...(purposes.length === 0 ? [] : [`@purpose(any: [${purposes.join(', ')}])`]),
    ...(scopes.length === 0 ? [] : [`@requiresScopes(scopes: ${listText(scopes)})`]),
  ];
}

function listText(scopes: readonly (readonly string[])[]): string {
  return `[${scopes.map((all) => `[${all.map((scope) => JSON.stringify(scope)).join(', ')}]`).join(', ')}]`;
}

function descriptionOf({ draft, name }: WrittenField): string {
  const { description = wordsText(name), from, call } = draft;
  const vendor = call === undefined ? from : call.name;
  return `${sentence(description)} In the system: ${vendor}.`;
}

function enumText({ name, of, values }: WrittenEnum): string {
  return [
    text(`The values of ${of}.`),
    `enum ${name} {`,
    ...[...values].flatMap(([value, named]) => [`  ${text(`In the system: ${value}.`)}`, `  ${named}`]),
    '}\n',
  ].join('\n');
}

/** A text on one line that begins with a capital and ends with a full stop. */
function sentence(description: string): string {
  const line = description.replace(/\s+/g, ' ').trim();
  const short =
    line.length > MAX_DESCRIPTION_CHARACTERS ? `${line.slice(0, MAX_DESCRIPTION_CHARACTERS - 1)}…` : line;
  const started = `${short.charAt(0).toUpperCase()}${short.slice(1)}`;
  return /[.!?…]$/.test(started) ? started : `${started}.`;
}

/** A string of GraphQL, which has the escapes of JSON. */
function text(value: string): string {
  return JSON.stringify(value);
}
