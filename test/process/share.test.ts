import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sources } from '../../sources/index.js';
import type { Client, Connector } from '../../src/connectors/connector.js';
import { ConfigError } from '../../src/errors.js';
import { defineLoader, defineSource, idNamespace, setting, type CustomerRecord } from '../../src/index.js';
import type { Environment } from '../../src/settings.js';
import type { SourceLimits } from '../../src/source.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';

/** There is no Redis at this URL. A worker runs without it. */
const NO_REDIS = 'redis://127.0.0.1:1';

let folder: string;
let opened: TestGateway[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-worker-'));
  opened = [];
});
afterEach(async () => {
  for (const gateway of opened) await gateway.close();
  rmSync(folder, { recursive: true });
});

/** The problems that prevent the start of a worker with these settings. */
function problemsWith(environment: Environment, count: number): readonly string[] {
  try {
    opened.push(
      createTestGateway(
        { SUPPRESSION_FILE: emptyFile('suppressed'), ...environment },
        { sources, worker: { number: 1, count } },
      ),
    );
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).problems;
  }
  return [];
}

function emptyFile(name: string): string {
  const file = join(folder, name);
  writeFileSync(file, '');
  return file;
}

describe('the settings of several workers', () => {
  const { ORDER_SYSTEM_URL, VIES_URL, CLICKSTREAM_FOLDER } = directSettings();
  const events = { WEBHOOK_SECRET: 'a secret of the tests, too' };

  it('must have Redis, and a separate file or store for each worker', () => {
    const API_KEYS = JSON.stringify([
      { name: 'shop', roles: ['frontend'], sha256: [createHash('sha256').update('key').digest('hex')] },
    ]);
    const file = { WEBHOOK_FILE: join(folder, 'webhooks.db'), ...events };
    expect(problemsWith({ ORDER_SYSTEM_URL, API_KEYS, ...file }, 2)).toEqual([
      expect.stringMatching(/^REDIS_URL is missing: 2 WORKERS need it/),
      expect.stringMatching(/^AUDIT_FILE is missing: 2 WORKERS need it/),
      expect.stringMatching(/^WEBHOOK_FILE is for one process: .* set WEBHOOK_POSTGRES_URL/),
    ]);
    expect(readdirSync(folder)).toEqual(['suppressed']);
  });

  it('need no audit file with AUTH=off', () => {
    expect(problemsWith({ ORDER_SYSTEM_URL, REDIS_URL: NO_REDIS }, 2)).toEqual([]);
  });

  it('allow no more workers than concurrent calls to each system, and report the maximum', () => {
    expect(problemsWith({ ORDER_SYSTEM_URL, VIES_URL, REDIS_URL: NO_REDIS }, 5)).toEqual([]);
    expect(problemsWith({ ORDER_SYSTEM_URL, VIES_URL, REDIS_URL: NO_REDIS }, 12)).toEqual([
      'WORKERS 12 is too many for order-system: its limits do not allow one call at a time for each worker. Set WORKERS to 10 at most.',
      'WORKERS 12 is too many for vies: its limits do not allow one call at a time for each worker. Set WORKERS to 5 at most.',
    ]);
  });

  it('allow any number of workers if limits are per process, as for files', () => {
    expect(problemsWith({ ORDER_SYSTEM_URL, CLICKSTREAM_FOLDER, REDIS_URL: NO_REDIS }, 4)).toEqual([]);
  });

  it('allow no more workers than concurrent deliveries to an endpoint', () => {
    const endpoint = {
      name: 'mailer',
      url: 'https://mailer.example.nl/hooks',
      secrets: [`whsec_${randomBytes(32).toString('base64')}`],
      concurrency: 1,
    };
    expect(
      problemsWith(
        { ORDER_SYSTEM_URL, REDIS_URL: NO_REDIS, WEBHOOK_ENDPOINTS: JSON.stringify([endpoint]) },
        2,
      ),
    ).toEqual([
      expect.stringMatching(
        /^WORKERS 2 is more than the concurrency of endpoint mailer .* WORKERS to 1 at most/,
      ),
    ]);
  });
});

