import { InvalidInputError, SourceContractError } from '../../errors.js';

/** What an operation is given, by the names of the WSDL. Values are written by their XML Schema types. */
export interface SoapInput {
  readonly [name: string]: SoapValue;
}
export type SoapValue = string | number | boolean | null | SoapInput | readonly SoapValue[];

/** Nothing but characters that XML 1.0 can hold; no way of writing holds the others. */
const XML_TEXT = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;

/** Refuses texts that no message can carry, or that would not be written as text. */
export function refuseImpossibleInput(value: SoapValue): void {
  if (typeof value === 'string') {
    if (!XML_TEXT.test(value))
      throw new InvalidInputError('A text to look for has a character in it that no text can have.');
    // The package takes this for text that is escaped already, and whatever stands behind it would be elements.
    if (value.startsWith('<![CDATA['))
      throw new InvalidInputError('A text to look for must not begin as a CDATA section.');
  } else if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values<SoapValue>(value)) refuseImpossibleInput(inner);
  }
}

/**
 * The text of a document, by the encoding that its headers, its first bytes or its declaration name. Refused is what a
 * SOAP message must not have (SOAP 1.1, 3), or what the package that reads it would stumble over.
 */
export function readXml(bytes: Buffer, type: string, source: string): string {
  const refuse = (what: string, cause?: unknown) =>
    new SourceContractError(source, `${source} sent ${what}.`, { cause, kind: 'wrong-format' });
  let text: string;
  try {
    text = new TextDecoder(encodingOf(bytes, type), { fatal: true }).decode(bytes);
  } catch (error) {
    throw refuse('an answer that is not text', error);
  }
  // Entities, be they from elsewhere or of its own making, can only be declared there.
  if (hasDoctype(text)) throw refuse('a document type along with its answer');
  // The package would read a document in a CDATA section as a part of the answer.
  if (text.indexOf('<?xml', 1) > 0) throw refuse('a document inside of its answer');
  // The package keeps elements by their id in a plain object, and would write on what all objects have in common.
  for (const [, inDouble, inSingle] of text.matchAll(/\sid\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) {
    const id = inDouble ?? inSingle ?? '';
    if (id.includes('&#') || id in Object.prototype) throw refuse('an id that no element has');
  }
  return text;
}

function encodingOf(bytes: Buffer, type: string): string {
  const inHeader = /;\s*charset\s*=\s*"?([\w:.-]+)/i.exec(type)?.[1];
  if (inHeader !== undefined) return inHeader;
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  const declared = /^<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w:.-]+)/.exec(bytes.toString('latin1', 0, 200));
  return declared?.[1] ?? 'utf-8';
}

/** Before its first element a document has comments, instructions, and perhaps a document type. */
function hasDoctype(text: string): boolean {
  let at = 0;
  for (;;) {
    at = text.indexOf('<', at);
    if (at === -1) return false;
    const end = text.startsWith('<?', at) ? '?>' : text.startsWith('<!--', at) ? '-->' : undefined;
    if (end === undefined) return text.startsWith('<!', at);
    at = text.indexOf(end, at + 2);
    if (at === -1) return false;
  }
}

/**
 * How texts become values, by the names of their XML Schema types. Numbers and moments that JavaScript would change stay
 * as they were sent, and so does what is not of its type: then the source's schema tells where.
 */
export const DESERIALIZERS: Readonly<Record<string, (text: string) => unknown>> = {
  boolean: toBoolean,
  bool: toBoolean,
  int: toNumber,
  short: toNumber,
  integer: toNumber,
  float: toNumber,
  double: toNumber,
  long: (text) => text,
  decimal: (text) => text,
  date: (text) => text,
  dateTime: (text) => text,
};

function toBoolean(text: string): unknown {
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : text;
}

function toNumber(text: string): unknown {
  const value = Number(text);
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value)) ? value : text;
}

export const ATTRIBUTES = 'attributes';
export const TEXT = '$value';

/**
 * Without attributes that only tell the reader how to read, such as `xsi:type`: an element that has no others is the same
 * as one without attributes.
 */
export function withoutXsi(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutXsi);
  if (typeof value !== 'object' || value === null) return value;
  const { [ATTRIBUTES]: attributes, ...elements } = value as Record<string, unknown>;
  const kept = Object.entries(attributes ?? {}).filter(
    ([name]) => !/:(type|nil|schemaLocation|noNamespaceSchemaLocation)$/.test(name),
  );
  const names = Object.keys(elements);
  if (kept.length === 0 && names.length === 1 && names[0] === TEXT) return elements[TEXT];
  return {
    ...Object.fromEntries(names.map((name) => [name, withoutXsi(elements[name])])),
    ...(kept.length === 0 ? {} : { [ATTRIBUTES]: Object.fromEntries(kept) }),
  };
}
