import { describe, expect, it } from 'vitest';
import { createWorld } from '../../../sources/stand-ins/seed.js';
import { worldNow } from '../../../sources/stand-ins/seed-time.js';
import type { Person, SeedOrder } from '../../../sources/stand-ins/world.js';

const world = createWorld({ customers: 500 });
const ordinary = world.people.filter(({ email }) => email.startsWith('customer-'));

function person(email: string): Person {
  const [found, ...others] = world.people.filter((candidate) => candidate.email === email);
  if (found === undefined || others.length > 0)
    throw new Error(`${email} is not the address of exactly one person.`);
  return found;
}

function systemsOf({ orderSystem, webshop, contactCentre, crm }: Person): string[] {
  return Object.entries({ orderSystem, webshop, contactCentre, crm }).flatMap(([system, part]) =>
    part === undefined ? [] : [system],
  );
}

function totalCents({ lines }: SeedOrder): number {
  return lines.reduce((sum, { quantity, unitPriceCents }) => sum + quantity * unitPriceCents, 0);
}

function expectUnique(values: readonly unknown[]): void {
  expect(values.length).toBeGreaterThan(0);
  expect(new Set(values).size).toBe(values.length);
}

describe('the seed data', () => {
  it('are equal each time', () => {
    expect(createWorld({ customers: 500 })).toEqual(world);
  });

  it('have the same data of a customer for any number of customers', () => {
    const small = createWorld({ customers: 50 });
    expect(small.people).toEqual(world.people.slice(0, small.people.length));
    expect(small.products).toEqual(world.products);
    expect(small.companies).toEqual(world.companies);
  });

  it('have the requested number of ordinary customers, and the special ones', () => {
    expect(ordinary.map(({ email }) => email)).toEqual(
      Array.from({ length: 500 }, (_, index) => `customer-${index + 1}@example.nl`),
    );
    expect(createWorld({ customers: 0 }).people).toHaveLength(30);
  });

  it.each([-1, 1.5, Number.NaN, 10_000_000])('cannot have %d customers', (customers) => {
    expect(() => createWorld({ customers })).toThrow('customers must be a whole number');
  });

  it('are created in time proportional to the number of customers', () => {
    const timeOf = (customers: number) => {
      const { user } = process.cpuUsage();
      createWorld({ customers });
      return process.cpuUsage().user - user;
    };
    timeOf(1_000);
    expect(timeOf(8_000) / timeOf(1_000)).toBeLessThan(32);
  });

  it('have each identifier for only one person', () => {
    const { people, products, companies } = world;
    const orders = people.flatMap(({ orderSystem }) => orderSystem?.orders ?? []);
    const shops = people.flatMap(({ webshop }) => webshop ?? []);
    const drafts = shops.flatMap(({ draftOrders }) => draftOrders);
    const desks = people.flatMap(({ contactCentre }) => contactCentre ?? []);
    const tickets = desks.flatMap((desk) => desk.tickets);
    const contacts = people.flatMap(({ crm }) => crm ?? []);

    expectUnique(ordinary.map(({ phone }) => phone));
    expectUnique(people.flatMap(({ orderSystem }) => orderSystem?.customerNumber ?? []));
    expectUnique(orders.map(({ number }) => number));
    expectUnique(shops.map(({ customerId }) => customerId));
    expectUnique(drafts.map(({ id }) => id));
    const online = shops.flatMap((shop) => shop.orders);
    expectUnique(online.map(({ id }) => id));
    expectUnique(online.map(({ name }) => name));
    expectUnique(online.flatMap(({ shipments }) => shipments.map(({ id }) => id)));
    expectUnique(drafts.flatMap(({ lines }) => lines.map(({ id }) => id)));
    expectUnique(desks.map(({ userId }) => userId));
    expectUnique(tickets.map(({ id }) => id));
    expectUnique(tickets.flatMap(({ comments }) => comments.map(({ id }) => id)));
    expectUnique(contacts.map(({ contactId }) => contactId));
    expectUnique(contacts.flatMap(({ deals }) => deals.map(({ id }) => id)));
    expectUnique(companies.map(({ id }) => id));
    expectUnique(companies.map(({ kvkNumber }) => kvkNumber));
    expectUnique(products.flatMap(({ productId, variantId }) => [productId, variantId]));
    expectUnique(products.map(({ sku }) => sku));
  });

  it('have identifiers in the notation of each system', () => {
    const { orderSystem, webshop, contactCentre, crm, phone, address } = person('everywhere@example.nl');
    expect(orderSystem?.customerNumber).toMatch(/^K\d{6}$/);
    expect(orderSystem?.orders[0]?.number).toMatch(/^ORD-20\d\d-\d{7}$/);
    expect(BigInt(webshop?.customerId ?? 0)).toBeGreaterThan(2n ** 53n);
    expect(String(Number(webshop?.customerId))).not.toBe(webshop?.customerId);
    for (const id of contactCentre?.tickets.flatMap((ticket) => [ticket.id, ticket.comments[0]?.id]) ?? []) {
      expect(String(id)).toMatch(/^\d{13,14}$/);
    }
    expect(String(contactCentre?.userId)).toMatch(/^\d{13,14}$/);
    expect(crm?.contactId).toMatch(/^\d+$/);
    expect(phone).toMatch(/^\+316\d{8}$/);
    expect(address.postcode).toMatch(/^\d{4} [A-Z]{2}$/);
  });

  it('have 60 products and 40 companies, some with a KvK number that begins with a zero', () => {
    expect(world.products).toHaveLength(60);
    expect(world.companies).toHaveLength(40);
    for (const { kvkNumber } of world.companies) expect(kvkNumber).toMatch(/^(?!0000)\d{8}$/);
    expect(world.companies.filter(({ kvkNumber }) => kvkNumber.startsWith('0')).length).toBeGreaterThan(5);
  });

  it('contain no events after the time of the seed data', () => {
    const { people } = world;
    const moments = people.flatMap(({ createdAt, orderSystem, webshop, contactCentre, crm }) => [
      createdAt,
      ...(orderSystem?.orders.flatMap(({ placedAt, payments }) => [
        placedAt,
        ...payments.map(({ paidAt }) => paidAt),
      ]) ?? []),
      ...(webshop?.draftOrders.flatMap((draft) => [draft.createdAt, draft.updatedAt]) ?? []),
      ...(contactCentre?.tickets.flatMap((ticket) => [ticket.createdAt, ticket.updatedAt]) ?? []),
      ...(orderSystem === undefined ? [] : [orderSystem.updatedAt]),
      ...(orderSystem?.devices.map(({ lastSeenAt }) => lastSeenAt) ?? []),
      ...(crm === undefined ? [] : [crm.updatedAt]),
    ]);
    for (const moment of moments) expect(moment).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(moments.filter((moment) => moment > worldNow)).toEqual([]);
  });
});

