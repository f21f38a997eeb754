import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sources } from '../../sources/index.js';
import { ConfigError } from '../../src/errors.js';
import { createGateway } from '../../src/gateway.js';
import { readPersistedOperations } from '../../src/operation/persisted-operations.js';
import { directSettings } from '../support/stand-ins.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-operations-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Creates a gateway like a new installation: with the endpoint of the README's example and these settings. */
function install(settings: Record<string, string>) {
  const lines: Record<string, unknown>[] = [];
  const gateway = createGateway({
    sources,
    environment: {
      AUTH: 'off',
      ID_SECRET: 'a secret of the tests',
      ...directSettings(['order-system']),
      WEBHOOK_FILE: join(folder, 'webhooks.db'),
      WEBHOOK_SECRET: 'a secret of the tests of operations',
      WEBHOOK_ENDPOINTS: JSON.stringify([
        {
          name: 'campaign-tool',
          url: 'http://127.0.0.1:1/',
          secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
          allowPrivate: true,
        },
      ]),
      ...settings,
    },
    logger: pino(
      { level: 'info' },
      { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) },
    ),
  });
  return { gateway, lines };
}

test('an operation includes nested fragments, each once', () => {
  writeFileSync(join(folder, 'a.graphql'), 'query A { ...One ...Two }');
  writeFileSync(
    join(folder, 'fragments.graphql'),
    'fragment Two on Query { ...Three } fragment Three on Query { __typename } fragment One on Query { ...Two }',
  );
  const [operation] = readPersistedOperations(pathToFileURL(`${folder}/`));
  expect(operation?.document.match(/fragment \w+/g)).toEqual([
    'fragment One',
    'fragment Three',
    'fragment Two',
  ]);
});

describe('an installation', () => {
  test('has no demo operations or triggers, and logs nothing about them at the start', async () => {
    const { gateway, lines } = install({});
    await gateway.opened;
    expect(readPersistedOperations()).toEqual([]);
    expect(lines).toEqual([]);
    await gateway.close();
  });

  test('answers the operations of OPERATIONS_FOLDER by id', async () => {
    const operations = join(folder, 'operations');
    mkdirSync(operations);
    writeFileSync(join(operations, 'type.graphql'), 'query TypeOfQuery { __typename }');
    const { gateway } = install({ OPERATIONS_FOLDER: operations });
    const [{ documentId } = { documentId: '' }] = readPersistedOperations(pathToFileURL(`${operations}/`));
    const response = await gateway.fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ documentId }),
    });
    expect(await response.json()).toEqual({ data: { __typename: 'Query' } });
    await gateway.close();
  });

  test('logs an error for an operation that its schema cannot answer, and answers the others', async () => {
    const operations = join(folder, 'operations');
    mkdirSync(operations);
    writeFileSync(
      join(operations, 'card.graphql'),
      'query Card($by: CustomerKey!) { customer(by: $by) { nmae } }',
    );
    writeFileSync(join(operations, 'type.graphql'), 'query TypeOfQuery { __typename }');
    const { gateway, lines } = install({ OPERATIONS_FOLDER: operations });
    const [card, type] = readPersistedOperations(pathToFileURL(`${operations}/`));
    expect(lines).toMatchObject([
      {
        // In pino, 50 is the level of errors.
        level: 50,
        operation: 'Card',
        file: 'card.graphql',
        documentId: card?.documentId,
        reason: expect.stringContaining('Cannot query field "nmae" on type "Customer".') as string,
      },
    ]);
    const statuses: number[] = [];
    for (const documentId of [card?.documentId, type?.documentId]) {
      const response = await gateway.fetch('/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ documentId }),
      });
      statuses.push(response.status);
    }
    expect(statuses).toEqual([404, 200]);
    await gateway.close();
  });

  test('reads the triggers of TRIGGERS_FOLDER', async () => {
    const triggers = join(folder, 'triggers');
    mkdirSync(triggers);
    writeFileSync(join(triggers, 'wrong.graphql'), '\nsubscription Wrong { orderPaid { recordId } }');
    const { gateway, lines } = install({ TRIGGERS_FOLDER: triggers });
    await gateway.opened;
    expect(lines.map(({ problem }) => problem)).toEqual([
      `${triggers}/wrong.graphql line 2: the subscription needs @deliver, which names its endpoint.`,
    ]);
    await gateway.close();
  });

  test.each(['OPERATIONS_FOLDER', 'TRIGGERS_FOLDER', 'AUDIENCES_FOLDER'])(
    'fails to start if %s is not a folder',
    (variable) => {
      const file = join(folder, 'a-file');
      writeFileSync(file, '');
      for (const path of [file, join(folder, 'absent')])
        expect(() => install({ [variable]: path })).toThrow(
          new ConfigError([
            `${variable} is invalid: it must be the path of a folder that exists (default schema/${variable.replace('_FOLDER', '').toLowerCase()}).`,
          ]),
        );
    },
  );
});
