import { InvalidInputError, SourceContractError } from '../../errors.js';

/** The input of an operation, by the names of the WSDL. Values are written by their XML Schema types. */
export interface SoapInput {
  readonly [name: string]: SoapValue;
}
export type SoapValue = string | number | boolean | null | SoapInput | readonly SoapValue[];

/** Texts that contain only characters of XML 1.0. Others cannot be written, not even escaped. */
const XML_TEXT = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;

/** Whether a message can contain a text. */
export function isPossibleText(text: string): boolean {
  return XML_TEXT.test(text) && !text.startsWith(CDATA);
}

/** The package does not escape a text that begins like this, so the rest could add elements. */
const CDATA = '<![CDATA[';

/** Refuses texts that no message can contain, or that the package would not write as text. */
export function refuseImpossibleInput(value: SoapValue): void {
  if (typeof value === 'string') {
    if (!XML_TEXT.test(value))
      throw new InvalidInputError(
        'A text in the query has an invalid character: a control character or half of a surrogate pair.',
      );
    if (value.startsWith(CDATA))
      throw new InvalidInputError('A text in the query must not begin like a CDATA section.');
  } else if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values<SoapValue>(value)) refuseImpossibleInput(inner);
  }
}

/**
 * Decodes a document by the encoding of its headers, its first bytes or its declaration. Refuses constructs that a
 * SOAP message must not have (SOAP 1.1, 3), or that the package reads incorrectly.
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
  // Entities, internal or external, can be declared only in a document type.
  if (hasDoctype(text)) throw refuse('a document type along with its answer');
  // The package would read a document in a CDATA section as part of the answer.
  if (text.indexOf('<?xml', 1) > 0) throw refuse('a document inside of its answer');
  // The package stores elements by their id in a plain object, so such an id could change the prototype.
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

/** Whether there is a document type. Only comments and instructions may precede it. */
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
 * Converts texts to values by their XML Schema types. Numbers that JavaScript would change, dates and invalid values
 * stay text; the source's schema then reports them.
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
 * Removes attributes for the parser only, such as `xsi:type`. An element with no other attributes equals one without
 * any.
 */
export function withoutXsi(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutXsi);
  if (typeof value !== 'object' || value === null) return value;
  const { [ATTRIBUTES]: attributes, ...elements } = value as Record<string, unknown>;
  const otherAttributes = Object.entries(attributes ?? {}).filter(
    ([name]) => !/:(type|nil|schemaLocation|noNamespaceSchemaLocation)$/.test(name),
  );
  const names = Object.keys(elements);
  if (otherAttributes.length === 0 && names.length === 1 && names[0] === TEXT) return elements[TEXT];
  return {
    ...Object.fromEntries(names.map((name) => [name, withoutXsi(elements[name])])),
    ...(otherAttributes.length === 0 ? {} : { [ATTRIBUTES]: Object.fromEntries(otherAttributes) }),
  };
}