describe('an ordinary customer of the seed data', () => {
  it('is in the order system, with one to six orders of one to four lines', () => {
    for (const { orderSystem } of ordinary) {
      expect(orderSystem?.orders.length).toBeGreaterThanOrEqual(1);
      expect(orderSystem?.orders.length).toBeLessThanOrEqual(6);
      for (const { lines } of orderSystem?.orders ?? []) {
        expect(lines.length).toBeGreaterThanOrEqual(1);
        expect(lines.length).toBeLessThanOrEqual(4);
        expectUnique(lines.map(({ sku }) => sku));
      }
    }
  });

  it('has paid every order that is neither new nor cancelled', () => {
    for (const order of world.people.flatMap(({ orderSystem }) => orderSystem?.orders ?? [])) {
      const paidCents = order.payments.reduce((sum, { amountCents }) => sum + amountCents, 0);
      expect(paidCents).toBe(order.status === 'NEW' || order.status === 'CANCELLED' ? 0 : totalCents(order));
    }
  });

  it.each(['webshop', 'contactCentre', 'crm'] as const)(
    'is usually, but not always, known to %s',
    (system) => {
      const known = ordinary.filter((customer) => customer[system] !== undefined).length;
      expect(known / ordinary.length).toBeGreaterThan(0.85);
      expect(known / ordinary.length).toBeLessThan(0.95);
    },
  );

  it('has the orders of the webshop in the order system, under both numbers', () => {
    for (const { webshop, orderSystem } of world.people) {
      const orders = orderSystem?.orders.filter(({ shopName }) => shopName !== null) ?? [];
      expect(orders).toHaveLength(webshop === undefined ? 0 : (orderSystem?.orders.length ?? 0));
      expect(
        (webshop?.orders ?? []).map(({ name, placedAt, ...order }) => [name, placedAt, order.totalCents]),
      ).toEqual(orders.map((order) => [order.shopName, order.placedAt, totalCents(order)]));
      for (const { placedAt, shipments } of webshop?.orders ?? [])
        for (const { sentAt, deliveredAt } of shipments) {
          expect(sentAt >= placedAt).toBe(true);
          expect(deliveredAt === null || deliveredAt >= sentAt).toBe(true);
        }
    }
    const online = world.people.flatMap(({ webshop }) => webshop?.orders ?? []);
    expect(new Set(online.map(({ shipments }) => shipments.length))).toEqual(new Set([0, 1, 2]));
  });

  it('is one buyer in the webshop and in the order system', () => {
    for (const { webshop, orderSystem } of world.people) {
      if (webshop === undefined) continue;
      const orders = orderSystem?.orders.filter(({ status }) => status !== 'CANCELLED') ?? [];
      expect(webshop.numberOfOrders).toBe(orders.length);
      expect(webshop.amountSpentCents).toBe(orders.reduce((sum, order) => sum + totalCents(order), 0));
    }
  });

  it('has tickets that begin with a text of the customer', () => {
    const tickets = ordinary.flatMap(({ contactCentre }) => contactCentre?.tickets ?? []);
    for (const { comments, description } of tickets) {
      expect(comments[0]).toMatchObject({ author: 'customer', body: description, public: true });
      expect(comments.length).toBeLessThanOrEqual(4);
    }
    expect(new Set(tickets.map(({ comments }) => comments.length))).toEqual(new Set([1, 2, 3, 4]));
  });

  it('works for one of the companies with a probability of about half', () => {
    const ids = new Set(world.companies.map(({ id }) => id));
    const employers = ordinary.flatMap(({ crm }) => crm?.companyId ?? []);
    expect(employers.every((id) => ids.has(id))).toBe(true);
    expect(employers.length / ordinary.length).toBeGreaterThan(0.35);
    expect(employers.length / ordinary.length).toBeLessThan(0.6);
  });
});

