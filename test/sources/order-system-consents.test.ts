import pg from 'pg';
import { describe } from 'vitest';
import { orderSystem } from '../../sources/order-system/index.js';
import { startOrderSystem } from '../../sources/order-system/stand-in/index.js';
import type { Person, World } from '../../sources/stand-ins/world.js';
import { describeConsents } from './consent-contract.js';

const STATUS = { GIVEN: 'GRANTED', REFUSED: 'DENIED', WITHDRAWN: 'REVOKED', ASKED: 'REQUESTED' };

const TWO_ACCOUNTS = 'two-accounts@example.nl';

/**
 * Two accounts with the same address are one customer, who has the statements of both. The last changed account is
 * first.
 */
const seedStatementsOf = (person: Person, { people }: World) =>
  (person.email === TWO_ACCOUNTS
    ? people.filter(({ email }) => email === TWO_ACCOUNTS).toReversed()
    : [person]
  ).flatMap((person) => saidWith(person));

const saidWith = ({ orderSystem }: Person) =>
  (orderSystem?.consents ?? [])
    .map(({ purpose, channel, status, changedAt, expiresAt, evidence }) => ({
      purpose,
      channel,
      // All consents with an end have expired in the seed data.
      status: expiresAt === null ? STATUS[status] : 'EXPIRED',
      updatedAt: new Date(changedAt).toISOString(),
      evidence,
    }))
    .sort((a, b) => (`${a.purpose} ${a.channel ?? ''}` < `${b.purpose} ${b.channel ?? ''}` ? -1 : 1));

describe("the order system's consents", () => {
  describeConsents({
    source: orderSystem,
    start: (world) => {
      const connectionString = process.env.ORDER_SYSTEM_TEST_URL;
      return startOrderSystem(world, connectionString === undefined ? {} : { connectionString });
    },
    keyOf: ({ orderSystem }) => orderSystem && { customerNumber: orderSystem.customerNumber },
    seedStatementsOf,
    statuses: ['GRANTED', 'DENIED', 'REVOKED', 'REQUESTED', 'EXPIRED'],
    identificationCalls: 2,
    callsForHundredPeople: 1,
    withdraw: async ({ ownerUrl }, { orderSystem }) => {
      const owner = new pg.Client({ connectionString: ownerUrl });
      await owner.connect();
      await owner.query(
        `UPDATE customer_consents SET status = 'WITHDRAWN', changed_at = now()
         WHERE cust_no = $1 AND purpose = 'MARKETING' AND channel = 'EMAIL'`,
        [orderSystem?.customerNumber],
      );
      await owner.end();
    },
  });
});
