import { describe, expect, it } from 'vitest';
import { acceptsEvents, acceptsIncremental, mediaTypeFor } from '../../src/http/accept.js';

const JSON_TYPE = 'application/json';
const GRAPHQL_TYPE = 'application/graphql-response+json';

describe('the media type of an answer', () => {
  it.each<[string | undefined, string | undefined]>([
    [undefined, JSON_TYPE],
    ['*/*', JSON_TYPE],
    ['application/*', JSON_TYPE],
    [JSON_TYPE, JSON_TYPE],
    [GRAPHQL_TYPE, GRAPHQL_TYPE],
    ['Application/GraphQL-Response+JSON', GRAPHQL_TYPE],
    [`${GRAPHQL_TYPE}, ${JSON_TYPE}`, GRAPHQL_TYPE],
    [`${JSON_TYPE},${GRAPHQL_TYPE}`, JSON_TYPE],
    [`${GRAPHQL_TYPE};q=0.9, ${JSON_TYPE};q=1`, GRAPHQL_TYPE],
    [`${JSON_TYPE}; charset=utf-8`, JSON_TYPE],
    [`${JSON_TYPE}; charset=utf-8 ; q=0.5`, JSON_TYPE],
    [`${JSON_TYPE}; charset=latin1`, undefined],
    [`${JSON_TYPE}; profile=x`, undefined],
    [`${JSON_TYPE}, text/html`, undefined],
    [`text/event-stream, ${JSON_TYPE}`, undefined],
    ['text/html', undefined],
    ['', undefined],
  ])('for a client that accepts %j is %s', (accept, expected) => {
    expect(mediaTypeFor(accept)).toBe(expected);
  });
});

describe('a client', () => {
  it.each<[string | undefined, { parts: boolean; events: boolean }]>([
    [undefined, { parts: false, events: true }],
    ['*/*', { parts: false, events: true }],
    ['text/*', { parts: false, events: true }],
    [JSON_TYPE, { parts: false, events: false }],
    ['text/html', { parts: false, events: false }],
    ['multipart/mixed', { parts: true, events: false }],
    ['text/event-stream', { parts: true, events: true }],
    ['TEXT / Event-Stream', { parts: true, events: true }],
    [`${JSON_TYPE}, multipart/mixed; deferSpec=20220824`, { parts: true, events: false }],
    ['text/event-stream; charset=utf-8', { parts: true, events: true }],
    ['text/event-stream; charset=latin1', { parts: false, events: false }],
    [`text/event-stream; charset=latin1, multipart/mixed`, { parts: true, events: false }],
  ])('that accepts %j receives a response in parts or events: %j', (accept, expected) => {
    const headers = new Headers(accept === undefined ? {} : { accept });
    expect({ parts: acceptsIncremental(headers), events: acceptsEvents(headers) }).toEqual(expected);
  });
});