describe('the special customers of the seed data', () => {
  it('include a customer that every system knows, with data of every kind', () => {
    const { orderSystem, webshop, contactCentre, crm } = person('everywhere@example.nl');
    expect(orderSystem?.emailVerified).toBe(true);
    expect(orderSystem?.orders.length).toBeGreaterThanOrEqual(5);
    const skus = new Set(world.products.map(({ sku }) => sku));
    expect(orderSystem?.orders.every(({ lines }) => lines.every(({ sku }) => skus.has(sku)))).toBe(true);
    expect(webshop?.draftOrders.some(({ status }) => status === 'OPEN')).toBe(true);
    expect(contactCentre?.tickets.length).toBeGreaterThanOrEqual(4);
    expect(contactCentre?.verified).toBe(true);
    expect(crm?.companyId).toBeDefined();
    expect(crm?.deals).toHaveLength(3);
  });

  it.each([
    ['everywhere@example.nl', ['orderSystem', 'webshop', 'contactCentre', 'crm']],
    ['shop-only@example.nl', ['orderSystem', 'webshop']],
    ['orders-only@example.nl', ['orderSystem']],
    ['crm-only@example.nl', ['crm']],
    ['many-orders@example.nl', ['orderSystem', 'webshop', 'contactCentre', 'crm']],
  ])('include %s, known only to %j', (email, systems) => {
    expect(systemsOf(person(email))).toEqual(systems);
  });

  it('include two people who share one e-mail address in the order system', () => {
    const sharing = world.people.filter(({ email }) => email === 'shared@example.nl');
    expect(sharing.map(systemsOf)).toEqual([
      ['orderSystem', 'webshop', 'contactCentre', 'crm'],
      ['orderSystem'],
    ]);
    expect(sharing.map(({ orderSystem }) => orderSystem?.emailVerified)).toEqual([true, false]);
    expectUnique(sharing.map(({ firstName, lastName }) => `${firstName} ${lastName}`));
    expectUnique(sharing.map(({ birthDate }) => birthDate));
    expectUnique(sharing.map(({ phone }) => phone));
  });

  it('include a customer with 500 orders, some of them with the same time', () => {
    const orders = person('many-orders@example.nl').orderSystem?.orders ?? [];
    expect(orders).toHaveLength(500);
    const moments = new Set(orders.map(({ placedAt }) => placedAt));
    expect(moments.size).toBeLessThan(400);
    expect(moments.size).toBeGreaterThan(100);
  });

  /** Returns all people with the same address. */
  const under = (email: string): Person[] => world.people.filter((person) => person.email === email);
  const partOf = (email: string) => person(email).orderSystem;

  it.each([
    ['conflict@example.nl', ['orderSystem', 'webshop', 'crm']],
    ['conflict-other@example.nl', ['orderSystem']],
    ['two-shops@example.nl', ['orderSystem', 'webshop', 'crm']],
    ['two-shops-old@example.nl', ['webshop']],
    ['many-addresses@example.nl', ['orderSystem', 'crm']],
    ['blocked@example.nl', ['orderSystem', 'contactCentre']],
    ['blocked-too@example.nl', ['orderSystem']],
    ['device-a@example.nl', ['orderSystem', 'webshop']],
    ['device-b@example.nl', ['orderSystem', 'webshop']],
    ['single-device@example.nl', ['orderSystem', 'webshop']],
    ['same-phone-1@example.nl', ['contactCentre', 'crm']],
    ['same-phone-2@example.nl', ['contactCentre', 'crm']],
    ['verified-phone@example.nl', ['orderSystem']],
    ['verified-phone-shop@example.nl', ['webshop']],
    ['household-1@example.nl', ['orderSystem']],
    ['household-2@example.nl', ['orderSystem']],
    ['company@example.nl', ['orderSystem', 'crm']],
  ])('include %s, known only to %j', (email, systems) => {
    expect(systemsOf(person(email))).toEqual(systems);
  });

  it('include a customer with two records in the order system, both with orders', () => {
    const [first, second] = under('two-accounts@example.nl');
    expect(under('two-accounts@example.nl').map(systemsOf)).toEqual([
      ['orderSystem', 'webshop', 'crm'],
      ['orderSystem'],
    ]);
    expect(first?.lastName.toLowerCase()).toBe(second?.lastName.toLowerCase().trim());
    expect(first?.birthDate).toBe(second?.birthDate);
    expect([first, second].map((record) => record?.orderSystem?.orders.length)).toEqual([3, 2]);
  });

  it('include a customer with two accounts in the webshop and both addresses in the CRM', () => {
    expect(person('two-shops@example.nl').crm?.additionalEmails).toEqual(['two-shops-old@example.nl']);
    expect(person('many-addresses@example.nl').crm?.additionalEmails).toHaveLength(8);
  });

  it('include a customer with the number of another customer in the CRM', () => {
    const { crm, orderSystem } = person('conflict@example.nl');
    expect(crm?.customerNumber).toBe(partOf('conflict-other@example.nl')?.customerNumber);
    expect(crm?.customerNumber).not.toBe(orderSystem?.customerNumber);
    expect(world.people.filter((person) => person.crm?.customerNumber !== undefined)).toHaveLength(1);
  });

  it('include people who share a placeholder or the address of a role', () => {
    expect(
      new Set(['blocked@example.nl', 'blocked-too@example.nl'].map((value) => person(value).phone)),
    ).toEqual(new Set(['0000000000']));
    const bakery = under('info@bakkerij.example.nl');
    expect(bakery.map(systemsOf)).toEqual([['orderSystem'], ['crm']]);
    expectUnique(bakery.map(({ lastName }) => lastName));
    expectUnique(bakery.map(({ phone }) => phone));
  });

  it('include two customers with the same device, and a visitor that only a device identifies', () => {
    const devicesOf = (email: string) => partOf(email)?.devices.map(({ visitorId }) => visitorId) ?? [];
    const shared = '8f14e45f-ceea-467f-a3bd-00000000d0d0';
    expect(devicesOf('device-a@example.nl')).toEqual([shared, expect.any(String)]);
    expect(devicesOf('device-b@example.nl')).toEqual([shared]);
    const [value, ...more] = devicesOf('single-device@example.nl');
    expect(more).toEqual([]);
    expect(
      world.people.filter(({ orderSystem }) =>
        orderSystem?.devices.some((device) => device.visitorId === value),
      ),
    ).toHaveLength(1);
  });

  it('include people with the same phone number, which the order system has verified for one of them', () => {
    const phones = (...emails: string[]) => new Set(emails.map((email) => person(email).phone));
    expect(phones('same-phone-1@example.nl', 'same-phone-2@example.nl').size).toBe(1);
    expect(phones('household-1@example.nl', 'household-2@example.nl').size).toBe(1);
    expect(phones('verified-phone@example.nl', 'verified-phone-shop@example.nl').size).toBe(1);
    expect(
      world.people.flatMap(({ email, orderSystem }) => (orderSystem?.phoneVerified === true ? [email] : [])),
    ).toEqual(['verified-phone@example.nl']);
  });

  it('include a customer who buys for a company in the CRM', () => {
    const { orderSystem, crm } = person('company@example.nl');
    const company = world.companies.find(({ id }) => id === crm?.companyId);
    expect(orderSystem?.business).toEqual({
      companyName: company?.name,
      kvkNumber: company?.kvkNumber,
      vatNumber: 'NL858100009B14',
    });
    // The number begins with a zero, which a system may lose.
    expect(company?.kvkNumber).toMatch(/^0/);
  });

  it('do not include nobody@example.nl', () => {
    expect(world.people.some(({ email }) => email === 'nobody@example.nl')).toBe(false);
  });
});
