import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { orderSystem } from '../../sources/order-system/index.js';
import { startOrderSystem } from '../../sources/order-system/stand-in/index.js';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { fakeClock, type FakeClock } from '../support/clock.js';
import { createTestGateway, LONG_TIMEOUT, type TestGateway } from '../support/gateway.js';
import { faultControl } from '../support/stand-ins.js';

/** The address of a customer who has agreed to marketing mail and to personal pages. */
const EMAIL = 'customer-5@example.nl';

let system: StandIn & { ownerUrl: string };
let control: FaultControl;
const opened: TestGateway[] = [];

beforeAll(async () => {
  const connectionString = process.env.ORDER_SYSTEM_TEST_URL;
  system = await startOrderSystem(
    createWorld({ customers: 6 }),
    connectionString === undefined ? {} : { connectionString },
  );
  control = await faultControl([system]);
});
afterAll(async () => {
  await Promise.all(opened.map((gateway) => gateway.close()));
  await control.close();
  await system.close();
});

/** Opens one of several instances with separate caches. Records except consents are cached for an hour. */
function openInstance(): { gateway: TestGateway; clock: FakeClock } {
  const clock = fakeClock();
  const gateway = createTestGateway(
    {
      DEADLINE_MS: '10000',
      ...CALLER_SETTINGS,
      AUDIT_FILE: '/dev/null',
      ...system.settings(control.sources['order-system']?.url ?? ''),
    },
    {
      sources: [
        {
          ...orderSystem,
          freshness: { maxAge: '1 hour', staleIfError: '1 day' },
          limits: { ...orderSystem.limits, timeout: LONG_TIMEOUT },
        },
      ],
      clock,
    },
  );
  opened.push(gateway);
  return { gateway, clock };
}

async function asCampaign({ gateway }: { gateway: TestGateway }, field = 'primaryEmail') {
  const { data, errors } = await gateway.query(
    `query ($by: CustomerKey!) { customer(by: $by) { ${field} } }`,
    { by: { email: EMAIL } },
    await headersOf('campaign', { purpose: 'MARKETING' }),
  );
  return { data, codes: errors.map(({ extensions }) => extensions.code) };
}

async function note(status: string, channels: 'by mail' | 'all' = 'by mail'): Promise<void> {
  const owner = new pg.Client({ connectionString: system.ownerUrl });
  await owner.connect();
  await owner.query(
    `UPDATE customer_consents SET status = $1, changed_at = now()
     WHERE purpose = 'MARKETING' AND ($3 OR channel = 'EMAIL')
     AND cust_no = (SELECT cust_no FROM customers WHERE email = $2)`,
    [status, EMAIL, channels === 'all'],
  );
  await owner.end();
}

const SHOWN = { data: { customer: { primaryEmail: EMAIL } }, codes: [] };
const WITHHELD = { data: { customer: { primaryEmail: null } }, codes: ['CONSENT_REQUIRED'] };

describe('consent', () => {
  test('that is withdrawn in a system is withheld by every instance within five seconds', async () => {
    const instances = [openInstance(), openInstance()];
    for (const instance of instances) expect(await asCampaign(instance)).toEqual(SHOWN);
    await note('WITHDRAWN');
    for (const item of instances) {
      item.clock.advance(5_001);
      expect(await asCampaign(item)).toEqual(WITHHELD);
    }
    await note('GIVEN');
    for (const entry of instances) {
      entry.clock.advance(5_001);
      expect(await asCampaign(entry)).toEqual(SHOWN);
    }
  });

  test('is not assumed while the system that holds it is unavailable, although other records are cached', async () => {
    const instance = openInstance();
    expect(await asCampaign(instance)).toEqual(SHOWN);
    await control.set('order-system', { fault: 'down' });
    instance.clock.advance(5_001);
    const { data, codes } = await asCampaign(instance);
    await control.heal();
    expect(data).toEqual({ customer: { primaryEmail: null } });
    expect(codes).toEqual(['SOURCE_UNAVAILABLE']);
  });

  test('that is cached as refused prevents calls for hidden fields', async () => {
    const instance = openInstance();
    await note('WITHDRAWN', 'all');
    expect(await asCampaign(instance)).toEqual(WITHHELD);
    await control.heal();
    const { data, codes } = await asCampaign(instance, 'orders(first: 1) { nodes { number } }');
    const calls = control.counters()['order-system']?.calls;
    await note('GIVEN', 'all');
    expect({ data, codes, calls }).toEqual({
      data: { customer: { orders: null } },
      codes: ['CONSENT_REQUIRED'],
      calls: 0,
    });
  });

  test('that is withdrawn does not affect fields for SERVICE', async () => {
    const instance = openInstance();
    await note('WITHDRAWN');
    const { data, errors } = await instance.gateway.query(
      'query ($by: CustomerKey!) { customer(by: $by) { primaryEmail } }',
      { by: { email: EMAIL } },
      await headersOf('campaign', { purpose: 'SERVICE' }),
    );
    await note('GIVEN');
    expect(errors).toEqual([]);
    expect(data).toEqual({ customer: { primaryEmail: EMAIL } });
  });
});

test('a source that declares consents without an identity prevents the start', () => {
  const anonymous = { ...orderSystem };
  delete anonymous.identity;
  const url = control.sources['order-system']?.url ?? '';
  expect(() => createTestGateway(system.settings(url), { sources: [anonymous] })).toThrow(
    'order-system declares consents, so it must identify its customers: declare its identity.',
  );
});
