import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { healthy } from '../../../sources/stand-ins/fault.js';
import type { ProxyPort } from '../../../sources/stand-ins/proxy-port.js';
import { createMessageGroupReader } from '../../../sources/stand-ins/sql-messages.js';
import { startSqlProxy } from '../../../sources/stand-ins/sql-proxy.js';

function message(letter: string, contents = ''): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.write(letter);
  bytes.writeInt32BE(4 + contents.length, 1);
  return Buffer.concat([bytes, Buffer.from(contents)]);
}

function opening(code: number, contents = ''): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeInt32BE(8 + contents.length);
  bytes.writeInt32BE(code, 4);
  return Buffer.concat([bytes, Buffer.from(contents)]);
}

const startup = opening(196608, 'user\0gateway\0\0');
const encryption = opening(80877103);

/** Returns the type letters of the messages in these bytes. */
function letters(bytes: Buffer): string {
  let found = '';
  for (let offset = 0; offset + 5 <= bytes.length; offset += 1 + bytes.readInt32BE(offset + 1)) {
    found += String.fromCharCode(bytes.readUInt8(offset));
  }
  return found;
}

describe("the proxy reading a client's messages", () => {
  const prepared = [message('P', 'select 1'), message('B'), message('D'), message('E'), message('S')];
  const all = Buffer.concat([
    encryption,
    startup,
    message('p', 'secret'),
    ...prepared,
    message('Q', 'x'),
    message('X'),
  ]);
  const expected = [
    { kind: 'encryption-request' },
    { kind: 'startup' },
    { kind: 'messages', queries: 0, last: 'p' },
    { kind: 'messages', queries: 1, last: 'S' },
    { kind: 'messages', queries: 1, last: 'Q' },
    { kind: 'messages', queries: 0, last: 'X' },
  ];

  it.each([1, 3, 7, 1_000])('finds message groups in pieces of %d bytes', (size) => {
    const reader = createMessageGroupReader();
    const groups = [];
    for (let start = 0; start < all.length; start += size)
      groups.push(...reader.read(all.subarray(start, start + size)));
    expect(groups).toMatchObject(expected);
    expect(Buffer.concat(groups.map(({ bytes }) => bytes))).toEqual(all);
  });

  it('refuses bytes that are not PostgreSQL', () => {
    expect(() => createMessageGroupReader().read(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toThrow(
      'not an opening packet',
    );
  });
});

describe('the order of answers on one connection of the proxy', () => {
  let proxy: ProxyPort;
  let system: Server;
  let heard: string;
  let sendToProxy: (bytes: Buffer) => void;
  let hangUp: () => void;
  let gateway: Socket;
  let received: Buffer;

  beforeEach(async () => {
    heard = '';
    received = Buffer.alloc(0);
    system = createServer((socket) => {
      sendToProxy = (bytes) => socket.write(bytes);
      hangUp = () => socket.end();
      socket.once('data', () => {
        socket.on('data', (bytes: Buffer) => {
          heard += letters(bytes);
        });
        sendToProxy(Buffer.concat([message('R', '\0\0\0\0'), message('Z', 'I')]));
      });
    });
    await new Promise<void>((resolve) => system.listen(0, '127.0.0.1', resolve));
    const address = system.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    proxy = await startSqlProxy(new URL(`postgres://127.0.0.1:${address.port}`));
    gateway = connect(proxy.number, '127.0.0.1');
    gateway.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
    });
    gateway.write(startup);
    await expect.poll(() => letters(received)).toBe('RZ');
    received = Buffer.alloc(0);
  });

  afterEach(async () => {
    gateway.destroy();
    await proxy.close();
    await new Promise((resolve) => system.close(resolve));
  });

  it('has an error after the answers to earlier queries', async () => {
    gateway.write(message('Q', 'slow'));
    await expect.poll(() => heard).toBe('Q');
    await proxy.change({ ...healthy, fault: 'status' });
    gateway.write(message('Q', 'refused'));
    // The system receives a Sync instead of the query, and answers it with ReadyForQuery.
    await expect.poll(() => heard).toBe('QS');
    const answer = Buffer.concat([message('D', 'row'), message('C', 'SELECT 1'), message('Z', 'I')]);
    for (const byte of answer) sendToProxy(Buffer.of(byte));
    await expect.poll(() => letters(received)).toBe('DCZE');
    sendToProxy(message('Z', 'I'));
    await expect.poll(() => letters(received)).toBe('DCZEZ');
    expect(proxy.counters.calls).toBe(2);
  });

  it('has no answers to the other messages of a refused extended query, up to its Sync', async () => {
    await proxy.change({ ...healthy, fault: 'rate-limit' });
    gateway.write(Buffer.concat([message('P'), message('B'), message('E'), message('H')]));
    await expect.poll(() => letters(received)).toBe('E');
    await proxy.change(healthy);
    gateway.write(Buffer.concat([message('E'), message('H'), message('C'), message('S')]));
    await expect.poll(() => heard).toBe('S');
    sendToProxy(message('Z', 'I'));
    await expect.poll(() => letters(received)).toBe('EZ');
    gateway.write(message('Q', 'again'));
    await expect.poll(() => heard).toBe('SQ');
  });

  it('is the order of the queries, even if the latency changes between them', async () => {
    await proxy.change({ ...healthy, latencyMs: 150 });
    gateway.write(message('Q', 'first'));
    await expect.poll(() => proxy.counters.calls).toBe(1);
    await proxy.change(healthy);
    gateway.write(Buffer.concat([message('P'), message('B'), message('E'), message('S')]));
    await expect.poll(() => heard).toBe('QPBES');
  });

  it('ends with the connection to the system', async () => {
    const closed = new Promise((resolve) => gateway.once('close', resolve));
    sendToProxy(message('E', 'SFATAL\0\0'));
    hangUp();
    await closed;
    expect(letters(received)).toBe('E');
    await expect.poll(() => proxy.counters.connections).toBe(0);
  });
});
