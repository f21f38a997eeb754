import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KEY_ROLES, CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { ROLES } from '../../src/context/roles.js';
import { readPersistedOperations } from '../../src/operation/persisted-operations.js';
import { createTestGateway, DEMO_OPERATIONS, patientSources, type TestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';
import { runCount } from '../support/thorough.js';

/** Tests that data which only one caller may see is never cached, shared or batched for others. */

const EMAILS = ['everywhere@example.nl', 'no-marketing@example.nl', 'customer-7@example.nl'];
const OPERATIONS = ['CustomerCard', 'PageView', 'MyAccount', 'MyOrders'];

const CELLS = (['visitor', ...KEY_ROLES] as const).flatMap((role) =>
  ROLES[role].purposes.flatMap((purpose) =>
    EMAILS.flatMap((email) => OPERATIONS.map((operation) => ({ role, purpose, email, operation }))),
  ),
);
type Cell = (typeof CELLS)[number];

const settings = {
  ...directSettings(),
  ...CALLER_SETTINGS,
  DEADLINE_MS: '30000',
  CLICKSTREAM_TIMEOUT_MS: '20000',
  IDENTITY_PATIENCE_MS: '20000',
  AUDIT_FILE: '/dev/null',
};
const ids = new Map(
  readPersistedOperations(DEMO_OPERATIONS).map(({ name, documentId }) => [name, documentId]),
);
/** The response to each caller without other requests, with an empty cache. */
const alone = new Map<Cell, string>();
let gateway: TestGateway;

async function send(
  target: TestGateway,
  { role, purpose, email, operation }: Cell,
  headers = {},
): Promise<string> {
  const response = await target.fetch('/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(await headersOf(role, { purpose, email })),
      ...headers,
    },
    body: JSON.stringify({
      documentId: ids.get(operation),
      variables: operation.startsWith('My') ? {} : { by: { email } },
    }),
  });
  const { data, errors } = (await response.json()) as { data: unknown; errors: unknown };
  return JSON.stringify({ data, errors });
}

beforeAll(async () => {
  const careful = createTestGateway(settings, { operations: DEMO_OPERATIONS });
  for (const cell of CELLS) alone.set(cell, await send(careful, cell, { 'cache-control': 'no-cache' }));
  await careful.close();
  gateway = createTestGateway(settings, {
    operations: DEMO_OPERATIONS,
    sources: patientSources().map((source) => ({
      ...source,
      freshness: { maxAge: '1 hour', staleWhileRevalidate: '1 hour' },
    })),
  });
}, 120_000);
afterAll(() => gateway.close());

test(
  'concurrent callers receive the same responses as without other requests',
  { timeout: 120_000 },
  async () => {
    expect(new Set(alone.values()).size).toBeGreaterThan(20);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...CELLS), { minLength: 2, maxLength: 40 }),
        async (cells) => {
          const results = await Promise.all(cells.map((cell) => send(gateway, cell)));
          for (const [i, cell] of cells.entries())
            expect(results[i], JSON.stringify(cell)).toBe(alone.get(cell));
        },
      ),
      { numRuns: runCount(60) },
    );
  },
);
