import { describe, expect, it } from 'vitest';
import { errorOfFault, readFault, type FaultMeaning } from '../../src/connectors/soap/faults.js';

const faultOf = (fault: object) => ({ root: { Envelope: { Body: { Fault: fault } } } });
const declared = { MS_UNAVAILABLE: 'key-unavailable', INVALID_INPUT: 'nothing' } as const;

describe('a SOAP fault', () => {
  it.each<[object, FaultMeaning, string | undefined, string | undefined]>([
    [
      { faultcode: 'env:Server', faultstring: 'MS_UNAVAILABLE' },
      'key-unavailable',
      'MS_UNAVAILABLE',
      'MS_UNAVAILABLE',
    ],
    [
      { faultcode: 'env:Client', faultstring: 'Sorry: INVALID_INPUT.' },
      'nothing',
      'INVALID_INPUT',
      'INVALID_INPUT',
    ],
    // The code counts before the words of the text.
    [
      { faultcode: 'MS_UNAVAILABLE', faultstring: 'INVALID_INPUT' },
      ...(['key-unavailable', 'MS_UNAVAILABLE', 'MS_UNAVAILABLE'] as const),
    ],
    [{ faultcode: 'env:Client', faultstring: 'OTHER_WORD' }, 'not-understood', undefined, 'OTHER_WORD'],
    [{ faultcode: 'Client.Authentication' }, 'not-understood', undefined, 'Client.Authentication'],
    [{ faultcode: 'wsse:FailedAuthentication' }, 'unauthenticated', undefined, 'wsse:FailedAuthentication'],
    [{ faultcode: 'env:Server' }, 'unavailable', undefined, 'env:Server'],
    [{ faultstring: 'Client' }, 'unavailable', undefined, undefined],
    [{}, 'unavailable', undefined, undefined],
    [
      { Code: { Value: 'env:Sender', Subcode: { Value: 'wsse:InvalidSecurityToken' } } },
      ...(['unauthenticated', undefined, 'wsse:InvalidSecurityToken'] as const),
    ],
    [
      { Code: { Value: { $value: 'env:Sender' } }, Reason: { Text: ['Nee', { $value: 'INVALID_INPUT' }] } },
      ...(['nothing', 'INVALID_INPUT', 'INVALID_INPUT'] as const),
    ],
  ])('%j means %s', (fault, meaning, word, code) => {
    expect(readFault(faultOf(fault), declared)).toEqual({ meaning, word, code });
  });

  it('is not found in other errors', () => {
    expect(readFault(new Error('No answer.'), declared)).toBeUndefined();
    expect(readFault({ root: { Envelope: { Body: {} } } }, declared)).toBeUndefined();
  });

  it('does not repeat a code that the request contains', () => {
    expect(
      readFault(faultOf({ faultcode: 'SECRET' }), {}, '<vatNumber>SECRET</vatNumber>')?.code,
    ).toBeUndefined();
  });

  it.each<[FaultMeaning, string, object]>([
    ['rate-limited', 'SOURCE_RATE_LIMITED', { isOfKeyOnly: false }],
    ['key-rate-limited', 'SOURCE_RATE_LIMITED', { isOfKeyOnly: true }],
    ['unauthenticated', 'SOURCE_UNAUTHENTICATED', {}],
    ['forbidden', 'SOURCE_FORBIDDEN', {}],
    ['not-understood', 'SOURCE_CONTRACT', { kind: 'request-refused' }],
    ['unavailable', 'SOURCE_UNAVAILABLE', { isOfKeyOnly: false, kind: 'fault' }],
    ['key-unavailable', 'SOURCE_UNAVAILABLE', { isOfKeyOnly: true, kind: 'fault' }],
  ])('that means %s is %s', (meaning, code, more) => {
    const error = errorOfFault('vies', { meaning, word: 'WORD', code: 'env:Server' }, 500);
    expect(error).toMatchObject({
      code,
      source: 'vies',
      received: { status: 500, faultCode: 'env:Server' },
      ...more,
    });
    expect(error.message).toContain('(WORD)');
  });
});
