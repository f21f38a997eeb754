import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { directiveNamed } from '../../src/stitching/policies.js';
import { readTriggers } from '../../src/webhooks/triggers.js';
import { createTestGateway } from '../support/gateway.js';
import { publishedSchema, publishedSdl, subscriptionRules } from '../support/published-schema.js';
import { directSettings } from '../support/stand-ins.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-triggers-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const RIGHT = `subscription Right @deliver(to: "campaign-tool", purpose: MARKETING) {
  orderPaid { recordId }
}`;

/** Starts a gateway with the files, and returns the problems that it logs, by line. Also checks that it answers. */
async function start(
  files: Record<string, string>,
  systems: Parameters<typeof directSettings>[0] = ['order-system', 'webshop'],
): Promise<string[]> {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const problems: string[] = [];
  const gateway = createTestGateway(
    {
      ...directSettings(systems),
      WEBHOOK_FILE: join(folder, 'webhooks.db'),
      WEBHOOK_SECRET: 'a secret of the tests of triggers',
      WEBHOOK_ENDPOINTS: JSON.stringify([
        {
          name: 'campaign-tool',
          url: 'http://127.0.0.1:1/',
          secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
          allowPrivate: true,
        },
      ]),
    },
    {
      triggers: pathToFileURL(`${folder}/`),
      logger: pino(
        { level: 'warn' },
        {
          write: (line: string) => {
            const { problem } = JSON.parse(line) as { problem?: string };
            if (problem !== undefined) problems.push(problem);
          },
        },
      ),
    },
  );
  await gateway.opened;
  const { data } = await gateway.query('{ __typename }');
  expect(data).toEqual({ __typename: 'Query' });
  await gateway.close();
  return problems;
}

/** A trigger with an error in its third line, unless the directive is wrong. */
const trigger = ({
  deliver = 'to: "campaign-tool", purpose: MARKETING',
  selection = 'orderPaid {\n    recordId\n  }',
  variables = '',
}: {
  deliver?: string;
  selection?: string;
  variables?: string;
}) => `# What it is for.
subscription Wrong${variables} @deliver(${deliver}) {
  ${selection}
}`;

const WRONG: [string, string, number, string][] = [
  ['that is a query', 'query Wrong {\n  me { id }\n}', 1, 'one subscription'],
  ['that is empty', '', 1, 'Syntax Error'],
  ['with only fragments', '\nfragment F on Customer { id }', 1, 'one subscription'],
  ['of several subscriptions', `${RIGHT}\n${RIGHT.replace('Right', 'Other')}`, 1, 'one subscription'],
  ['of a subscription and a query', `${RIGHT}\nquery Other { __typename }`, 1, 'one subscription'],
  ['that is not GraphQL', 'subscription Wrong {\n  orderPaid {\n', 3, 'Syntax Error'],
  ['without an endpoint', 'subscription Wrong {\n  orderPaid { recordId }\n}', 1, '@deliver'],
  ['without a purpose', trigger({ deliver: 'to: "campaign-tool"' }), 2, 'purpose'],
  ['with an invalid purpose', trigger({ deliver: 'to: "campaign-tool", purpose: FUN' }), 2, 'purpose'],
  [
    'with an unknown argument of @deliver',
    trigger({ deliver: 'to: "campaign-tool", purpose: MARKETING, when: "now"' }),
    2,
    '"when"',
  ],
  [
    'to an unknown endpoint',
    trigger({ deliver: 'to: "nobody", purpose: MARKETING' }),
    2,
    'no endpoint "nobody"',
  ],
  ['with unknown fields', trigger({ selection: 'orderPaid {\n    shoeSize\n  }' }), 4, 'shoeSize'],
  ['for an event that does not exist', trigger({ selection: 'orderEaten { recordId }' }), 3, 'orderEaten'],
  [
    'with variables',
    trigger({ variables: '($least: MoneyInput)', selection: 'orderPaid(minTotal: $least) { recordId }' }),
    2,
    'variables',
  ],
  [
    'with fields that its purpose does not allow',
    trigger({ selection: 'orderPaid { customer { identifiers { __typename } } }' }),
    2,
    'not allowed for MARKETING: ',
  ],
  [
    'for a type of event that its purpose does not allow',
    trigger({ selection: 'event(types: [TICKET_SOLVED]) { recordId }' }),
    2,
    'TICKET_SOLVED',
  ],
  [
    'for tickets with the purpose MARKETING',
    trigger({ selection: 'ticketOpened { recordId }' }),
    2,
    'not allowed for MARKETING: Subscription.ticketOpened',
  ],
  [
    'about one customer',
    trigger({ selection: 'customerChanged(by: {email: "jan@example.nl"}) { type }' }),
    2,
    'cannot name one',
  ],
  ['about the caller', trigger({ selection: 'meChanged { type }' }), 2, 'meChanged'],
  [
    'whose `within` is not a duration',
    trigger({ deliver: 'to: "campaign-tool", purpose: MARKETING, oncePer: CUSTOMER, within: "a day"' }),
    2,
    'ISO 8601',
  ],
  [
    'whose `within` is zero',
    trigger({ deliver: 'to: "campaign-tool", purpose: MARKETING, oncePer: CUSTOMER, within: null' }),
    2,
    '"within"',
  ],
  [
    'whose delay is not a duration',
    trigger({ selection: 'cartAbandoned(delay: "1h") { type }' }),
    2,
    'ISO 8601',
  ],
  ['whose delay is too long', trigger({ selection: 'cartAbandoned(delay: "P31D") { type }' }), 2, '30 days'],
  [
    'with invalid quiet hours',
    trigger({ deliver: 'to: "campaign-tool", purpose: MARKETING, quietHours: "at night"' }),
    2,
    'Quiet hours',
  ],
  [
    'whose root field is in a fragment',
    `subscription Wrong @deliver(to: "campaign-tool", purpose: MARKETING) {\n  ...F\n}\nfragment F on Subscription { orderPaid { recordId } }`,
    1,
    'without a fragment',
  ],
  [
    'with two root fields',
    trigger({ selection: 'orderPaid { recordId } orderShipped { recordId }' }),
    3,
    'must select only one top level field',
  ],
];

describe('a trigger', () => {
  test.each([
    ['each time', '', undefined],
    ['once a day for a customer', ', oncePer: CUSTOMER', { per: 'CUSTOMER', withinMs: 24 * 3_600_000 }],
    ['once in its period', ', oncePer: RECORD, within: "PT2H"', { per: 'RECORD', withinMs: 2 * 3_600_000 }],
  ])('is sent %s, as its directive declares', (_, more, once) => {
    const text = trigger({ deliver: `to: "campaign-tool", purpose: MARKETING${more}` });
    writeFileSync(join(folder, 'one.graphql'), text);
    const { triggers, problems } = readTriggers({
      folder: pathToFileURL(`${folder}/`),
      schema: publishedSchema,
      subscriptionRules,
      deliver: directiveNamed('deliver', publishedSdl),
      endpoints: new Set(['campaign-tool']),
      forbidden: () => [],
      maySee: () => true,
    });
    expect(problems).toEqual([]);
    expect(triggers).toMatchObject([{ once }]);
  });

  test.each(WRONG)('%s is omitted, and reported with file and line', async (_, text, line, message) => {
    const problems = await start({ 'a-right.graphql': RIGHT, 'wrong.graphql': text });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${folder}/wrong\\.graphql line ${line}: `));
    expect(problems[0]).toContain(message);
    // The log does not contain names of people from the file.
    expect(problems[0]).not.toContain('jan@example.nl');
  });

  test('that is invalid does not hide other invalid triggers', async () => {
    const problems = await start({
      'a.graphql': trigger({ deliver: 'to: "nobody", purpose: MARKETING' }),
      'b.graphql': RIGHT,
      'c.graphql': trigger({ selection: 'orderPaid {\n    shoeSize\n    hatSize\n  }' }),
    });
    expect(problems.map((problem) => problem.split(': ')[0])).toEqual([
      `${folder}/a.graphql line 2`,
      `${folder}/c.graphql line 4`,
      `${folder}/c.graphql line 5`,
    ]);
  });

  test('with a condition that no plugged-in source can evaluate is omitted, and reported', async () => {
    const first = trigger({ selection: 'orderPaid(isFirstOrder: true) { recordId }' });
    expect(await start({ 'first.graphql': first }, ['webshop'])).toEqual([
      `${folder}/first.graphql line 2: "isFirstOrder" cannot be evaluated: no plugged-in source declares it by @condition. Plug in such a source, or omit "isFirstOrder".`,
    ]);
    expect(await start({ 'first.graphql': first })).toEqual([]);
  });

  test('is loaded without a log message if it is valid, and so is an empty folder', async () => {
    expect(await start({ 'right.graphql': RIGHT, 'read-me.md': 'not a trigger' })).toEqual([]);
    expect(await start({})).toEqual([]);
  });
});
