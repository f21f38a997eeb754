import { createServer, connect, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { healthy } from '../../../sources/stand-ins/fault.js';
import { openProxyPort, reservePort, type ProxyPort } from '../../../sources/stand-ins/proxy-port.js';

/** The first port that Linux gives to outgoing connections and to servers on port 0. Other systems begin higher. */
const FIRST_EPHEMERAL_PORT = 32_768;

let open: ProxyPort[] = [];
afterEach(async () => {
  await Promise.all(open.map((port) => port.close()));
  open = [];
});

async function openPort(server: Server = createServer(), port?: number): Promise<ProxyPort> {
  const opened = await openProxyPort(server, port === undefined ? {} : { port });
  open.push(opened);
  return opened;
}

/** Resolves to `connected`, or to the code of the error. */
function connectionTo(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve('connected');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? 'unknown');
    });
  });
}

describe('the port of a system', () => {
  it('cannot be taken by a connection or another server while it is closed', async () => {
    const ports = await Promise.all(Array.from({ length: 20 }, () => openPort()));
    expect(Math.max(...ports.map(({ number }) => number))).toBeLessThan(FIRST_EPHEMERAL_PORT);
    expect(new Set(ports.map(({ number }) => number)).size).toBe(20);
  });

  it('is reserved among all processes while it is closed, and is free again at the end', async () => {
    const port = await openPort();
    await port.change({ ...healthy, fault: 'down' });
    await expect(reservePort(port.number)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await port.change(healthy);
    expect(await connectionTo(port.number)).toBe('connected');
    await port.close();
    (await reservePort(port.number)).close();
  });

  it('refuses connections while the system is unavailable, and is the same afterwards', async () => {
    const port = await openPort();
    expect(await connectionTo(port.number)).toBe('connected');
    await port.change({ ...healthy, fault: 'down' });
    expect(await connectionTo(port.number)).toBe('ECONNREFUSED');
    await port.change(healthy);
    expect(await connectionTo(port.number)).toBe('connected');
  });

  it('is opened again when another program that used it for a moment has ended', async () => {
    const port = await openPort();
    await port.change({ ...healthy, fault: 'down' });
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(port.number, '127.0.0.1', resolve));
    const healed = port.change(healthy);
    await new Promise((resolve) => setTimeout(resolve, 60));
    other.close();
    await healed;
    expect(await connectionTo(port.number)).toBe('connected');
  });

  it('can be chosen, and is refused if it is taken', async () => {
    const { number } = await openPort();
    await expect(openPort(createServer(), number)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
