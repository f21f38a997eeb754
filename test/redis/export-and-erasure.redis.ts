import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startStandIns, type StandIns } from '../../sources/stand-ins/index.js';
import { stekkerdoos } from '../cli/cli-process.js';
import { startGatewayProcess, type GatewayProcess } from './gateway-processes.js';
import { startRedis, type RedisServer } from './redis-server.js';

const by = { email: 'everywhere@example.nl' };
const QUERY = 'query ($by: CustomerKey!) { customer(by: $by) { name } }';

let standIns: StandIns;
let redis: RedisServer;
let settings: Record<string, string>;
let gateways: GatewayProcess[];

beforeAll(async () => {
  standIns = await startStandIns({
    customers: 5,
    ...(process.env.ORDER_SYSTEM_TEST_URL === undefined
      ? {}
      : { orderSystem: { connectionString: process.env.ORDER_SYSTEM_TEST_URL } }),
  });
  redis = await startRedis();
  settings = Object.assign(
    { REDIS_URL: redis.url },
    ...standIns.standIns.map((standIn) => standIn.settings(standIn.url)),
  ) as Record<string, string>;
  gateways = await Promise.all([startGatewayProcess(settings), startGatewayProcess(settings)]);
});
afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.stop()));
  await redis.close();
  await standIns.close();
});

it('no instance shows a customer who was suppressed at the command line', async () => {
  for (const gateway of gateways)
    await vi.waitFor(
      async () => {
        expect((await gateway.query(QUERY, { by })).data?.customer?.['name']).toEqual(expect.any(String));
      },
      { timeout: 10_000 },
    );
  const { code, out, err } = await stekkerdoos(
    ['forget', '--by', `email=${by.email}`, '--suppress'],
    settings,
  );
  expect(err).toBe('');
  expect(out).toContain('All instances were notified through Redis.');
  expect(code).toBe(0);
  for (const gateway of gateways) {
    const { data, errors } = await gateway.query(QUERY, { by });
    expect(data).toEqual({ customer: null });
    expect(errors).toMatchObject([{ extensions: { code: 'ERASED' } }]);
  }
});
