import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { describe, expect, it } from 'vitest';
import { exchange, type Exchanged } from '../../src/connectors/exchange.js';

async function answerOf(listener: RequestListener): Promise<Exchanged> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const pool = new Pool(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  try {
    return await exchange(
      pool,
      { path: '/', method: 'GET' },
      { signal: new AbortController().signal, maxBytes: () => 1_000 },
    );
  } finally {
    await pool.destroy();
    server.closeAllConnections();
    server.close();
  }
}

const hints = { link: '</style.css>; rel=preload; as=style' };

describe('a system that sends early hints (status 103) before its answer', () => {
  it('returns the answer that follows them', async () => {
    const { status, body } = await answerOf((_, response) => {
      response.writeEarlyHints(hints, () => response.end('the answer'));
    });
    expect({ status, body: String(body) }).toEqual({ status: 200, body: 'the answer' });
  });

  it('returns no answer if the connection is cut off after them', async () => {
    await expect(
      answerOf((request, response) => {
        response.writeEarlyHints(hints, () => request.socket.end());
      }),
    ).rejects.toThrow('other side closed');
  });
});
