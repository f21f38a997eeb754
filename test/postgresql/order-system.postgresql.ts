import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { expect, test } from 'vitest';
import { startOrderSystem } from '../../sources/order-system/stand-in/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';

test('the stand-in of the order system drops its database while a gateway is still connected to it', async () => {
  const server = process.env.POSTGRESQL_URL;
  if (server === undefined) throw new Error('POSTGRESQL_URL must be the address of a PostgreSQL.');
  const administrator = new pg.Client({ connectionString: server });
  await administrator.connect();
  // A role with only the privileges that the stand-in needs.
  const name = `owner_${randomBytes(5).toString('hex')}`;
  const password = randomBytes(18).toString('hex');
  await administrator.query(`create role ${name} login createdb createrole password '${password}'`);
  try {
    const url = new URL(server);
    url.username = name;
    url.password = password;
    const system = await startOrderSystem(createWorld({ customers: 1 }), { connectionString: url.href });
    const { ORDER_SYSTEM_URL } = system.settings(system.url);
    const client = new pg.Client({ connectionString: ORDER_SYSTEM_URL });
    const ended = new Promise<Error>((resolve) => client.on('error', resolve));
    await client.connect();
    await system.close();
    expect((await ended).message).toContain('terminating connection');
  } finally {
    await administrator.query(`drop role ${name}`);
    await administrator.end();
  }
});
