import { Client } from 'pg';
import type { Emitter } from '../../stand-ins/emit.js';

const customer = '(select cust_no from customers where lower(email) = $1 order by cust_no limit 1)';

const newOrder = `
  with placed as (
    insert into orders (order_no, cust_no, status, placed_at, currency)
    select 'ORD-' || to_char(now(), 'YYYY') || '-' || floor(random() * 1e9)::bigint, cust_no, 'NEW', now(), 'EUR'
    from customers where cust_no = ${customer}
    returning order_no
  )
  insert into order_lines (order_no, line_no, sku, description, quantity, unit_price)
  select placed.order_no, 1, line.sku, line.description, 1, line.unit_price
  from placed, (select * from order_lines order by order_no limit 1) line`;

const setStatus = (status: string, before: readonly string[]) => `
  update orders set status = '${status}' where order_no = (
    select order_no from orders
    where cust_no = ${customer} and status in (${before.map((status) => `'${status}'`).join(', ')})
    order by placed_at desc, order_no desc limit 1
  )`;

const consent = (status: string) => `
  insert into customer_consents (cust_no, purpose, channel, status, changed_at, evidence)
  select cust_no, 'MARKETING', 'EMAIL', '${status}', now(), 'Mijn gegevens' from customers where cust_no = ${customer}
  on conflict (cust_no, purpose, channel)
  do update set status = excluded.status, changed_at = excluded.changed_at, evidence = excluded.evidence`;

/** Changes the data of the shop like its software. Triggers write the outbox. */
export function createEmitter(ownerUrl: string): Emitter {
  /** Executes lists of statements in order, until each statement of a list has changed a row. Each is a transaction. */
  const change =
    (...statements: (readonly string[])[]) =>
    async (email: string): Promise<'reported' | undefined> => {
      const client = new Client({ connectionString: ownerUrl });
      client.on('error', () => undefined);
      await client.connect();
      try {
        for (const steps of statements) {
          const counts: number[] = [];
          for (const step of steps) counts.push((await client.query(step, [email])).rowCount ?? 0);
          if (counts.every((count) => count > 0)) return 'reported';
        }
        return undefined;
      } finally {
        await client.end();
      }
    };
  const pay = setStatus('PAID', ['NEW']);
  return {
    'order.placed': change([newOrder]),
    'order.paid': change([pay], [newOrder, pay]),
    'order.shipped': change([setStatus('SHIPPED', ['PAID'])]),
    'order.cancelled': change([setStatus('CANCELLED', ['NEW', 'PAID'])]),
    'contact.changed': change([`update customers set updated_at = now() where cust_no = ${customer}`]),
    'consent.given': change([consent('GIVEN')]),
    'consent.withdrawn': change([consent('WITHDRAWN')]),
  };
}
