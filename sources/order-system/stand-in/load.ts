import type { Client } from 'pg';
import type { Person, World } from '../../stand-ins/world.js';

/** Bounds the size of one statement's parameter. */
const rowsPerStatement = 20_000;

/** Whole tables at once: a thousand customers take a few statements instead of twenty thousand. */
export async function loadWorld(client: Client, world: World): Promise<void> {
  const rows = rowsOf(world);
  // In this order, because each refers to the one before.
  await insert(client, 'customers', rows.customers);
  await insert(client, 'customer_devices', rows.devices);
  await insert(client, 'customer_consents', rows.consents);
  await insert(client, 'orders', rows.orders);
  await insert(client, 'order_lines', rows.lines);
  await insert(client, 'payments', rows.payments);
}

async function insert(client: Client, table: string, rows: readonly object[]): Promise<void> {
  for (let start = 0; start < rows.length; start += rowsPerStatement) {
    await client.query(`insert into ${table} select * from json_populate_recordset(null::${table}, $1)`, [
      JSON.stringify(rows.slice(start, start + rowsPerStatement)),
    ]);
  }
}

/** The tables as objects, moments as ISO 8601 has them. */
export function rowsOf(
  world: World,
): Record<'customers' | 'devices' | 'consents' | 'orders' | 'lines' | 'payments', object[]> {
  const customers: object[] = [];
  const devices: object[] = [];
  const consents: object[] = [];
  const orders: object[] = [];
  const lines: object[] = [];
  const payments: object[] = [];

  for (const person of world.people) {
    const { orderSystem } = person;
    if (orderSystem === undefined) continue;
    const { customerNumber, emailVerified, phoneVerified, business, updatedAt } = orderSystem;
    customers.push({
      cust_no: customerNumber,
      email_verified: emailVerified,
      phone: person.phone,
      phone_verified: phoneVerified,
      first_name: person.firstName,
      last_name: person.lastName,
      birth_date: person.birthDate,
      city: person.address.city,
      country: person.address.country,
      company_name: business?.companyName,
      kvk_no: business?.kvkNumber,
      vat_no: business?.vatNumber,
      created_at: person.createdAt,
      updated_at: updatedAt,
      ...asTyped(person, customerNumber),
    });
    for (const { visitorId, lastSeenAt } of orderSystem.devices) {
      devices.push({ cust_no: customerNumber, visitor_id: visitorId, last_seen_at: lastSeenAt });
    }
    for (const { purpose, channel, status, changedAt, expiresAt, evidence } of orderSystem.consents) {
      consents.push({
        cust_no: customerNumber,
        purpose,
        channel,
        status,
        changed_at: changedAt,
        expires_at: expiresAt,
        evidence,
      });
    }
    for (const { number, shopName, status, placedAt, ...order } of orderSystem.orders) {
      orders.push({
        order_no: number,
        cust_no: customerNumber,
        status,
        placed_at: placedAt,
        currency: 'EUR',
        shop_order_no: shopName,
      });
      for (const { lineNumber, sku, description, quantity, unitPriceCents } of order.lines) {
        lines.push({
          order_no: number,
          line_no: lineNumber,
          sku,
          description,
          quantity,
          unit_price: euros(unitPriceCents),
        });
      }
      for (const [index, { method, amountCents, paidAt }] of order.payments.entries()) {
        payments.push({
          order_no: number,
          payment_no: index + 1,
          method,
          amount: euros(amountCents),
          paid_at: paidAt,
        });
      }
    }
  }
  return { customers, devices, consents, orders, lines, payments };
}

/** The shop stored the text that customers typed: some e-mail addresses with capitals, some postcodes without a blank. */
function asTyped(
  { email, address }: Person,
  customerNumber: string,
): { email: string; street: string; house_no: string; postcode: string } {
  const capitals = customerNumber.endsWith('3');
  const blank = !customerNumber.endsWith('7');
  return {
    email: capitals ? email.charAt(0).toUpperCase() + email.slice(1) : email,
    street: address.street,
    house_no: address.houseNumber,
    postcode: blank ? address.postcode : address.postcode.replace(' ', ''),
  };
}

/** As text, so that no rounding of binary fractions comes between. */
function euros(cents: number): string {
  return (cents / 100).toFixed(2);
}
