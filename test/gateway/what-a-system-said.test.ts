import type { ServerResponse } from 'node:http';
import { pino } from 'pino';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { SourceContractError } from '../../src/index.js';
import { sendJson, startServer } from '../connectors/server.js';
import { fakeClock } from '../support/clock.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { lettersSource, PEOPLE_SDL, peopleSource, shopSource, systemSettings } from './letters-and-shop.js';

/** A text that is in the request and in all messages of the systems. No output for the operator may contain it. */
const MARKER = 'jandevries';
const ADMIN_TOKEN = 'an admin token of the tests';

let letters: (response: ServerResponse) => void;
let shop: (response: ServerResponse) => void;
const letterServer = await startServer((_, response) => {
  letters(response);
});
const shopServer = await startServer((_, response) => {
  shop(response);
});

const opened: TestGateway[] = [];
const clock = fakeClock();
let log: string[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.close()));
  log = [];
  clock.advance(120_000);
});
afterAll(() => Promise.all([letterServer.close(), shopServer.close()]));

function openGateway(): TestGateway {
  const people = peopleSource(MARKER);
  const policy = { limits: { timeout: '10 s' } } as const;
  const gateway = createTestGateway(
    {
      ...people.environment,
      ADMIN_TOKEN,
      DEADLINE_MS: '10000',
      ...systemSettings(`${letterServer.url}/api/v2`, `${shopServer.url}/graphql`),
    },
    {
      clock,
      sources: [
        people.source,
        lettersSource(policy, ({ text }) => {
          if (text === 'too many')
            throw new SourceContractError('letters', 'letters has too many records.', { kind: 'incomplete' });
          return text;
        }),
        shopSource(policy),
      ],
      sdl: {
        people: PEOPLE_SDL,
        letters:
          'type Customer @foundBy(identifier: "personId") @personalData(category: CONTACT) { "The text of the letter." letter: String @authenticated }',
        shop: `type Query { _shopCustomers(ids: [ID!]!): [Customer]! }
          type Customer @foundBy(identifier: "personId") @personalData(category: TRANSACTION) { "What is in it." cart: String @authenticated }`,
      },
      logger: pino(
        { level: 'info', base: null },
        {
          write: (line: string) => {
            log.push(line);
          },
        },
      ),
    },
  );
  opened.push(gateway);
  return gateway;
}

const QUERY = `{ customer(by: { personId: "${MARKER}" }) { letter cart } }`;

const failureLines = () =>
  log
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ msg }) => msg === 'a call to a source system failed');

async function ready(gateway: TestGateway, token?: string): Promise<Record<string, unknown>> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await gateway.fetch('/health/ready', { headers });
  return (await response.json()) as Record<string, unknown>;
}

