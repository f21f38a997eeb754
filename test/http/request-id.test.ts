import { describe, expect, test } from 'vitest';
import { Exchange, type ExchangeOptions } from '../../src/http/exchange.js';
import { requestIdOfEvent } from '../../src/operation/triggers.js';

const idOf = (id: string): string => {
  const request = new Request('http://gateway/graphql', { headers: { 'x-request-id': id } });
  // The function reads only the id.
  return new Exchange(request, {} as ExchangeOptions).requestId;
};

describe('the id of a request', () => {
  test.each(['page-view.7', '0f8fad5b-d9cb-469f-a165-70867728950e', 'a'.repeat(64)])(
    'is the id that the caller sent: %s',
    (id) => {
      expect(idOf(id)).toBe(id);
    },
  );

  test.each(['', 'a'.repeat(65), 'jan@example.nl', 'two words', '<script>', 'a"b', 'é'])(
    'is a new id if the id of the caller is long or has special characters: %s',
    (id) => {
      expect(idOf(id)).toMatch(/^[\da-f-]{36}$/);
    },
  );
});

test('the request id for an event is short and has no special characters, even if the id of the event has', () => {
  expect(requestIdOfEvent({ source: 'webshop', id: 'b54557e4-bdd9' })).toBe('webshop-b54557e4-bdd9');
  expect(requestIdOfEvent({ source: 'webshop', id: 'a b\n"c"\u0000jan@example.nl' })).toBe(
    'webshop-a_b__c__jan_example.nl',
  );
  expect(requestIdOfEvent({ source: 'webshop', id: 'x'.repeat(10_000) })).toHaveLength(64);
});
