import { afterAll, expect, test } from 'vitest';
import { sources } from '../../sources/index.js';
import { startStandIns } from '../../sources/stand-ins/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { turnedClock } from '../support/clock.js';
import { createTestGateway } from '../support/gateway.js';
import { listAt } from '../support/read.js';
import { faultControl } from '../support/stand-ins.js';

const COUNT = 500;
/** What the systems take at once: https://developers.hubspot.com, https://developer.zendesk.com, and the webshop's points. */
const MAX_BATCH = { 'order-system': Infinity, webshop: 250, 'contact-centre': 100, 'crm-hubspot': 100 };

const own = await startStandIns({ customers: COUNT });
const control = await faultControl(own.standIns);
const clock = turnedClock();
const gateway = createTestGateway(
  { ...control.settings, DEADLINE_MS: '60000' },
  {
    clock,
    // The systems share this process, and it is not their time that this is about.
    sources: sources.map((source) => ({ ...source, limits: { ...source.limits, timeout: '30 s' } })),
  },
);
afterAll(async () => {
  await gateway.close();
  await control.close();
  await own.close();
});

const people = createWorld({ customers: COUNT }).people.filter(({ email }) => email.startsWith('customer-'));
/** One round of asking: all four systems are asked by e-mail, and none tells of an identifier that leads on. */
const ROUNDS = 1;

async function ask(): Promise<Record<string, number>> {
  await control.heal();
  const { data, errors } = await gateway.query(
    'query($by: [CustomerKey!]!) { customers(by: $by) { id knownTo { status } } }',
    { by: people.map(({ email }) => ({ email })) },
  );
  expect(errors).toEqual([]);
  expect(listAt(data, 'customers').filter((one) => one !== null)).toHaveLength(COUNT);
  return Object.fromEntries(Object.entries(control.counters()).map(([name, { calls }]) => [name, calls]));
}

test('five hundred customers cost as many calls as their systems’ batches need, and none when they are known', async () => {
  expect(await ask()).toMatchObject(
    Object.fromEntries(
      Object.entries(MAX_BATCH).map(([source, most]) => [
        source,
        ROUNDS * Math.max(1, Math.ceil(COUNT / most)),
      ]),
    ),
  );
  expect(await ask()).toMatchObject(Object.fromEntries(Object.keys(MAX_BATCH).map((source) => [source, 0])));
});
