import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, it, vi } from 'vitest';
import { NodeRequest } from '../../src/http/node-request.js';

function create(incoming: object = {}) {
  const response = Object.assign(new EventEmitter(), { writableFinished: false });
  const parts: object = {
    method: 'POST',
    url: '/graphql?a=1',
    headers: { host: 'gateway.example' },
    ...incoming,
  };
  const request = new NodeRequest(parts as IncomingMessage, response as unknown as ServerResponse);
  return { request, response };
}

it('a request of node:http has the form of a Request', () => {
  const socket: object = new EventEmitter();
  const headers = { host: 'gateway.example', accept: '*/*', 'set-cookie': ['a', 'b'] };
  const { request } = create({ headers, socket });
  expect(request).toMatchObject({ method: 'POST', url: 'http://gateway.example/graphql?a=1' });
  expect(request.connection).toBe(socket);
  expect(['Accept', 'Set-Cookie', 'prefer'].map((name) => request.headers.get(name))).toEqual([
    '*/*',
    'a, b',
    null,
  ]);
});

it.each([true, false])(
  'its signal is aborted if the connection ends before the answer was sent: sent %s',
  (isSent) => {
    const { request, response } = create();
    const abort = vi.fn();
    request.signal.addEventListener('abort', abort, { once: true });
    response.writableFinished = isSent;
    response.emit('close');
    expect(abort).toHaveBeenCalledTimes(isSent ? 0 : 1);
  },
);
