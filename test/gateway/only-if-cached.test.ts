import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';
import { ONE_CUSTOMER } from './queries.js';

const gateway = createTestGateway(directSettings());
afterAll(() => gateway.close());

const unhandled: unknown[] = [];
const note = (reason: unknown): void => void unhandled.push(reason);
beforeAll(() => {
  process.on('unhandledRejection', note);
  return () => process.off('unhandledRejection', note);
});

test('a source without cached records is reported as failed, even for fields that cannot have an error', async () => {
  const response = await gateway.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'cache-control': 'only-if-cached', 'x-sources': '1' },
    body: JSON.stringify({ query: ONE_CUSTOMER, variables: { by: { email: 'everywhere@example.nl' } } }),
  });
  const { extensions } = (await response.json()) as {
    extensions: { sources: Record<string, { status: string; calls: number }> };
  };
  expect(extensions.sources['order-system']).toMatchObject({ status: 'failed', calls: 0 });
});

test('a request with only-if-cached leaves no unhandled rejection', async () => {
  for (const email of ['everywhere@example.nl', 'customer-1@example.nl', 'nobody@example.nl']) {
    const response = await gateway.fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'cache-control': 'only-if-cached' },
      body: JSON.stringify({ query: ONE_CUSTOMER, variables: { by: { email } } }),
    });
    const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
    expect(new Set(errors.map(({ extensions }) => extensions.code))).toEqual(new Set(['NOT_CACHED']));
  }
  // An unhandled rejection is reported in the next iteration of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  expect(unhandled).toEqual([]);
});
