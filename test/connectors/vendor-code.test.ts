import { z } from 'zod';
import { describe, expect, it } from 'vitest';
import { mismatchesOf } from '../../src/connectors/mismatches.js';
import { networkFailure, vendorCodeIn } from '../../src/connectors/vendor-code.js';

describe('the code of a vendor’s error', () => {
  it.each<[unknown, string | undefined]>([
    [[{ errorCode: 'FIRST', code: 'OTHER' }, { errorCode: 'SECOND' }], 'FIRST'],
    [[{ code: 'ONLY' }], 'ONLY'],
    [{ error: { code: 'BadRequest' } }, 'BadRequest'],
    [{ error: { code: 190 } }, '190'],
    [{ fout: [{ code: 'IPD5200' }, { code: 'IPD0001' }] }, 'IPD5200'],
    [{ errors: [{ code: 'OUTER', extensions: { code: 'THROTTLED' } }] }, 'THROTTLED'],
    [{ errors: [{ code: 'OUTER' }] }, 'OUTER'],
    [{ error: 'invalid_grant' }, 'invalid_grant'],
    [{ category: 'VALIDATION_ERROR', code: 'OTHER' }, 'VALIDATION_ERROR'],
    [{ errorCode: 'CODE_A' }, 'CODE_A'],
    [{ code: 'CODE_B' }, 'CODE_B'],
    [{ type: 'https://api.example/problems/not-found' }, 'not_found'],
    [{ message: 'No code.' }, undefined],
    [[], undefined],
    ['text', undefined],
    [undefined, undefined],
  ])('in %j is %j', (body, code) => {
    expect(vendorCodeIn(body, '')).toBe(code);
  });
});

describe('a connection that fails', () => {
  const withCode = (code: unknown, options?: ErrorOptions) =>
    Object.assign(new Error('Failed.', options), { code });
  it.each<[string, unknown, string, object]>([
    ['ECONNREFUSED', withCode('ECONNREFUSED'), 'unreachable', { networkCode: 'ECONNREFUSED' }],
    ['CERT_HAS_EXPIRED', withCode('CERT_HAS_EXPIRED'), 'certificate', { networkCode: 'CERT_HAS_EXPIRED' }],
    [
      'its cause',
      new Error('x', { cause: withCode('ENOTFOUND') }),
      'unreachable',
      { networkCode: 'ENOTFOUND' },
    ],
    [
      'the first of several',
      new AggregateError([withCode('DEPTH_ZERO_SELF_SIGNED_CERT'), withCode('ECONNREFUSED')]),
      ...(['certificate', { networkCode: 'DEPTH_ZERO_SELF_SIGNED_CERT' }] as const),
    ],
    ['a code in lower case', withCode('jan'), 'unreachable', {}],
    ['a number', withCode(5), 'unreachable', {}],
    ['no error', 'ECONNREFUSED', 'unreachable', {}],
  ])('is identified by %s', (_, error, kind, received) => {
    expect(networkFailure(error)).toEqual({ kind, received });
  });
});

describe('a place that does not match its schema', () => {
  const issuesOf = (schema: z.ZodType, value: unknown) => schema.safeParse(value).error?.issues ?? [];

  it.each<[string, z.ZodType, unknown, { path: string; expected: string }[]]>([
    ['the top', z.object({}), 'text', [{ path: '(top)', expected: 'object' }]],
    [
      'an item',
      z.array(z.object({ a: z.string() })),
      [{ a: '' }, { a: 1 }],
      [{ path: '11.a', expected: 'string' }],
    ],
    [
      'a format',
      z.object({ d: z.iso.date() }),
      { d: 'x' },
      [{ path: 'd', expected: 'text of the format date' }],
    ],
    [
      'a value',
      z.object({ e: z.enum(['a', 'b']) }),
      { e: 'c' },
      [{ path: 'e', expected: 'one of 2 values' }],
    ],
    ['a size', z.array(z.array(z.int()).min(2)), [[1]], [{ path: '10', expected: 'too small' }]],
  ])('is named: %s', (_, schema, value, mismatches) => {
    expect(mismatchesOf(issuesOf(schema, value), 10)).toEqual(mismatches);
  });

  it('is limited to the first five places', () => {
    expect(mismatchesOf(issuesOf(z.array(z.string()), [1, 2, 3, 4, 5, 6])).map(({ path }) => path)).toEqual([
      ...['0', '1', '2', '3', '4'],
    ]);
  });
});
