import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { operationIn, selectedFields } from '../src/selections.js';

function fieldsOf(document: string): string[] {
  const parts = operationIn(parse(document));
  if (parts === undefined) throw new Error('There is no operation.');
  return Array.from(selectedFields(parts.operation.selectionSet, parts.fragments), ({ name }) => name.value);
}

describe('the fields of a selection', () => {
  it.each([
    ['fields with their own selections', '{ a { x } b a }', ['a', 'b', 'a']],
    ['a fragment twice', '{ ...F b ...F } fragment F on Query { a }', ['a', 'b']],
    [
      'a fragment again in inline fragments',
      '{ ... { ...F } b ... on Query { ...F ... { ...F } } } fragment F on Query { a }',
      ['a', 'b'],
    ],
    [
      'a fragment again in another fragment',
      '{ ...F ...G } fragment F on Query { a ...G } fragment G on Query { b }',
      ['a', 'b'],
    ],
    [
      'fragments that contain each other',
      '{ ...F } fragment F on Query { a ... { ...G } } fragment G on Query { b ... { ...F } }',
      ['a', 'b'],
    ],
    ['a fragment that is missing', '{ ...F a }', ['a']],
  ])('include the fields of each fragment once: %s', (_, document, fields) => {
    expect(fieldsOf(document)).toEqual(fields);
  });
});
