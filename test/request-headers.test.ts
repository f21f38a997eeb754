import { expect, test } from 'vitest';
import { requestHeader, type RequestHeader } from '../src/request-headers.js';

test.each<[RequestHeader, string]>([
  ['data-purpose', 'x-purpose'],
  ['report-sources', 'x-sources'],
  ['request-priority', 'x-priority'],
  ['request-id', 'x-request-id'],
])('the header %s may also be sent as %s, and its own name has priority', (name, alias) => {
  expect(requestHeader(new Headers(), name)).toBeNull();
  expect(requestHeader(new Headers({ [alias]: 'alias' }), name)).toBe('alias');
  expect(requestHeader(new Headers({ [alias]: 'alias', [name]: 'name' }), name)).toBe('name');
});