describe('the error message of a system', () => {
  const forbidden = {
    source: 'letters',
    code: 'SOURCE_FORBIDDEN',
    kind: 'forbidden',
    loader: 'letterOf',
    requested: { method: 'GET', path: '/api/v2/letters/{}?addressee={}' },
    received: { status: 403, vendorCode: 'MISSING_SCOPES' },
    remedy: 'Give the account of the gateway access to this part of the system.',
  };
  const refuse = () => {
    letters = (response) => {
      sendJson(response, { category: 'MISSING_SCOPES', message: MARKER, code: MARKER }, { status: 403 });
    };
    shop = (response) => {
      sendJson(response, {
        data: { found: [{ _key: MARKER, cart: null }] },
        errors: [{ message: MARKER, path: ['found', 0, 'cart'], extensions: { code: 'ACCESS_DENIED' } }],
      });
    };
  };

  test('is logged at the default level, once a minute', async () => {
    refuse();
    const gateway = openGateway();
    for (let i = 0; i < 3; i += 1) await gateway.query(QUERY);
    expect(failureLines()).toMatchObject([
      { level: 40, ...forbidden, suppressed: 0 },
      {
        level: 40,
        source: 'shop',
        code: 'SOURCE_FORBIDDEN',
        kind: 'forbidden',
        requested: { method: 'POST', path: '/graphql' },
        received: { vendorCode: 'ACCESS_DENIED' },
        suppressed: 0,
      },
    ]);
    clock.advance(60_000);
    await gateway.query(QUERY);
    expect(failureLines().map(({ source, suppressed }) => [source, suppressed])).toEqual([
      ['letters', 0],
      ['shop', 0],
      ['letters', 2],
      ['shop', 2],
    ]);
  });

  test('is counted in the metrics, by a fixed list of kinds', async () => {
    refuse();
    const gateway = openGateway();
    await gateway.query(QUERY);
    const text = await (await gateway.fetch('/metrics')).text();
    expect(text).toContain(
      'stekkerdoos_source_failures_total{source="letters",code="SOURCE_FORBIDDEN",kind="forbidden"} 1',
    );
    expect(text).toContain('stekkerdoos_source_calls_total{source="letters",outcome="SOURCE_FORBIDDEN"} 1');
  });

  test('is shown by /health/ready only to an operator; other callers receive one word', async () => {
    refuse();
    const gateway = openGateway();
    await gateway.query(QUERY);
    const shown = await ready(gateway, ADMIN_TOKEN);
    expect(shown).toMatchObject({
      sources: { letters: 'down', shop: 'up', people: 'up' },
      reasons: { letters: 'forbidden' },
    });
    expect(shown['failures']).toMatchObject([
      { source: 'letters', kind: 'forbidden', loader: 'ping', requested: { path: '/api/v2/ping' } },
      { source: 'shop' },
    ]);
    for (const token of [undefined, 'another token']) {
      const open = await ready(gateway, token);
      expect(open['reasons']).toEqual({ letters: 'forbidden' });
      expect(open).not.toHaveProperty('failures');
    }
  });

  test('is not revealed to the client', async () => {
    refuse();
    const { errors } = await openGateway().query(QUERY);
    expect(errors.map(({ extensions }) => extensions)).toEqual([
      { code: 'SOURCE_FORBIDDEN', source: 'letters', retryable: false },
      { code: 'SOURCE_FORBIDDEN', source: 'shop', retryable: false },
    ]);
    expect(JSON.stringify(errors)).not.toMatch(/MISSING_SCOPES|ACCESS_DENIED|403|api/);
  });

  test('is also logged if a resolver rejects the record as invalid', async () => {
    refuse();
    letters = (response) => {
      sendJson(response, { text: 'too many', files: [] });
    };
    await openGateway().query(QUERY);
    expect(failureLines()).toMatchObject([{ source: 'letters', kind: 'incomplete' }, { source: 'shop' }]);
  });

  test.each<[string, (response: ServerResponse) => void]>([
    [
      'an error',
      (response) => {
        sendJson(response, { error: MARKER, code: MARKER }, { status: 400 });
      },
    ],
    [
      'an error of the vendor',
      (response) => {
        sendJson(response, [{ errorCode: MARKER }], { status: 500 });
      },
    ],
    [
      'another shape',
      (response) => {
        sendJson(response, { text: { [MARKER]: MARKER }, files: [] });
      },
    ],
    ['no JSON', (response) => void response.end(`<h1>${MARKER}</h1>`)],
    ['no answer', (response) => void response.destroy()],
  ])('contains no personal value: %s', async (_, answer) => {
    letters = answer;
    shop = answer;
    const gateway = openGateway();
    await gateway.query(QUERY);
    const metrics = await (await gateway.fetch('/metrics')).text();
    const health = JSON.stringify(await ready(gateway, ADMIN_TOKEN));
    expect(failureLines().map(({ source }) => source)).toEqual(expect.arrayContaining(['letters', 'shop']));
    for (const output of [log.join(''), metrics, health]) expect(output).not.toContain(MARKER);
  });
});
