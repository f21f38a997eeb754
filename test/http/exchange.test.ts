import { expect, it } from 'vitest';
import type { Caller } from '../../src/context/caller.js';
import { ROLES } from '../../src/context/roles.js';
import { Exchange } from '../../src/http/exchange.js';
import type { Principal } from '../../src/operation/principal.js';
import { fakeClock } from '../support/clock.js';

async function canShare(headers: Record<string, string>, change: Partial<Caller> = {}): Promise<boolean> {
  const caller: Caller = { ...ROLES.frontend, name: 'shop', roles: ['frontend'], origins: [], ...change };
  const principal = { caller } as Partial<Principal> as Principal;
  const head = {
    method: 'POST',
    url: 'http://gateway.example/graphql',
    headers: new Headers(headers),
    signal: new AbortController().signal,
  };
  const exchange = new Exchange(head, {
    authenticate: () => principal,
    reader: { checkHeaders: () => undefined },
    clock: fakeClock(),
  } as never);
  await exchange.begin();
  return exchange.canShare();
}

it('may share the answer of another request if no header and no permission of the caller affects the answer', async () => {
  expect(await canShare({ accept: '*/*', 'request-id': 'r' })).toBe(true);
  // This caller sees the cost of its own request.
  expect(await canShare({}, { operations: 'any' })).toBe(false);
});

it.each([
  ['report-sources', '1'],
  ['x-sources', '1'],
  ['cache-control', 'no-cache'],
  ['prefer', 'wait=1'],
  ['request-priority', 'bulk'],
  ['x-priority', 'bulk'],
])('is executed separately with the header %s', async (name, value) => {
  expect(await canShare({ [name]: value })).toBe(false);
});
