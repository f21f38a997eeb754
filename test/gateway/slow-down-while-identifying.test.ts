import { afterEach, describe, expect, test } from 'vitest';
import { SourceRateLimitedError } from '../../src/errors.js';
import { defineLoader, idNamespace, type CustomerRecord } from '../../src/index.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { localSource } from '../support/local-source.js';

const gateways: TestGateway[] = [];
afterEach(async () => {
  await Promise.all(gateways.splice(0).map((gateway) => gateway.close()));
});

/** Creates a gateway with one system that returns Retry-After. */
function createRateLimitedGateway(retryAfter: number, environment: Record<string, string>) {
  const refuses = defineLoader({
    name: 'people',
    load: (): Promise<CustomerRecord[][]> =>
      Promise.reject(new SourceRateLimitedError('people', 'people is called too often.', { retryAfter })),
  });
  const { source, environment: sourceEnvironment } = localSource('people', {
    limits: { retries: 0 },
    namespaces: [idNamespace('personId', 'An id.', /^p\d$/)],
    identity: {
      recordKey: 'personId',
      yields: {},
      foundBy: { personId: { uniqueness: 'enforced', loader: refuses } },
    },
  });
  const sdl =
    'type Customer @foundBy(identifier: "personId") @personalData(category: NONE) { "Whether the record is a person." isPerson: Boolean }';
  const gateway = createTestGateway(
    { ...sourceEnvironment, ...environment },
    { sources: [source], sdl: { people: sdl } },
  );
  gateways.push(gateway);
  return gateway;
}

const QUERY = '{ customer(by: { personId: "p1" }) { id } }';

describe('a system with a rate limit during identification', () => {
  test.each([
    [
      { DEADLINE_MS: '2000' },
      "people is called too often. people may be called again after 1 s, which is later than the 1000 ms for identifying the customer (50 % of the request's 2000 ms). Repeat the request then, or raise DEADLINE_MS or IDENTITY_DEADLINE_PERCENT.",
    ],
    [{ DEADLINE_MS: '2000', IDENTITY_DEADLINE_PERCENT: '90' }, 'people is called too often.'],
    [{ DEADLINE_MS: '10000' }, 'people is called too often.'],
  ])(
    'has an error with the time of the next call, if that is too late for the deadline: %j',
    async (environment, message) => {
      const { data, errors } = await createRateLimitedGateway(1, environment).query(QUERY);
      expect(data).toEqual({ customer: null });
      expect(errors).toEqual([
        expect.objectContaining({
          message,
          extensions: { code: 'SOURCE_RATE_LIMITED', source: 'people', retryable: true, retryAfter: 1 },
        }),
      ]);
    },
  );

  test('has an error with the deadline of the caller', async () => {
    const gateway = createRateLimitedGateway(7, {});
    const { errors } = await gateway.query(QUERY, {}, { prefer: 'wait=1' });
    expect(errors[0]?.message).toContain(
      "after 7 s, which is later than the 500 ms for identifying the customer (50 % of the request's 1000 ms)",
    );
  });

  test('is logged as one failure with its loader, even if the response has several errors', async () => {
    const ADMIN_TOKEN = 'the token of the administrator';
    const gateway = createRateLimitedGateway(7, { ADMIN_TOKEN });
    const { errors } = await gateway.query(QUERY);
    expect(errors[0]?.message).toContain('may be called again after 7 s');
    const metrics = await (await gateway.fetch('/metrics')).text();
    expect(metrics).toContain(
      'stekkerdoos_source_failures_total{source="people",code="SOURCE_RATE_LIMITED",kind="rate-limited"} 1\n',
    );
    const health: unknown = await (
      await gateway.fetch('/health/ready', { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })
    ).json();
    expect(health).toMatchObject({ failures: [{ kind: 'rate-limited', loader: 'people' }] });
  });
});
