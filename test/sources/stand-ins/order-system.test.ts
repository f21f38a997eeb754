import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmbeddedServer, type EmbeddedServer } from '../../../sources/stand-ins/embedded-server.js';
import { startOrderSystem } from '../../../sources/order-system/stand-in/index.js';
import { createWorld } from '../../../sources/stand-ins/seed.js';

describe('the stand-in of the order system in a running PostgreSQL', () => {
  const world = createWorld({ customers: 20 });
  let server: EmbeddedServer;

  beforeAll(async () => {
    server = await startEmbeddedServer();
  });
  afterAll(async () => {
    await server.close();
  });

  async function query<Row extends object>(
    connectionString: string | undefined,
    text: string,
  ): Promise<Row[]> {
    const client = new Client({ connectionString });
    await client.connect();
    try {
      return (await client.query<Row>(text)).rows;
    } finally {
      await client.end();
    }
  }

  const ours = `select datname as name from pg_database where datname like 'order_system%'
    union all select rolname from pg_roles where rolname like 'gateway%'`;

  it('has all customers of the order system, with their orders and payments', async () => {
    const orderSystem = await startOrderSystem(world, { connectionString: server.connectionString });
    const url = orderSystem.settings(orderSystem.url)['ORDER_SYSTEM_URL'];
    const parts = world.people.flatMap((person) => person.orderSystem ?? []);
    const orders = parts.flatMap((part) => part.orders);
    const paidCents = orders
      .flatMap(({ payments }) => payments)
      .reduce((sum, { amountCents }) => sum + amountCents, 0);

    expect(
      await query(
        url,
        `select (select count(*)::int from customers) as customers, (select count(*)::int from orders) as orders,
          (select count(*)::int from order_lines) as lines, (select sum(amount) from payments) as paid`,
      ),
    ).toEqual([
      {
        customers: parts.length,
        orders: orders.length,
        lines: orders.flatMap(({ lines }) => lines).length,
        paid: (paidCents / 100).toFixed(2),
      },
    ]);
    expect(
      await query(
        url,
        `select email_verified from customers where lower(email) = 'shared@example.nl' order by 1`,
      ),
    ).toEqual([{ email_verified: false }, { email_verified: true }]);
    expect(
      await query(
        url,
        `select email, visitor_id, kvk_no, vat_no, company_name, phone_verified
         from customers left join customer_devices using (cust_no)
         where lower(email) in ('company@example.nl', 'single-device@example.nl', 'verified-phone@example.nl')
         order by lower(email)`,
      ),
    ).toMatchObject([
      { kvk_no: '07322969', vat_no: 'NL858100009B14', phone_verified: false, visitor_id: null },
      { kvk_no: null, visitor_id: '8f14e45f-ceea-467f-a3bd-00000000d0d2' },
      { company_name: null, phone_verified: true },
    ]);
    // The values have the notation of the customers.
    expect(await query(url, 'select 1 from customers where email <> lower(email)')).not.toEqual([]);
    expect(await query(url, `select 1 from customers where postcode !~ ' '`)).not.toEqual([]);
    await orderSystem.close();
  });

  it('creates a database, and drops it at the end', async () => {
    const [first, second] = await Promise.all([
      startOrderSystem(world, { connectionString: server.connectionString }),
      startOrderSystem(world, { connectionString: server.connectionString }),
    ]);
    expect(first.settings(first.url)).not.toEqual(second.settings(second.url));
    expect(await query(server.connectionString, ours)).toHaveLength(4);
    // A gateway may still be connected.
    const gateway = new Client({ connectionString: first.settings(first.url)['ORDER_SYSTEM_URL'] });
    gateway.on('error', () => undefined);
    await gateway.connect();
    await Promise.all([first.close(), second.close()]);
    expect(await query(server.connectionString, ours)).toEqual([]);
  });
});

describe('a signal to a process with the stand-in of the order system', () => {
  /**
   * Starts the order system and then `code` in a separate process, and sends it a signal to end. Returns its output.
   */
  async function endedBySignal(
    code: string,
  ): Promise<{ printed: string; end: number | string | null; url: string }> {
    const script = `
      import { createWorld } from './sources/stand-ins/seed.ts';
      import { startOrderSystem } from './sources/order-system/stand-in/index.ts';
      const orderSystem = await startOrderSystem(createWorld({ customers: 1 }));
      ${code}
      console.log(orderSystem.url);`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]);
    const ended = new Promise<number | string | null>((resolve) => {
      child.on('exit', (status, signal) => {
        resolve(status ?? signal);
      });
    });
    let printed = '';
    child.stdout.on('data', (text: Buffer) => {
      if (printed === '') child.kill('SIGTERM');
      printed += text.toString();
    });
    const end = await ended;
    const [url = '', ...rest] = printed.trim().split('\n');
    return { printed: rest.join(' '), end, url };
  }

  function isRefused(url: string): Promise<boolean> {
    return new Promise((resolve) => {
      const { hostname, port } = new URL(url);
      const socket = connect(Number(port), hostname);
      socket.on('error', () => {
        resolve(true);
      });
      socket.on('connect', () => {
        socket.destroy();
        resolve(false);
      });
    });
  }

  it('leaves the process the time that it needs to close', async () => {
    const { printed, end, url } = await endedBySignal(`
      process.once('SIGTERM', async () => {
        await new Promise((resolve) => setTimeout(resolve, 500));
        console.log('still here');
        await orderSystem.close();
        console.log('closed');
      });`);
    expect(printed).toBe('still here closed');
    expect(end).toBe(0);
    expect(await isRefused(url)).toBe(true);
  });

  it('neither changes the exit code of the process nor delays its end', async () => {
    const { end } = await endedBySignal(`
      process.once('SIGTERM', async () => {
        process.exitCode = 3;
        await orderSystem.close();
        setTimeout(() => process.exit(4), 5_000).unref();
        setTimeout(() => console.log('nearly'), 50);
      });`);
    expect(end).toBe(3);
  });

  it('ends the server if the process does not close it', async () => {
    const { end, url } = await endedBySignal('');
    expect(end).toBe('SIGTERM');
    await expect.poll(() => isRefused(url), { timeout: 5_000 }).toBe(true);
  });
});
