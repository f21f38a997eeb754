import { connect } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { listen } from '../../src/server/http.js';
import { startServer } from '../connectors/server.js';
import { createTestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';

/** A contact centre that never answers, and what it sees of those who ask. */
const seen = { asked: 0, gone: 0 };
const contactCentre = await startServer((_, response) => {
  seen.asked += 1;
  response.once('close', () => (seen.gone += 1));
});
const gateway = createTestGateway({ ...directSettings(), CONTACT_CENTRE_URL: contactCentre.url });
const server = await listen(gateway.handler, { host: '127.0.0.1', port: 0 });

afterAll(async () => {
  await server.stop();
  await gateway.close();
  await contactCentre.close();
});

const askFor = (email: string) => `{ customer(by: { email: "${email}" }) { tickets { subject } } }`;

/** Asks over a connection of its own, and closes it without waiting for the answer. */
async function askAndHangUp(query: string, until: () => boolean): Promise<void> {
  const body = JSON.stringify({ query });
  const head = ['POST /graphql HTTP/1.1', 'host: localhost', 'content-type: application/json'];
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.write(`${[...head, `content-length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`);
  await expect.poll(until).toBe(true);
  socket.destroy();
}

describe('a client that hangs up', () => {
  test('cancels what only it was waiting for', async () => {
    await askAndHangUp(askFor('customer-1@example.nl'), () => seen.asked === 1);
    // Long before the system's own time is over.
    await expect.poll(() => seen.gone, { timeout: 700 }).toBe(1);
  });

  test('cancels nothing that somebody else waits for', async () => {
    const { asked, gone } = seen;
    const other = gateway.query(askFor('customer-2@example.nl'));
    await expect.poll(() => seen.asked).toBe(asked + 1);
    let isAnswered = false;
    void other.then(() => (isAnswered = true));
    await askAndHangUp(askFor('customer-2@example.nl'), () => true);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([seen.gone, isAnswered]).toEqual([gone, false]);
    const { errors } = await other;
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['SOURCE_TIMEOUT']);
  });
});
