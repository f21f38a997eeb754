import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Client } from '../../src/connectors/connector.js';
import { listen } from '../../src/http/http.js';
import { defineLoader, idNamespace } from '../../src/index.js';
import { CALLER_SETTINGS } from '../support/callers.js';
import { createTestGateway } from '../support/gateway.js';
import { localSource } from '../support/local-source.js';

/**
 * A gateway with one system, on a port. It starts when it reads a line from standard input, so that the next process can be
 * ready when this one is killed.
 */
const { folder } = z.object({ folder: z.string() }).parse({ folder: process.argv[2] });
const postgresUrl = process.env['CRASH_POSTGRES_URL'];
await once(process.stdin, 'data');

/** The clock is faster than real time, so that the lease of a killed gateway ends after six seconds. */
const realNow = Date.now.bind(Date);
Date.now = () => realNow() * 10;

/** The duration of a call. Most kills happen during one. */
const CALL_MS = 200;

const people = localSource('people', {
  namespaces: [idNamespace('personId', 'The id of a person in the system.', /^[a-z0-9-]{1,40}$/)],
  identity: {
    recordKey: 'personId',
    foundBy: {
      personId: {
        uniqueness: 'enforced',
        loader: defineLoader<Client, string, { id: string; profile: object; identifiers: [] }[]>({
          name: 'byId',
          load: async (ids) => {
            await sleep(CALL_MS);
            return ids.map((id) => [{ id, profile: { name: `name of ${id}` }, identifiers: [] }]);
          },
        }),
      },
    },
    yields: {},
  },
});
const gateway = createTestGateway(
  {
    ...people.environment,
    ...CALLER_SETTINGS,
    JWT_CUSTOMER_CLAIMS: 'person=personId',
    AUDIT_FILE: `${folder}/audit-${process.pid}.jsonl`,
    BULK_JOBS_PER_CALLER: '1000',
    WEBHOOK_SECRET: 'a secret of the tests',
    ...(postgresUrl === undefined
      ? { WEBHOOK_FILE: `${folder}/webhooks.db` }
      : { WEBHOOK_POSTGRES_URL: postgresUrl }),
  },
  {
    sources: [people.source],
    sdl: {
      people:
        'type Customer @foundBy(identifier: "personId") @personalData(category: NONE) { "Whether the record is a person." isPerson: Boolean }',
    },
    operations: pathToFileURL(`${folder}/operations/`),
    triggers: pathToFileURL(`${folder}/operations/`),
  },
);
await gateway.opened;
const server = await listen(gateway.handler, { host: '127.0.0.1', port: 0 });
process.stdout.write(`${new URL(server.url).port}\n`);
