import { z } from 'zod';
import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../src/errors.js';
import { epochMs, moment, readJson, readText, recordId } from '../../src/webhooks/body.js';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('the body of a webhook', () => {
  it('is text in UTF-8, without a byte order mark', () => {
    expect(readText(bytes('\ufeffé'))).toBe('é');
    expect(() => readText(Uint8Array.of(0xc3, 0x28))).toThrow(InvalidInputError);
  });

  it('is parsed as JSON with exact ids', () => {
    expect(readJson(bytes('{"id":9007199254740993,"n":1.5}'), z.unknown())).toEqual({
      ...{ id: '9007199254740993', n: 1.5 },
    });
    expect(() => readJson(bytes('{'), z.unknown())).toThrow('The body is not JSON.');
  });

  const list = z.object({ a: z.array(z.object({ b: z.string(), c: z.string() })) });
  it.each<[z.ZodType, string, string]>([
    [list, '{"a":[{"b":"","c":""},{"b":1,"c":2}]}', 'a.1.b, a.1.c.'],
    [list, '[]', 'the body.'],
    [list, '{"a":[{},{}]}', 'a.0.b, a.0.c, a.1.b.'],
    [z.record(z.string(), z.string()), '{"jan@example.nl":1}', 'somewhere in it.'],
  ])('%# with invalid fields is refused with their places', (schema, text, places) => {
    expect(() => readJson(bytes(text), schema)).toThrow(`The body is not what the system sends: ${places}`);
  });
});

describe('a value in the body of a webhook', () => {
  it.each<[unknown, string | undefined]>([
    [7, '7'],
    ['7', '7'],
    ['a'.repeat(200), 'a'.repeat(200)],
    ['a'.repeat(201), undefined],
    ['', undefined],
    ['a b', undefined],
    [7.5, undefined],
    [null, undefined],
  ])('%j as a record id is %j', (value, expected) => {
    expect(recordId.safeParse(value).data).toBe(expected);
  });

  it.each<[unknown, string | undefined]>([
    ['2026-10-01T12:00:00+02:00', '2026-10-01T10:00:00.000Z'],
    ['2026-10-01T12:00:00Z', '2026-10-01T12:00:00.000Z'],
    ['2026-10-01T12:00:00', undefined],
    ['2026-10-01', undefined],
  ])('%j as a time is %j', (value, expected) => {
    expect(moment.safeParse(value).data).toBe(expected);
  });

  it.each<[unknown, string | undefined]>([
    [1_767_225_600_000, '2026-01-01T00:00:00.000Z'],
    ['1767225600000', '2026-01-01T00:00:00.000Z'],
    [0, '1970-01-01T00:00:00.000Z'],
    [-1, undefined],
    [8_640_000_000_000_001, undefined],
    ['1234567890123456', undefined],
    ['', undefined],
  ])('%j as milliseconds is %j', (value, expected) => {
    expect(epochMs.safeParse(value).data).toBe(expected);
  });
});
