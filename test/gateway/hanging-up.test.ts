import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import { sources } from '../../sources/index.js';
import { listen } from '../../src/http/http.js';
import { sendJson, startServer } from '../connectors/server.js';
import { createTestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';

/** A contact centre that answers when the test releases it, and that counts its requests. */
const seen = { requests: 0, gone: 0 };
const held: ServerResponse[] = [];
const contactCentre = await startServer((_, response) => {
  seen.requests += 1;
  held.push(response);
  response.once('close', () => (seen.gone += 1));
});
// The time limits of the gateway are long, so that they do not end a call.
const patient = sources.map((source) => ({
  ...source,
  limits: { ...source.limits, timeout: '60 s' as const },
}));
const gateway = createTestGateway(
  { ...directSettings(), CONTACT_CENTRE_URL: contactCentre.url, DEADLINE_MS: '60000' },
  { sources: patient },
);
const server = await listen(gateway.handler, { host: '127.0.0.1', port: 0 });

afterAll(async () => {
  await server.stop();
  await gateway.close();
  await contactCentre.close();
});

const ticketCountOf = (email: string) =>
  `{ customer(by: { email: "${email}" }) { openTicketCount { value } } }`;

/** Sends a request on a separate connection. Returns a function that closes the connection early. */
function send(query: string): () => void {
  const body = JSON.stringify({ query });
  const head = ['POST /graphql HTTP/1.1', 'host: localhost', 'content-type: application/json'];
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.write(`${[...head, `content-length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`);
  return () => socket.destroy();
}

async function metric(series: string): Promise<number> {
  const text = await (await gateway.fetch('/metrics')).text();
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.slice(series.length),
  );
}

/** Requests at the contact centre, including those in flight. */
const wanted = () => metric('stekkerdoos_cache_answers_total{source="contact-centre",answer="miss"}');
const inFlight = () => metric('stekkerdoos_requests_in_flight');
const patience = { timeout: 30_000 };

describe('a client that disconnects', () => {
  test('cancels the calls that no other request waits for', async () => {
    const hangUp = send(ticketCountOf('customer-1@example.nl'));
    await expect.poll(() => seen.requests, patience).toBe(1);
    hangUp();
    await expect.poll(() => seen.gone, patience).toBe(1);
  });

  test('does not cancel a call that another request waits for', async () => {
    const { requests, gone } = seen;
    const [before, alone] = [await wanted(), await inFlight()];
    const hangUp = send(ticketCountOf('customer-2@example.nl'));
    await expect.poll(() => seen.requests, patience).toBe(requests + 1);
    const other = gateway.query(ticketCountOf('customer-2@example.nl'));
    // Both requests wait for the same call.
    await expect.poll(wanted, patience).toBe(before + 2);
    hangUp();
    await expect.poll(inFlight, patience).toBe(alone + 1);
    expect(seen).toEqual({ requests: requests + 1, gone });
    for (const response of held.splice(requests)) sendJson(response, {});
    // The answer is not a list of tickets, so the other request gets an error.
    expect((await other).errors.map(({ extensions }) => extensions.code)).toEqual(['SOURCE_CONTRACT']);
  });
});
