import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROLES } from '../../src/context/roles.js';
import { listen, type HttpServer } from '../../src/http/http.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { createTestGateway, patientSources, type TestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';
import { startReceiver, type Receiver } from '../webhooks/receiver.js';
import { subscribe, sendWebshopEvent } from '../webhooks/subscriber.js';

/** Tests that every entry point writes an audit line for each answer with personal data. */

const EMAIL = 'customer-5@example.nl';
/** A text that each e-mail address contains. */
const PERSONAL = '@example.nl';
const SYSTEMS = ['order-system', 'webshop'] as const;
const QUERY = `{ customer(by: { email: "${EMAIL}" }) { primaryEmail } }`;

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-audit-of-entry-points-'));
const settings = directSettings([...SYSTEMS]);

interface Way {
  gateway: TestGateway;
  server: HttpServer;
  /** The endpoint of the trigger. */
  tool: Receiver;
  /** Number of audit lines that could not be written. */
  failed: () => number;
  close(): Promise<void>;
}

async function open(name: string, auditFile: string): Promise<Way> {
  const tool = await startReceiver();
  const triggers = join(folder, `${name}-triggers`);
  mkdirSync(triggers);
  writeFileSync(
    join(triggers, 'paid.graphql'),
    'subscription Paid @deliver(to: "tool", purpose: SERVICE) { orderPaid { customer { primaryEmail } } }',
  );
  let failed = 0;
  const count = (line: string): void => {
    if (line.includes('"an audit line could not be written: check the audit log and its disk"')) failed += 1;
  };
  const gateway = createTestGateway(
    {
      ...settings,
      ...CALLER_SETTINGS,
      AUDIT_FILE: auditFile,
      WEBHOOK_FILE: join(folder, `${name}.db`),
      WEBHOOK_SECRET: 'a secret of the tests of entry points',
      WEBHOOK_ENDPOINTS: JSON.stringify([
        {
          name: 'tool',
          url: tool.url,
          secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
          allowPrivate: true,
          ratePerSecond: 100,
        },
      ]),
    },
    {
      sources: patientSources().filter(({ name }) => SYSTEMS.some((system) => system === name)),
      triggers: pathToFileURL(`${triggers}/`),
      logger: pino({ level: 'error' }, { write: count }),
    },
  );
  await gateway.opened;
  const server = await listen(gateway.handler, { host: '127.0.0.1', port: 0 });
  return {
    gateway,
    server,
    tool,
    failed: () => failed,
    close: async () => {
      await server.stop();
      await gateway.close();
      await tool.close();
    },
  };
}

const auditFile = join(folder, 'audit.jsonl');
let working: Way;
let failing: Way;

beforeAll(async () => {
  working = await open('working', auditFile);
  failing = await open('failing', '/dev/full');
}, 60_000);

afterAll(async () => {
  await working.close();
  await failing.close();
  rmSync(folder, { recursive: true });
});

const operator = () => headersOf('operator', { purpose: 'SERVICE' });

/** Sends an event about a paid order to the gateway. */
const pay = ({ gateway }: Way, order: string, email = EMAIL) =>
  sendWebshopEvent(
    (path, init) => gateway.fetch(path, init),
    settings['WEBSHOP_WEBHOOK_SECRETS'] ?? '',
    'orders/paid',
    { email, order },
  );

async function post(
  fetch: (path: string, init: RequestInit) => Promise<Response>,
  query: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(await operator()), ...headers },
    body: JSON.stringify({ query }),
  });
  return response.text();
}

/** Returns the answer of each entry point. */
const ENTRY_POINTS: Record<string, (way: Way) => Promise<string>> = {
  'the front': ({ server }) => post((path, init) => fetch(new URL(path, server.url), init), QUERY),
  Yoga: ({ gateway }) => post((path, init) => gateway.fetch(path, init), QUERY),
  GET: async ({ gateway }) => {
    const query = new URLSearchParams({ query: QUERY });
    return (await gateway.fetch(`/graphql?${query.toString()}`, { headers: await operator() })).text();
  },
  '@defer': ({ gateway }) =>
    post(
      (path, init) => gateway.fetch(path, init),
      `{ __typename ... @defer { customer(by: { email: "${EMAIL}" }) { primaryEmail } } }`,
      { accept: 'multipart/mixed' },
    ),
  'server-sent events': async (way) => {
    const before = way.failed();
    const subscriber = await subscribe(
      (path, init) => way.gateway.fetch(path, init),
      { query: 'subscription OnPaid { orderPaid { customer { primaryEmail } } }' },
      await operator(),
    );
    await pay(way, '71');
    if (way === working) {
      const message = await subscriber.next();
      await subscriber.hangUp();
      return JSON.stringify(message);
    }
    // One line is of the subscriber, and one of the trigger.
    await expect.poll(() => way.failed() - before).toBeGreaterThanOrEqual(2);
    way.gateway.drain();
    return JSON.stringify(await subscriber.rest());
  },
  'a trigger': async (way) => {
    const [before, sent] = [way.failed(), way.tool.received.length];
    // A trigger sends the events of one customer in order, so this event is about another customer.
    await pay(way, '72', 'customer-6@example.nl');
    if (way === working)
      await expect.poll(() => way.tool.received.length, { timeout: 20_000 }).toBeGreaterThan(sent);
    else await expect.poll(() => way.failed() - before).toBeGreaterThanOrEqual(1);
    return JSON.stringify(way.tool.received.slice(sent));
  },
  'the commands': async ({ gateway }) => {
    const caller = { ...ROLES.operator, name: 'command line', roles: ['operator' as const], origins: [] };
    const { result } = await gateway.prepare(QUERY)(caller, { requestId: 'export' });
    return JSON.stringify(result);
  },
};

describe.each(Object.entries(ENTRY_POINTS))('an answer by %s', (_, answerBy) => {
  test('has an audit line', async () => {
    const lines = () => readFileSync(auditFile, 'utf8').split('\n').length;
    const before = lines();
    expect(await answerBy(working)).toContain(PERSONAL);
    expect(lines()).toBeGreaterThan(before);
  });

  test('is withheld if its line cannot be written', async () => {
    const before = failing.failed();
    expect(await answerBy(failing)).not.toContain(PERSONAL);
    expect(failing.failed()).toBeGreaterThan(before);
  });
});
