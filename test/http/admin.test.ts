import { buildSchema } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { describe, expect, it, vi } from 'vitest';
import {
  AuthenticationUnavailableError,
  InvalidInputError,
  SuppressionUnavailableError,
  UnauthenticatedError,
} from '../../src/errors.js';
import { isOperator, useForgetting } from '../../src/http/admin.js';
import type { Forget, Forgotten } from '../../src/privacy/forget.js';

const TOKEN = 'a token of the tests';
const FORGOTTEN: Forgotten = { isEverywhere: true, unavailableSources: [], renew: () => undefined };
const NO_CALLERS = {
  caller: () => {
    throw new UnauthenticatedError('invalid');
  },
};

async function post(forget: Forget, body: object): Promise<{ status: number; body: unknown }> {
  const yoga = createYoga({
    schema: buildSchema('type Query { a: Int }'),
    logging: false,
    plugins: [useForgetting({ token: TOKEN, authentication: NO_CALLERS }, forget)],
  });
  const response = await yoga.fetch('http://gateway/admin/forget', {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

describe('POST /admin/forget', () => {
  it.each<[string, Awaited<ReturnType<Forget>> | Error, number, string]>([
    ['was done on every instance', FORGOTTEN, 200, 'forgotten'],
    ['was done here only', { ...FORGOTTEN, isEverywhere: false }, 503, 'forgotten here only'],
    ['is not valid', new InvalidInputError('Not that.'), 400, 'Not that.'],
    [
      'cannot be stored',
      new SuppressionUnavailableError('write'),
      503,
      'The list of erased customers cannot be written',
    ],
  ])('that %s is answered with its status', async (_, result, status, text) => {
    const forget = vi.fn<Forget>(() =>
      result instanceof Error ? Promise.reject(result) : Promise.resolve(result),
    );
    const answer = await post(forget, { source: 'shop' });
    expect(answer).toMatchObject({ status, body: { status: expect.stringContaining(text) as string } });
  });

  it.each([
    [{ source: 'shop' }, { source: 'shop' }],
    [
      { source: 'shop', loader: 'orders' },
      { source: 'shop', loader: 'orders' },
    ],
    [
      { type: 'Product', key: '1' },
      { type: 'Product', key: '1' },
    ],
    [{ identifier: { email: 'a@b.nl' } }, { identifier: { namespace: 'email', value: 'a@b.nl' } }],
    [
      { identifier: { email: 'a@b.nl' }, suppress: true },
      { identifier: { namespace: 'email', value: 'a@b.nl' }, suppress: true },
    ],
  ])('with %j forgets %j', async (body, expected) => {
    const forget = vi.fn<Forget>(() => Promise.resolve(FORGOTTEN));
    await post(forget, body);
    expect(forget.mock.lastCall).toEqual([expected]);
  });
});

describe('an operator', () => {
  const request = { headers: new Headers({ authorization: `Bearer ${TOKEN}` }) };
  const callerWith = (...scopes: string[]) => ({ caller: () => ({ scopes: new Set(scopes) }) as never });

  it.each<[string, Parameters<typeof isOperator>, boolean]>([
    ['the token', [request, { token: TOKEN, authentication: NO_CALLERS }], true],
    ['another token', [request, { token: `${TOKEN}.`, authentication: NO_CALLERS }], false],
    ['the scope', [request, { token: undefined, authentication: callerWith('admin:forget') }], true],
    ['another scope', [request, { token: undefined, authentication: callerWith('orders:read') }], false],
    [
      'no header',
      [{ headers: new Headers() }, { token: TOKEN, authentication: callerWith('admin:forget') }],
      false,
    ],
    [
      'a token that cannot be verified now',
      [
        request,
        {
          token: undefined,
          authentication: { caller: () => Promise.reject(new AuthenticationUnavailableError(5)) },
        },
      ],
      false,
    ],
  ])('is recognised by %s', async (_, [of, operators], expected) => {
    expect(await isOperator(of, operators)).toBe(expected);
  });

  it('is not decided by a defect', async () => {
    const authentication = { caller: () => Promise.reject(new TypeError('defect')) };
    await expect(isOperator(request, { token: undefined, authentication })).rejects.toThrow('defect');
  });
});