/** A source whose system accepts any number of calls, and answers each when the test calls its function in `pendingCalls`. */
function register(limits: SourceLimits) {
  const pendingCalls: (() => void)[] = [];
  interface Register extends Client {
    find(ids: readonly string[]): Promise<CustomerRecord[][]>;
  }
  const connector: Connector<Register> = {
    settings: () => [setting('REGISTER_URL')],
    connect: () => ({
      client: (scope) => ({
        ping: () => Promise.resolve(),
        find: (ids) =>
          scope.run(async () => {
            await new Promise<void>((resolve) => pendingCalls.push(resolve));
            return ids.map((id) => [{ id, identifiers: [] }]);
          }),
      }),
      close: () => Promise.resolve(),
    }),
  };
  const source = defineSource({
    name: 'register',
    connector,
    limits,
    namespaces: [idNamespace('personId', 'The id of a person.', /^[a-z0-9-]{1,20}$/)],
    identity: {
      recordKey: 'personId',
      foundBy: {
        personId: {
          uniqueness: 'enforced',
          loader: defineLoader<Register, string, readonly CustomerRecord[]>({
            name: 'byId',
            load: (ids, client) => client.find(ids),
          }),
        },
      },
      yields: {},
    },
  });
  return { source, pendingCalls };
}

describe('a worker', () => {
  it('limits concurrent calls to its share, so that all workers together respect the limits of the source', async () => {
    const { source, pendingCalls } = register({ concurrency: 5, timeout: '30 s', maxBatch: 1 });
    const gateway = createTestGateway(
      {
        REGISTER_URL: 'here',
        REDIS_URL: NO_REDIS,
        SUPPRESSION_FILE: emptyFile('suppressed'),
        DEADLINE_MS: '60000',
      },
      {
        sources: [source],
        worker: { number: 2, count: 2 },
        sdl: {
          register:
            'type Customer @foundBy(identifier: "personId") @personalData(category: NONE) { "Whether it is one." isPerson: Boolean }',
        },
      },
    );
    opened.push(gateway);
    const answer = gateway.query('query($by: [CustomerKey!]!) { customers(by: $by) { id } }', {
      by: Array.from({ length: 6 }, (_, i) => ({ personId: `person-${i}` })),
    });
    let answered = 0;
    while (answered < 6) {
      await vi.waitFor(() => {
        expect(pendingCalls).toHaveLength(2);
      });
      answered += pendingCalls.length;
      for (const answer of pendingCalls.splice(0)) answer();
    }
    expect((await answer).errors).toEqual([]);
  });

  it.each([
    ['its part of the requests and connections', ['5', '101', '7'], [2, 50, 3]],
    ['at least one request and one connection', ['1', '1', '1'], [1, 1, 1]],
  ])(
    'has half of the memory if there are two workers, and %s',
    (_, [requests, connections, perAddress], parts) => {
      const gateway = createTestGateway(
        {
          ...directSettings(['order-system']),
          REDIS_URL: NO_REDIS,
          SUPPRESSION_FILE: emptyFile('suppressed'),
          CACHE_MAX_MB: '10',
          MAX_IN_FLIGHT: requests,
          MAX_CONNECTIONS: connections,
          MAX_CONNECTIONS_PER_ADDRESS: perAddress,
        },
        { worker: { number: 1, count: 2 } },
      );
      opened.push(gateway);
      const { cacheMaxBytes, maxInFlight, maxConnections, maxConnectionsPerAddress } = gateway.config;
      expect(cacheMaxBytes).toBe(5 * 1024 * 1024);
      expect([maxInFlight, maxConnections, maxConnectionsPerAddress]).toEqual(parts);
    },
  );

  it('has a separate audit log', () => {
    const AUDIT_FILE = join(folder, 'audit.jsonl');
    for (const number of [1, 2])
      opened.push(
        createTestGateway(
          {
            ...directSettings(['order-system']),
            REDIS_URL: NO_REDIS,
            SUPPRESSION_FILE: emptyFile('suppressed'),
            AUDIT_FILE,
          },
          { worker: { number, count: 2 } },
        ),
      );
    expect(readdirSync(folder)).toEqual(
      expect.arrayContaining(['audit.jsonl.worker-1', 'audit.jsonl.worker-2']),
    );
    expect(readdirSync(folder)).not.toContain('audit.jsonl');
  });
});
