import { describe, expect, it } from 'vitest';
import { readFault } from '../../src/connectors/soap/faults.js';
import { ATTRIBUTES, DESERIALIZERS, readXml, TEXT, withoutXsi } from '../../src/connectors/soap/xml.js';

describe('a value of a SOAP message', () => {
  it.each<[string, string, unknown]>([
    ['int', '9007199254740991', 9_007_199_254_740_991],
    ['integer', '9007199254740993', '9007199254740993'],
    ['int', 'many', 'many'],
    ['double', '1.5', 1.5],
    ['double', 'INF', 'INF'],
    ['decimal', '1.50', '1.50'],
    ['long', '1', '1'],
    ['boolean', '1', true],
    ['boolean', 'false', false],
    ['boolean', 'yes', 'yes'],
    ['dateTime', '2026-11-01T12:00:00', '2026-11-01T12:00:00'],
  ])('of the type %s with the text "%s" is %j', (type, text, value) => {
    expect(DESERIALIZERS[type]?.(text)).toBe(value);
  });

  it.each<[object, unknown]>([
    [{ [ATTRIBUTES]: { 'xsi:type': 'x:string' }, [TEXT]: 'a' }, 'a'],
    [{ [ATTRIBUTES]: { 'xsi:nil': 'true' }, a: '1' }, { a: '1' }],
    [{ [ATTRIBUTES]: { 'i:schemaLocation': 'a b' }, [TEXT]: 'a' }, 'a'],
    [{ [ATTRIBUTES]: { 'i:noNamespaceSchemaLocation': 'a' }, [TEXT]: 'a' }, 'a'],
    [
      { [ATTRIBUTES]: { unit: 'kg', 'xsi:type': 'x:decimal' }, [TEXT]: '1' },
      { [ATTRIBUTES]: { unit: 'kg' }, [TEXT]: '1' },
    ],
    [{ a: [{ [ATTRIBUTES]: { 'xsi:type': 'x' }, [TEXT]: 'a' }] }, { a: ['a'] }],
  ])('%j without attributes for the parser is %j', (value, expected) => {
    expect(withoutXsi(value)).toEqual(expected);
  });
});

it.each([
  ['a document type', '<?xml version="1.0"?><!-- a --><!DOCTYPE a><a/>'],
  ['a document inside of its answer', '<a><![CDATA[<?xml version="1.0"?><b/>]]></a>'],
  ['an id that no element has', '<a id="toString"/>'],
])('a message with %s is refused', (what, text) => {
  expect(() => readXml(Buffer.from(text), 'text/xml', 'vies')).toThrow(`vies sent ${what}`);
});

it.each([
  ['VersionMismatch', 'not-understood'],
  ['MustUnderstand', 'not-understood'],
  ['DataEncodingUnknown', 'not-understood'],
  ['FailedCheck', 'unauthenticated'],
  ['InvalidSecurity', 'unauthenticated'],
  ['UnsupportedSecurityToken', 'unauthenticated'],
  ['SecurityTokenUnavailable', 'unauthenticated'],
])('the standard fault code %s means %s', (faultcode, meaning) => {
  const error = { root: { Envelope: { Body: { Fault: { faultcode: `e:${faultcode}` } } } } };
  expect(readFault(error, {})?.meaning).toBe(meaning);
});
